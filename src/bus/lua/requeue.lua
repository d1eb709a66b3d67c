-- Makes a dead letter an event: the event is put on the bus and the letter removed, or nothing.
--
-- ARGV goes on with: the letter's entry id; the event.

local letter_id = take()
local digits, before = take_events()
local kind, unique = kind_at(digits, 1)
local id = arguments[before + 1]

local obstacle = missing_right({
  { 'ZSCORE', seen, id }, { 'XRANGE', dead_letters, '-', '+' }, { 'XDEL', dead_letters, letter_id },
}) or wrong_type()
if obstacle then
  return obstacle
end
local letter = redis.call('XRANGE', dead_letters, letter_id, letter_id)[1]
if not letter then
  return { 'GONE' }
end
local coming = { 0, 0, 0, 0 }
coming[kind] = 1
obstacle = full(coming)
if obstacle then
  return obstacle
end

local repeated = false
if unique and window > 0 then
  -- The letter's own id has a half in its score. A whole one is an event's, already on the bus.
  local score = tonumber(redis.call('ZSCORE', seen, id) or 0.5)
  repeated = score == math.floor(score)
end
if not repeated then
  local fields = {}
  for at = 1, #letter[2], 2 do
    fields[letter[2][at]] = letter[2][at + 1]
  end
  local problem = emit(kind, before, fields.ts)
  if problem then
    return problem
  end
  number()
  if unique and window > 0 then
    -- As new as any, so that VK's repeat of it is dropped for as long as another event's.
    remember({ redis.call('HMGET', position, 'generation')[1] or 0, id })
  end
end
redis.call('XDEL', dead_letters, letter_id)
return { repeated and 'REPEAT' or 'DONE' }
