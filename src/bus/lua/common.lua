-- What the scripts that write events have in common; it stands before each of them.
--
-- KEYS: position, lease, seen, skipped, dead-letter, added, then for message, command, button,
-- reaction the stream of each, then the marks of each.
-- ARGV begins with: group_id, window, cap, to_streams, what the channels carry, the channel of each type.

local position, lease, seen, skipped, dead_letters, added = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local streams = { KEYS[7], KEYS[8], KEYS[9], KEYS[10] }
local marks = { KEYS[11], KEYS[12], KEYS[13], KEYS[14] }
local types = { 'message', 'command', 'button', 'reaction' }

-- What is local is found faster, and every event asks for these.
local arguments, pcall, tonumber = ARGV, redis.pcall, tonumber

local read = 0
local function take()
  read = read + 1
  return arguments[read]
end

local group_id, window, cap = take(), tonumber(take()), tonumber(take())
local to_streams = take() == '1'
local carried = take() -- by the channels: 'none', the 'data', or each entry's 'own'
local channels = { take(), take(), take(), take() }

-- Events are given as a digit for each of them, in one argument, then the arguments of each: its id, its
-- data, and what its channel carries where that is its own.
local event_arguments = carried == 'own' and 3 or 2

-- The digits of the events, and the place before the arguments of the first.
local function take_events()
  local digits, before = take(), read
  read = read + #digits * event_arguments
  return digits, before
end

-- What the digit at this place says: the place of the event's type, 1 to 4, and whether its id is unique.
-- Where it is not, the digit is 4 more.
local function kind_at(digits, at)
  local kind = digits:byte(at) - 48
  if kind > 4 then
    return kind - 4, false
  end
  return kind, true
end

-- Milliseconds since 1970 by Redis' clock. Only Redis may compare it with anything.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The first call that the user may not make, of those that a commit can consist of and of `more`, as
-- an error. Redis does not roll a script back: what was missing half-way would be half a commit.
local function missing_right(more)
  -- Before Redis 7 it cannot be asked.
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
    if to_streams then
      need('XADD', stream, '*', '', '')
      need('XLEN', stream)
      need('XINFO', 'GROUPS', stream)
      need('XPENDING', stream, '')
      need('XTRIM', stream, 'MINID', '0')
      need('ZADD', mark, '0', '')
      need('ZRANGEBYSCORE', mark, '0', '0')
      need('ZREMRANGEBYSCORE', mark, '0', '0')
    end
    if carried ~= 'none' then
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

-- The first key that holds another type of value than it has to, as an error.
local function wrong_type()
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
end

local function older(one, other)
  local one_ms, one_number = one:match('(%d+)-(%d+)')
  local other_ms, other_number = other:match('(%d+)-(%d+)')
  one_ms, other_ms = tonumber(one_ms), tonumber(other_ms)
  return one_ms < other_ms or (one_ms == other_ms and tonumber(one_number) < tonumber(other_number))
end

-- The oldest entry that some consumer group has yet to read or acknowledge, and that group's name. A group
-- that was set back (XGROUP SETID) reads on before what it has pending.
local function oldest_needed(stream)
  local oldest, name
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for at = 1, #fields, 2 do
      group[fields[at]] = fields[at + 1]
    end
    local needed = group['last-delivered-id']
    local pending = group.pending > 0 and redis.call('XPENDING', stream, group.name)[2]
    if pending and older(pending, needed) then
      needed = pending
    end
    if not oldest or older(needed, oldest) then
      oldest, name = needed, group.name
    end
  end
  return oldest, name
end

-- Trims a stream so that `more` entries fit under the cap, sparing what a group still needs. Returns
-- the group that leaves too little room. Trimming and then writing nothing is harmless.
local function make_room(kind, more)
  local stream = streams[kind]
  if more == 0 or redis.call('XLEN', stream) + more <= cap then
    return nil
  end
  local total = tonumber(redis.call('HGET', added, types[kind]) or 0) or 0
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

-- Makes room for so many entries of each type; where that fails, the answer that says so.
local function full(coming)
  if not to_streams or cap == 0 then
    return nil
  end
  for kind = 1, 4 do
    local group = make_room(kind, coming[kind])
    if group then
      return { 'FULL', streams[kind], group }
    end
  end
end

-- How much of a list goes into one call: Lua cannot unpack more than some thousands.
local PAGE = 1000

-- Which of these ids are remembered, as a set.
local function remembered(ids)
  local known = {}
  if window == 0 then
    return known
  end
  for from = 1, #ids, PAGE do
    local page = { unpack(ids, from, math.min(from + PAGE - 1, #ids)) }
    for at, score in ipairs(redis.call('ZMSCORE', seen, unpack(page))) do
      known[page[at]] = score and true
    end
  end
  return known
end

-- Remembers ids, given as score, id, score, id, ..., and forgets the oldest beyond the window.
local function remember(scored)
  if window == 0 or #scored == 0 then
    return
  end
  for from = 1, #scored, PAGE do
    redis.call('ZADD', seen, unpack(scored, from, math.min(from + PAGE - 1, #scored)))
  end
  redis.call('ZREMRANGEBYRANK', seen, 0, -window - 1)
end

-- Adds to a counter and returns it. It must not fail, since it follows writes: a counter stays at the
-- largest value that Redis can hold, and one that is no number begins again.
local function count(key, field, by)
  local sum = pcall('HINCRBY', key, field, by)
  if type(sum) == 'number' then
    return sum
  end
  local instead = sum.err:find('overflow') and '9223372036854775807' or by
  redis.call('HSET', key, field, instead)
  return tonumber(instead)
end

local written, last = { 0, 0, 0, 0 }, {}

-- Puts an event, whose arguments stand after the place `before`, on its stream and its channel, or
-- returns why that cannot be. Call `number` after the last.
local function emit(kind, before, ts)
  local data = arguments[before + 2]
  if to_streams then
    local id = pcall('XADD', streams[kind], '*', 'event_id', arguments[before + 1], 'event_type', types[kind],
      'group_id', group_id, 'ts', ts, 'data', data)
    if id.err then
      return id
    end
    last[kind], written[kind] = id, written[kind] + 1
  end
  if carried ~= 'none' then
    -- A listener's channel must not be able to break the commit.
    pcall('PUBLISH', channels[kind], carried == 'own' and arguments[before + 3] or data)
  end
end

-- Counts what was put on the streams. Every hundredth of the cap, the id and the number of an entry are
-- noted, to find later what to trim.
local function number()
  local step = math.max(1, math.floor(cap / 100))
  for kind = 1, 4 do
    if cap > 0 and written[kind] > 0 then
      local total = count(added, types[kind], written[kind])
      if math.floor(total / step) > math.floor((total - written[kind]) / step) then
        redis.call('ZADD', marks[kind], total, last[kind])
      end
    end
  end
end

