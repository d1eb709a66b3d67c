-- Lengthens the lease of who holds it; also when it ran out and nobody took it since.
-- Tells also where Redis is older than what was committed.
-- KEYS: position, lease. ARGV: holder, epoch, term, committed generation.

local position, lease = KEYS[1], KEYS[2]
local holder, epoch, term, committed = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local owner = redis.call('GET', lease)
local stored = redis.call('HMGET', position, 'holder', 'epoch', 'generation', 'ts')
if (owner and owner ~= holder) or stored[1] ~= holder or stored[2] ~= epoch then
  return { 'FENCED' }
end
if (tonumber(stored[3]) or 0) < committed then
  return { 'BEHIND', stored[3] or '', stored[4] or '' }
end
redis.call('SET', lease, holder, 'PX', term)
return { 'DONE', 0 }
