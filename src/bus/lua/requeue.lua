-- Replaces a dead letter by its event, atomically: delivers the event and deletes the dead letter.
--
-- ARGV continues with: the dead letter's entry id; the event.

local letter_id = next_arg()
local digits, offset = read_events()
local kind, is_unique = decode_digit(digits, 1)
local id = arguments[offset + 1]

local failure = missing_permission({
  { 'ZSCORE', seen, id }, { 'XRANGE', dead_letters, '-', '+' }, { 'XDEL', dead_letters, letter_id },
}) or wrong_type()
if failure then
  return failure
end
local letter = redis.call('XRANGE', dead_letters, letter_id, letter_id)[1]
if not letter then
  return { 'GONE' }
end
local new_counts = { 0, 0, 0, 0 }
new_counts[kind] = 1
failure = full_stream(new_counts)
if failure then
  return failure
end

local is_duplicate = false
if is_unique and dedup_window > 0 then
  -- A score with a fraction is that of a dead letter. An integer is that of an event already delivered.
  local score = tonumber(redis.call('ZSCORE', seen, id) or 0.5)
  is_duplicate = score == math.floor(score)
end
if not is_duplicate then
  local fields = {}
  for at = 1, #letter[2], 2 do
    fields[letter[2][at]] = letter[2][at + 1]
  end
  local write_error = deliver(kind, offset, fields.ts)
  if write_error then
    return write_error
  end
  count_appended()
  if is_unique and dedup_window > 0 then
    -- The current generation as the score, so that the id stays in the dedup window as long as a new event's.
    remember({ redis.call('HMGET', position, 'generation')[1] or 0, id })
  end
end
redis.call('XDEL', dead_letters, letter_id)
return { is_duplicate and 'DUPLICATE' or 'REQUEUED' }
