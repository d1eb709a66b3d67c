-- Releases the lease if this instance holds it.
-- KEYS: lease. ARGV: the instance.

if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
