-- Renews the lease of this term, also after it expired, unless another instance acquired it since. Reports
-- also that Redis was rolled back to a position before the last commit.
-- KEYS: position, lease. ARGV: the instance, epoch, the lease's TTL in milliseconds, the generation of the last
-- commit.

local position, lease = KEYS[1], KEYS[2]
local instance, epoch, ttl, committed = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local holder = redis.call('GET', lease)
local stored = redis.call('HMGET', position, 'holder', 'epoch', 'generation', 'ts')
if (holder and holder ~= instance) or stored[1] ~= instance or stored[2] ~= epoch then
  return { 'FENCED' }
end
if (tonumber(stored[3]) or 0) < committed then
  return { 'ROLLED_BACK', stored[3] or '', stored[4] or '' }
end
redis.call('SET', lease, instance, 'PX', ttl)
return { 'OK' }
