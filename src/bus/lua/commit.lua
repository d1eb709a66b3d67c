-- Commits one batch, or several in a row, atomically: events, dead letters, counters, and the position after
-- them. Redis does not roll back scripts, so all checks precede the first write, and the counters that follow
-- it cannot fail.
--
-- ARGV continues with: the instance, epoch; the position to start from (generation, ts; both empty for none);
-- the position to lead to (generation, ts); the events; the number of dead letters and for each its reason, id
-- (may be empty), raw update; the number of skipped types and for each the type, count; gaps, updates lost.

local instance, epoch = next_arg(), tonumber(next_arg())
local from_generation, from_ts = next_arg(), next_arg()
local to_generation, to_ts = next_arg(), next_arg()
local letters, unique_ids, new_counts = {}, {}, { 0, 0, 0, 0 }
local digits, first_offset = read_events()
for n = 1, #digits do
  local kind, is_unique = decode_digit(digits, n)
  new_counts[kind] = new_counts[kind] + 1
  if is_unique then
    unique_ids[#unique_ids + 1] = arguments[first_offset + (n - 1) * args_per_event + 1]
  end
end
for n = 1, tonumber(next_arg()) do
  local letter = { reason = next_arg(), id = next_arg(), raw = next_arg() }
  letters[n] = letter
  if letter.id ~= '' then
    unique_ids[#unique_ids + 1] = letter.id
  end
end

local stored = redis.call('HMGET', position, 'holder', 'epoch', 'generation', 'ts')
local stored_holder, stored_epoch = stored[1], tonumber(stored[2] or 0)
local generation, ts = stored[3] or '', stored[4] or ''

-- Another instance acquired the lease.
if stored_epoch > epoch or (stored_epoch == epoch and stored_holder ~= instance) then
  return { 'FENCED' }
end
-- A retry: the first attempt was applied, but its reply was lost.
if stored_epoch == epoch and generation == to_generation and ts == to_ts then
  return { 'ALREADY_DONE' }
end
-- Redis lost commits.
if stored_epoch < epoch or generation ~= from_generation or ts ~= from_ts then
  return { 'ROLLED_BACK', generation, ts }
end
local failure = missing_permission({}) or wrong_type() or full_stream(new_counts)
if failure then
  return failure
end

local committed_at = now()
local known, duplicates, scores_and_ids = known_ids(unique_ids), 0, {}

-- Counts an id that is in the dedup window, or occurred before in this commit, as a duplicate.
local function is_new(id)
  if known[id] then
    duplicates = duplicates + 1
    return false
  end
  known[id] = dedup_window > 0
  return true
end

-- If XADD fails here despite the checks, the ids of exactly the events already written are remembered, so that
-- the next attempt completes this one.
local write_error
for n = 1, #digits do
  local kind, is_unique = decode_digit(digits, n)
  local offset = first_offset + (n - 1) * args_per_event
  local id = arguments[offset + 1]
  if not is_unique or is_new(id) then
    write_error = deliver(kind, offset, to_ts)
    if write_error then
      break
    end
    if is_unique then
      scores_and_ids[#scores_and_ids + 1], scores_and_ids[#scores_and_ids + 2] = to_generation, id
    end
  end
end
count_appended()
remember(scores_and_ids)
if write_error then
  return write_error
end
for _, letter in ipairs(letters) do
  if letter.id == '' or is_new(letter.id) then
    redis.call('XADD', dead_letters, 'MAXLEN', '~', cap > 0 and cap or 1e9, '*', 'reason', letter.reason,
      'group_id', group_id, 'ts', to_ts, 'raw', letter.raw)
    if letter.id ~= '' then
      -- The fraction marks the id of a dead letter: requeue.lua needs to know that no event has it.
      remember({ to_generation + 0.5, letter.id })
    end
  end
end
for _ = 1, tonumber(next_arg()) do
  local update_type, times = next_arg(), next_arg()
  increment(skipped, update_type, times)
end
local gaps, updates_lost = next_arg(), next_arg()
if gaps ~= '0' then
  increment(position, 'gaps', gaps)
  increment(position, 'updates_lost', updates_lost)
end
if duplicates > 0 then
  increment(position, 'duplicates', duplicates)
end
redis.call('HSET', position, 'generation', to_generation, 'ts', to_ts, 'committed_at', committed_at)
return { 'OK', duplicates }
