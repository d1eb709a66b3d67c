-- Acquires the lease if it is free, and starts a new lease term: increments the epoch, the fencing token that
-- each commit carries.
--
-- ARGV continues with: the instance, the lease's TTL in milliseconds and, optionally, a holder whose lease is
-- taken over if it has no TTL.

local instance, ttl, stale_holder = next_arg(), next_arg(), next_arg()

local failure = missing_permission({})
if failure then
  return failure
end
-- The newest command in use. A server that lacks it fails here, before the first write.
redis.call('ZMSCORE', seen, '')
local holder = redis.call('GET', lease)
if holder and holder ~= instance then
  local left = redis.call('PTTL', lease)
  if left ~= -1 or holder ~= stale_holder then
    return { 'HELD', holder, left }
  end
end
local leased_at = now()
local stored = redis.call('HMGET', position, 'generation', 'ts')
redis.call('SET', lease, instance, 'PX', ttl)
local epoch = redis.call('HINCRBY', position, 'epoch', 1)
redis.call('HSET', position, 'holder', instance, 'leased_at', leased_at)
return { 'ACQUIRED', epoch, stored[1] or '', stored[2] or '' }
