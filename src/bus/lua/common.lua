-- Shared by acquire.lua, commit.lua and requeue.lua: this text is prepended to each of them.
--
-- KEYS: position, lease, seen, skipped, dead-letter, added; then the stream of each event type; then the trim
-- marks of each event type. The types are in the order of `types` below.
-- ARGV starts with: group id, dedup window, stream cap, whether to write to streams ('1'), the channel payload
-- ('none', 'data' or 'own'), the channel of each event type. The script's own arguments follow.

local position, lease, seen, skipped, dead_letters, added = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local streams = { KEYS[7], KEYS[8], KEYS[9], KEYS[10] }
local marks = { KEYS[11], KEYS[12], KEYS[13], KEYS[14] }
local types = { 'message', 'command', 'button', 'reaction' }

-- Locals are faster than globals, and each event uses these.
local arguments, pcall, tonumber = ARGV, redis.pcall, tonumber

local args_read = 0

-- Returns the next argument.
local function next_arg()
  args_read = args_read + 1
  return arguments[args_read]
end

local group_id, dedup_window, cap = next_arg(), tonumber(next_arg()), tonumber(next_arg())
local writes_streams = next_arg() == '1'
-- What channels carry: nothing ('none'), the event's JSON ('data'), or a payload per event ('own').
local channel_payload = next_arg()
local channels = { next_arg(), next_arg(), next_arg(), next_arg() }

-- Events are encoded as one argument with a digit per event, followed by the arguments of each event: its
-- id, its JSON and, with channel_payload 'own', the payload for the channel.
local args_per_event = channel_payload == 'own' and 3 or 2

-- Reads the digits of all events and skips their arguments. Returns the digits and the index of the argument
-- before the first event's.
local function read_events()
  local digits, offset = next_arg(), args_read
  args_read = args_read + #digits * args_per_event
  return digits, offset
end

-- Decodes digit number `n`: the index of the event's type, 1 to 4, and whether the event id is unique. Digits
-- 5 to 8 stand for types 1 to 4 with ids that are not unique.
local function decode_digit(digits, n)
  local kind = digits:byte(n) - 48
  if kind > 4 then
    return kind - 4, false
  end
  return kind, true
end

