-- Tells how the bus stands, as JSON, and changes nothing. Ages are whole seconds by Redis' clock. What is
-- not known is left out, and so are lists without items: JSON's are made of Lua's tables, which do not
-- tell an empty list from an empty object.
--
-- KEYS: position, lease, dead-letter, then the streams. ARGV: of how many dead letters to tell.

local position, lease, dead_letters = KEYS[1], KEYS[2], KEYS[3]
local letters_told = ARGV[1]

-- Of what others wrote no more is told than this, and in longer updates the type is not looked for.
local LONGEST_TEXT, LONGEST_UPDATE = 200, 65536

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function since(millis)
  return millis and math.max(0, math.floor((now - millis) / 1000)) or nil
end

local function age(id)
  return id and since(tonumber(id:match('^%d+')))
end

local function fields_of(list)
  local fields = {}
  for at = 1, #list, 2 do
    fields[list[at]] = list[at + 1]
  end
  return fields
end

local function newest(stream, count)
  return redis.call('XREVRANGE', stream, '+', '-', 'COUNT', count)
end

local function items(list)
  return #list > 0 and list or nil
end

-- How many entries a group has yet to be given. Redis does not always know, and before 7.0 never does.
local function lag(group, last_id)
  if not last_id or group['last-delivered-id'] == last_id then
    return 0
  end
  return group.lag or nil
end

local function groups_of(stream, last_id)
  local groups = {}
  for at, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = fields_of(fields)
    local oldest = group.pending > 0 and redis.call('XPENDING', stream, group.name)[2] or nil
    groups[at] = {
      name = group.name:sub(1, LONGEST_TEXT),
      consumers = group.consumers,
      lag = lag(group, last_id),
      pending = group.pending,
      oldest_pending_s = age(oldest),
    }
  end
  return items(groups)
end

local function stream_of(stream)
  if redis.call('TYPE', stream).ok == 'none' then
    return { name = stream, length = 0 }
  end
  local last = newest(stream, 1)[1]
  local last_id = last and last[1]
  return {
    name = stream,
    length = redis.call('XLEN', stream),
    newest_age_s = age(last_id),
    groups = groups_of(stream, last_id),
  }
end

local function type_of(update)
  local is_json, decoded = pcall(cjson.decode, #update <= LONGEST_UPDATE and update or '')
  local kind = is_json and type(decoded) == 'table' and decoded.type
  return type(kind) == 'string' and kind:sub(1, LONGEST_TEXT) or nil
end

local streams = {}
for at = 4, #KEYS do
  streams[at - 3] = stream_of(KEYS[at])
end

local letters = {}
for at, letter in ipairs(newest(dead_letters, letters_told)) do
  local fields = fields_of(letter[2])
  letters[at] = {
    age_s = age(letter[1]),
    update_type = type_of(fields.raw or ''),
    reason = (fields.reason or ''):sub(1, LONGEST_TEXT),
  }
end

local stored = redis.call('HMGET', position, 'ts', 'moved', 'since', 'gaps', 'missed', 'repeats')
return cjson.encode({
  holder = redis.call('GET', lease) or nil,
  held_for_s = since(tonumber(stored[3])),
  position = stored[1] and { ts = stored[1], age_s = since(tonumber(stored[2])) } or nil,
  gaps = tonumber(stored[4] or 0),
  missed = tonumber(stored[5] or 0),
  repeats = tonumber(stored[6] or 0),
  streams = streams,
  dead_letters = { name = dead_letters, count = redis.call('XLEN', dead_letters), newest = items(letters) },
})
