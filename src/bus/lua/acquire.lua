-- Takes the lease, if nobody has it, for `term` milliseconds.
-- ARGV goes on with: holder, term.

local holder, term = take(), take()

local obstacle = missing_right({})
if obstacle then
  return obstacle
end
local owner = redis.call('GET', lease)
if owner and owner ~= holder then
  return { 'HELD', owner, redis.call('PTTL', lease) }
end
local since = now()
local stored = redis.call('HMGET', position, 'generation', 'ts')
redis.call('SET', lease, holder, 'PX', term)
local epoch = redis.call('HINCRBY', position, 'epoch', 1)
redis.call('HSET', position, 'holder', holder, 'since', since)
return { 'TAKEN', epoch, stored[1] or '', stored[2] or '' }
