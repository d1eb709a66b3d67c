-- Lengthens the lease of who holds it; also when it ran out and nobody took it since.
-- KEYS: position, lease. ARGV: holder, epoch, term.

local position, lease = KEYS[1], KEYS[2]
local holder, epoch, term = ARGV[1], ARGV[2], ARGV[3]

local owner = redis.call('GET', lease)
local stored = redis.call('HMGET', position, 'holder', 'epoch')
if (owner and owner ~= holder) or stored[1] ~= holder or stored[2] ~= epoch then
  return 0
end
redis.call('SET', lease, holder, 'PX', term)
return 1