-- Returns Redis' clock in milliseconds since 1970. Compare it only with other values of this clock.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns an error if the user's ACL forbids a command that a commit may run, or one of `more`. This is
-- checked before the first write, since Redis does not roll back a script that fails half-way.
local function missing_permission(more)
  -- Redis 6 cannot check permissions.
  if not redis.acl_check_cmd then
    return nil
  end
  local calls = {
    { 'TIME' }, { 'HMGET', position, 'ts' }, { 'HSET', position, 'ts', '0' }, { 'HINCRBY', position, 'epoch', '1' },
    { 'GET', lease }, { 'PTTL', lease }, { 'SET', lease, '' }, { 'DEL', lease },
    { 'TYPE', seen }, { 'ZMSCORE', seen, '' }, { 'ZADD', seen, '0', '' }, { 'ZREMRANGEBYRANK', seen, '0', '0' },
    { 'TYPE', skipped }, { 'HINCRBY', skipped, '', '1' }, { 'HSET', skipped, '', '1' },
    { 'TYPE', dead_letters }, { 'XADD', dead_letters, 'MAXLEN', '~', '1', '*', '', '' },
    { 'TYPE', added }, { 'HGET', added, '' }, { 'HINCRBY', added, '', '1' }, { 'HSET', added, '', '1' },
  }
  local function need(...)
    calls[#calls + 1] = { ... }
  end
  for kind = 1, 4 do
    local stream, mark = streams[kind], marks[kind]
    need('TYPE', stream)
    need('TYPE', mark)
    if writes_streams then
      need('XADD', stream, '*', '', '')
      need('XLEN', stream)
      need('XINFO', 'GROUPS', stream)
      need('XPENDING', stream, '')
      need('XTRIM', stream, 'MINID', '0')
      need('ZADD', mark, '0', '')
      need('ZRANGEBYSCORE', mark, '0', '0')
      need('ZREMRANGEBYSCORE', mark, '0', '0')
    end
    if channel_payload ~= 'none' then
      need('PUBLISH', channels[kind], '')
    end
  end
  for _, call in ipairs(more) do
    calls[#calls + 1] = call
  end
  for _, call in ipairs(calls) do
    if not redis.acl_check_cmd(unpack(call)) then
      local on = call[1] == 'XINFO' and call[3] or call[2] or 'this server'
      return redis.error_reply('NOPERM the user may not use ' .. call[1] .. ' on ' .. on)
    end
  end
end

-- Returns an error if a key holds a value of another type than the scripts expect.
local function wrong_type()
  local expected = { [seen] = 'zset', [skipped] = 'hash', [dead_letters] = 'stream', [added] = 'hash' }
  for kind = 1, 4 do
    expected[streams[kind]], expected[marks[kind]] = 'stream', 'zset'
  end
  for key, expected_type in pairs(expected) do
    local actual_type = redis.call('TYPE', key).ok
    if actual_type ~= 'none' and actual_type ~= expected_type then
      return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. actual_type .. ', not a ' .. expected_type)
    end
  end
end

-- Whether entry id `a` is lower than entry id `b`.
local function is_older(a, b)
  local a_ms, a_seq = a:match('(%d+)-(%d+)')
  local b_ms, b_seq = b:match('(%d+)-(%d+)')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  return a_ms < b_ms or (a_ms == b_ms and tonumber(a_seq) < tonumber(b_seq))
end

-- Returns the lowest entry id that trimming must keep for the consumer groups, and the group that needs it. A
-- group needs its pending entries and what follows its last-delivered-id. The latter can be lower than its
-- oldest pending entry: XGROUP SETID moves it back.
local function oldest_needed(stream)
  local oldest, oldest_group
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for at = 1, #fields, 2 do
      group[fields[at]] = fields[at + 1]
    end
    local needed = group['last-delivered-id']
    local oldest_pending = group.pending > 0 and redis.call('XPENDING', stream, group.name)[2]
    if oldest_pending and is_older(oldest_pending, needed) then
      needed = oldest_pending
    end
    if not oldest or is_older(needed, oldest) then
      oldest, oldest_group = needed, group.name
    end
  end
  return oldest, oldest_group
end

-- Trims a stream so that `new` more entries fit under the cap, but keeps what consumer groups need. Returns
-- the group that prevents it. Trimming is harmless even if the script writes nothing afterwards.
--
-- Entries are numbered by the counter in `added`. The trim marks map the number of some entries to their ids,
-- so that the entry to trim up to is found without counting entries.
local function trim(kind, new)
  local stream = streams[kind]
  if new == 0 or redis.call('XLEN', stream) + new <= cap then
    return nil
  end
  local total = tonumber(redis.call('HGET', added, types[kind]) or 0) or 0
  local mark = redis.call('ZRANGEBYSCORE', marks[kind], '(' .. total + new - cap, '+inf', 'LIMIT', 0, 1)[1]
  if not mark then
    return nil
  end
  local needed, group = oldest_needed(stream)
  local is_held_back = needed and is_older(needed, mark)
  redis.call('XTRIM', stream, 'MINID', is_held_back and needed or mark)
  local length = redis.call('XLEN', stream)
  redis.call('ZREMRANGEBYSCORE', marks[kind], '-inf', total - length)
  return is_held_back and length + new > cap and group or nil
end

-- Trims each stream so that `new_counts[kind]` entries fit. Returns the reply for a stream that stays full.
local function full_stream(new_counts)
  if not writes_streams or cap == 0 then
    return nil
  end
  for kind = 1, 4 do
    local group = trim(kind, new_counts[kind])
    if group then
      return { 'STREAM_FULL', streams[kind], group }
    end
  end
end

-- The most values passed to one command: Lua's `unpack` is limited to some thousands.
local CHUNK = 1000

-- Returns the subset of `ids` that is in the dedup window, as a set.
local function known_ids(ids)
  local known = {}
  if dedup_window == 0 then
    return known
  end
  for from = 1, #ids, CHUNK do
    local chunk = { unpack(ids, from, math.min(from + CHUNK - 1, #ids)) }
    for at, score in ipairs(redis.call('ZMSCORE', seen, unpack(chunk))) do
      known[chunk[at]] = score and true
    end
  end
  return known
end

-- Adds ids, given as score, id, score, id, ..., to the dedup window and evicts the oldest beyond its size.
local function remember(scores_and_ids)
  if dedup_window == 0 or #scores_and_ids == 0 then
    return
  end
  for from = 1, #scores_and_ids, CHUNK do
    redis.call('ZADD', seen, unpack(scores_and_ids, from, math.min(from + CHUNK - 1, #scores_and_ids)))
  end
  redis.call('ZREMRANGEBYRANK', seen, 0, -dedup_window - 1)
end

-- Increments a counter and returns its value. It follows writes, so it must not fail: on overflow the counter
-- stays at the largest integer, and a value that is no integer is replaced.
local function increment(key, field, by)
  local sum = pcall('HINCRBY', key, field, by)
  if type(sum) == 'number' then
    return sum
  end
  local replacement = sum.err:find('overflow') and '9223372036854775807' or by
  redis.call('HSET', key, field, replacement)
  return tonumber(replacement)
end

-- By event type: how many entries this script appended, and the id of the last one.
local appended, last_ids = { 0, 0, 0, 0 }, {}

-- Appends an event to its stream and publishes it to its channel. Its arguments follow the argument at
-- `offset`. Returns the error of XADD, if any. Call count_appended after the last event.
local function deliver(kind, offset, ts)
  local data = arguments[offset + 2]
  if writes_streams then
    local id = pcall('XADD', streams[kind], '*', 'event_id', arguments[offset + 1], 'event_type', types[kind],
      'group_id', group_id, 'ts', ts, 'data', data)
    if id.err then
      return id
    end
    last_ids[kind], appended[kind] = id, appended[kind] + 1
  end
  if channel_payload ~= 'none' then
    -- An error of PUBLISH must not fail the commit.
    pcall('PUBLISH', channels[kind], channel_payload == 'own' and arguments[offset + 3] or data)
  end
end

-- Counts the appended entries, and sets a trim mark each time a stream has grown by 1 % of the cap.
local function count_appended()
  local step = math.max(1, math.floor(cap / 100))
  for kind = 1, 4 do
    if cap > 0 and appended[kind] > 0 then
      local total = increment(added, types[kind], appended[kind])
      if math.floor(total / step) > math.floor((total - appended[kind]) / step) then
        redis.call('ZADD', marks[kind], total, last_ids[kind])
      end
    end
  end
end

