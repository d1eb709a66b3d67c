-- Commits one batch: its events, its dead letters, its counts and the position after it, or nothing.
-- Redis does not roll a script back, so every check stands before the first write.
--
-- KEYS: position, seen, skipped, dead-letter, added, then for message, command, button, reaction the
-- stream of each, then the marks of each

local position, seen, skipped, dead_letters, added = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local streams = { KEYS[6], KEYS[7], KEYS[8], KEYS[9] }
local marks = { KEYS[10], KEYS[11], KEYS[12], KEYS[13] }
local types = { 'message', 'command', 'button', 'reaction' }

local read = 0
local function take()
  read = read + 1
  return ARGV[read]
end

local holder, epoch = take(), tonumber(take())
local from_generation, from_ts = take(), take()
local to_generation, to_ts = take(), take()
local group_id, window, cap = take(), tonumber(take()), tonumber(take())
local to_streams = take() == '1'
local carried = take() -- by the channels: 'none', the 'data', or each entry's 'own'
local channels = { take(), take(), take(), take() }
local entries, coming = {}, { 0, 0, 0, 0 }
for number = 1, tonumber(take()) do
  local kind = tonumber(take())
  local entry = { kind = kind, id = take(), unique = take() == '1', data = take() }
  entry.published = carried == 'own' and take() or entry.data
  entries[number] = entry
  coming[kind] = coming[kind] + 1
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
local wanted = { [seen] = 'zset', [skipped] = 'hash', [dead_letters] = 'stream', [added] = 'hash' }
for kind = 1, 4 do
  wanted[streams[kind]], wanted[marks[kind]] = 'stream', 'zset'
end
for key, kind in pairs(wanted) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ', not a ' .. kind)
  end
end

local function older(one, other)
  local one_ms, one_number = one:match('(%d+)-(%d+)')
  local other_ms, other_number = other:match('(%d+)-(%d+)')
  one_ms, other_ms = tonumber(one_ms), tonumber(other_ms)
  return one_ms < other_ms or (one_ms == other_ms and tonumber(one_number) < tonumber(other_number))
end

-- The oldest entry that some consumer group has not acknowledged, and that group's name.
local function oldest_needed(stream)
  local oldest, name
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for at = 1, #fields, 2 do
      group[fields[at]] = fields[at + 1]
    end
    local needed = group['last-delivered-id']
    if group.pending > 0 then
      needed = redis.call('XPENDING', stream, group.name)[2]
    end
    if not oldest or older(needed, oldest) then
      oldest, name = needed, group.name
    end
  end
  return oldest, name
end

-- Trims a stream so that what is coming fits under the cap, sparing what a group still needs.
-- Returns the group that leaves too little room. Trimming is no part of the batch: doing it and then
-- writing nothing is harmless.
local function make_room(kind)
  local stream, more = streams[kind], coming[kind]
  if more == 0 or redis.call('XLEN', stream) + more <= cap then
    return nil
  end
  local total = tonumber(redis.call('HGET', added, types[kind]) or 0)
  local mark = redis.call('ZRANGEBYSCORE', marks[kind], '(' .. total + more - cap, '+inf', 'LIMIT', 0, 1)[1]
  if not mark then
    return nil
  end
  local needed, group = oldest_needed(stream)
  local held = needed and older(needed, mark)
  redis.call('XTRIM', stream, 'MINID', held and needed or mark)
  local length = redis.call('XLEN', stream)
  redis.call('ZREMRANGEBYSCORE', marks[kind], '-inf', total - length)
  return held and length + more > cap and group or nil
end

if to_streams and cap > 0 then
  for kind = 1, 4 do
    local group = make_room(kind)
    if group then
      return { 'FULL', streams[kind], group }
    end
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

local last = {}
local written = { 0, 0, 0, 0 }
for _, entry in ipairs(entries) do
  local kind = entry.kind
  if not (entry.unique and is_repeat(entry.id)) then
    if to_streams then
      last[kind] = redis.call('XADD', streams[kind], '*', 'event_id', entry.id, 'event_type', types[kind],
        'group_id', group_id, 'ts', to_ts, 'data', entry.data)
      written[kind] = written[kind] + 1
    end
    if carried ~= 'none' then
      -- A listener's channel must not be able to break the commit.
      redis.pcall('PUBLISH', channels[kind], entry.published)
    end
  end
end
-- Every hundredth of the cap, the id and the number of an entry are noted, to find later what to trim.
local step = math.max(1, math.floor(cap / 100))
for kind = 1, 4 do
  if cap > 0 and written[kind] > 0 then
    local total = redis.call('HINCRBY', added, types[kind], written[kind])
    if math.floor(total / step) > math.floor((total - written[kind]) / step) then
      redis.call('ZADD', marks[kind], total, last[kind])
    end
  end
end
for _ = 1, tonumber(take()) do
  local reason, id, raw = take(), take(), take()
  if id == '' or not is_repeat(id) then
    redis.call('XADD', dead_letters, 'MAXLEN', '~', cap > 0 and cap or 1e9, '*', 'reason', reason, 'group_id', group_id, 'ts', to_ts, 'raw', raw)
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
