-- Commits one batch, or several in a row: their events, dead letters, counts and the position after them,
-- or nothing.
-- Redis does not roll a script back, so every check stands before the first write, and what is counted
-- after it cannot fail.
--
-- ARGV goes on with: holder, epoch, from (generation, ts), to (generation, ts), the events; the number of
-- dead letters and for each its reason, id, raw; likewise counts: type, number; gaps, missed.

local holder, epoch = take(), tonumber(take())
local from_generation, from_ts = take(), take()
local to_generation, to_ts = take(), take()
local letters, ids, coming = {}, {}, { 0, 0, 0, 0 }
local digits, first = take_events()
for at = 1, #digits do
  local kind, unique = kind_at(digits, at)
  coming[kind] = coming[kind] + 1
  if unique then
    ids[#ids + 1] = arguments[first + (at - 1) * event_arguments + 1]
  end
end
for at = 1, tonumber(take()) do
  local letter = { reason = take(), id = take(), raw = take() }
  letters[at] = letter
  if letter.id ~= '' then
    ids[#ids + 1] = letter.id
  end
end

local stored = redis.call('HMGET', position, 'holder', 'epoch', 'generation', 'ts')
local stored_holder, stored_epoch = stored[1], tonumber(stored[2] or 0)
local generation, ts = stored[3] or '', stored[4] or ''

-- Someone took the lease after us.
if stored_epoch > epoch or (stored_epoch == epoch and stored_holder ~= holder) then
  return { 'FENCED' }
end
-- This batch is in already: a resend after an answer that did not arrive.
if stored_epoch == epoch and generation == to_generation and ts == to_ts then
  return { 'RESENT' }
end
-- Redis is older than we are.
if stored_epoch < epoch or generation ~= from_generation or ts ~= from_ts then
  return { 'BEHIND', generation, ts }
end
local obstacle = missing_right({}) or wrong_type() or full(coming)
if obstacle then
  return obstacle
end

local moved = now()
local known, repeats, scored = remembered(ids), 0, {}
local function is_new(id)
  if known[id] then
    repeats = repeats + 1
    return false
  end
  known[id] = window > 0
  return true
end

-- An id is remembered only of what is there, and of all that is there: should a write fail after all,
-- the next try completes this one.
local problem
for at = 1, #digits do
  local kind, unique = kind_at(digits, at)
  local before = first + (at - 1) * event_arguments
  local id = arguments[before + 1]
  if not unique or is_new(id) then
    problem = emit(kind, before, to_ts)
    if problem then
      break
    end
    if unique then
      scored[#scored + 1], scored[#scored + 2] = to_generation, id
    end
  end
end
number()
remember(scored)
if problem then
  return problem
end
for _, letter in ipairs(letters) do
  if letter.id == '' or is_new(letter.id) then
    redis.call('XADD', dead_letters, 'MAXLEN', '~', cap > 0 and cap or 1e9, '*', 'reason', letter.reason,
      'group_id', group_id, 'ts', to_ts, 'raw', letter.raw)
    if letter.id ~= '' then
      -- The half tells requeue.lua that no event has this id yet.
      remember({ to_generation + 0.5, letter.id })
    end
  end
end
for _ = 1, tonumber(take()) do
  local kind, times = take(), take()
  count(skipped, kind, times)
end
local gaps, missed = take(), take()
if gaps ~= '0' then
  count(position, 'gaps', gaps)
  count(position, 'missed', missed)
end
if repeats > 0 then
  count(position, 'repeats', repeats)
end
redis.call('HSET', position, 'generation', to_generation, 'ts', to_ts, 'moved', moved)
return { 'DONE', repeats }
