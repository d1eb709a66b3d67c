-- Takes the lease, if nobody has it, for `term` milliseconds.
-- ARGV goes on with: holder, term; an owner that has held the lease without a TTL for longer than a live
-- instance would, if there is one: from it the lease is taken.

local holder, term, dead_owner = take(), take(), take()

local obstacle = missing_right({})
if obstacle then
  return obstacle
end
-- The youngest command in use, tried before anything is written: a server without it is of no use.
redis.call('ZMSCORE', seen, '')
local owner = redis.call('GET', lease)
if owner and owner ~= holder then
  local left = redis.call('PTTL', lease)
  if left ~= -1 or owner ~= dead_owner then
    return { 'HELD', owner, left }
  end
end
local since = now()
local stored = redis.call('HMGET', position, 'generation', 'ts')
redis.call('SET', lease, holder, 'PX', term)
local epoch = redis.call('HINCRBY', position, 'epoch', 1)
redis.call('HSET', position, 'holder', holder, 'since', since)
return { 'TAKEN', epoch, stored[1] or '', stored[2] or '' }
