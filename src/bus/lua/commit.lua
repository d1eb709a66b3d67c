-- Commits one batch: its events, its dead letters, its counts and the position after it, or nothing.
-- Redis does not roll a script back, so every check stands before the first write.
--
-- KEYS: position, seen, skipped, dead-letter, then the streams of message, command, button, reaction

local position, seen, skipped, dead_letters = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local streams = { KEYS[5], KEYS[6], KEYS[7], KEYS[8] }

local read = 0
local function take()
  read = read + 1
  return ARGV[read]
end

local holder, epoch = take(), tonumber(take())
local from_generation, from_ts = take(), take()
local to_generation, to_ts = take(), take()
local group_id, window = take(), tonumber(take())
local to_streams = take() == '1'
local carried = take() -- by the channels: 'none', the 'data', or each entry's 'own'
local types = { 'message', 'command', 'button', 'reaction' }
local channels = { take(), take(), take(), take() }

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
for _, key in ipairs({ seen, skipped, dead_letters, streams[1], streams[2], streams[3], streams[4] }) do
  local found = redis.call('TYPE', key).ok
  local wanted = (key == seen and 'zset') or (key == skipped and 'hash') or 'stream'
  if found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ', not a ' .. wanted)
  end
end

local repeats, remembered = 0, false
local function is_repeat(id)
  if window == 0 then
    return false
  end
  remembered = true
  local known = redis.call('ZADD', seen, 'NX', to_generation, id) == 0
  if known then
    repeats = repeats + 1
  end
  return known
end

for _ = 1, tonumber(take()) do
  local kind, id, unique, data = tonumber(take()), take(), take() == '1', take()
  local published = carried == 'own' and take() or data
  if not (unique and is_repeat(id)) then
    if to_streams then
      redis.call('XADD', streams[kind], '*', 'event_id', id, 'event_type', types[kind],
        'group_id', group_id, 'ts', to_ts, 'data', data)
    end
    if carried ~= 'none' then
      -- A listener's channel must not be able to break the commit.
      redis.pcall('PUBLISH', channels[kind], published)
    end
  end
end
for _ = 1, tonumber(take()) do
  local reason, id, raw = take(), take(), take()
  if id == '' or not is_repeat(id) then
    redis.call('XADD', dead_letters, '*', 'reason', reason, 'group_id', group_id, 'ts', to_ts, 'raw', raw)
  end
end
for _ = 1, tonumber(take()) do
  local kind, number = take(), take()
  redis.call('HINCRBY', skipped, kind, number)
end
if remembered then
  redis.call('ZREMRANGEBYRANK', seen, 0, -window - 1)
end
local missed = take()
if missed ~= '' then
  redis.call('HINCRBY', position, 'gaps', 1)
  redis.call('HINCRBY', position, 'missed', missed)
end
if repeats > 0 then
  redis.call('HINCRBY', position, 'repeats', repeats)
end
redis.call('HSET', position, 'generation', to_generation, 'ts', to_ts)
return { 'DONE', repeats }
