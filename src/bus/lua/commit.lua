-- Commits one batch: its events, its dead letters, its counts and the position after it, or nothing.
-- Redis does not roll a script back, so every check stands before the first write.
--
-- ARGV goes on with: holder, epoch, from (generation, ts), to (generation, ts), the number of events,
-- for each its type, id, unique, data; likewise dead letters: reason, id, raw; counts: type, number;
-- missed.

local holder, epoch = take(), tonumber(take())
local from_generation, from_ts = take(), take()
local to_generation, to_ts = take(), take()
local entries, coming = {}, { 0, 0, 0, 0 }
for at = 1, tonumber(take()) do
  local entry = take_entry()
  entries[at], coming[entry.kind] = entry, coming[entry.kind] + 1
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
local repeats = 0
local function is_new(id, score)
  if window == 0 or redis.call('ZADD', seen, 'NX', score, id) == 1 then
    return true
  end
  repeats = repeats + 1
  return false
end

for _, entry in ipairs(entries) do
  if not entry.unique or is_new(entry.id, to_generation) then
    emit(entry, to_ts)
  end
end
number()
for _ = 1, tonumber(take()) do
  local reason, id, raw = take(), take(), take()
  -- The half tells requeue.lua that no event has this id yet.
  if id == '' or is_new(id, to_generation + 0.5) then
    redis.call('XADD', dead_letters, 'MAXLEN', '~', cap > 0 and cap or 1e9, '*', 'reason', reason, 'group_id', group_id, 'ts', to_ts, 'raw', raw)
  end
end
for _ = 1, tonumber(take()) do
  local kind, times = take(), take()
  redis.call('HINCRBY', skipped, kind, times)
end
forget()
local missed = take()
if missed ~= '' then
  redis.call('HINCRBY', position, 'gaps', 1)
  redis.call('HINCRBY', position, 'missed', missed)
end
if repeats > 0 then
  redis.call('HINCRBY', position, 'repeats', repeats)
end
redis.call('HSET', position, 'generation', to_generation, 'ts', to_ts, 'moved', moved)
return { 'DONE', repeats }
