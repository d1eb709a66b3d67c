-- Returns a snapshot of the bus as JSON; read-only. Ages are whole seconds by Redis' clock. Unknown values are
-- omitted, and so are empty lists: cjson would encode an empty Lua table as an object.
--
-- KEYS: position, lease, dead-letter, then the streams. ARGV: how many dead letters to list.

local position, lease, dead_letters = KEYS[1], KEYS[2], KEYS[3]
local letters_listed = ARGV[1]

-- In bytes: longer texts are truncated, and longer updates are not parsed for their type.
local MAX_TEXT, MAX_UPDATE = 200, 65536

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Seconds since a time in milliseconds.
local function seconds_since(millis)
  return millis and math.max(0, math.floor((now - millis) / 1000)) or nil
end

-- The age of an entry, by its id.
local function age(id)
  return id and seconds_since(tonumber(id:match('^%d+')))
end

-- Turns name, value, name, value, ... into a table.
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

-- The list, or nil if it is empty.
local function non_empty(list)
  return #list > 0 and list or nil
end

-- How many entries a group has not been sent yet. Redis does not always know; before 7.0 it never does.
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
      name = group.name:sub(1, MAX_TEXT),
      consumers = group.consumers,
      lag = lag(group, last_id),
      pending = group.pending,
      oldest_pending_s = age(oldest),
    }
  end
  return non_empty(groups)
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
  local is_json, decoded = pcall(cjson.decode, #update <= MAX_UPDATE and update or '')
  local kind = is_json and type(decoded) == 'table' and decoded.type
  return type(kind) == 'string' and kind:sub(1, MAX_TEXT) or nil
end

local streams = {}
for at = 4, #KEYS do
  streams[at - 3] = stream_of(KEYS[at])
end

local letters = {}
for at, letter in ipairs(newest(dead_letters, letters_listed)) do
  local fields = fields_of(letter[2])
  letters[at] = {
    age_s = age(letter[1]),
    update_type = type_of(fields.raw or ''),
    reason = (fields.reason or ''):sub(1, MAX_TEXT),
  }
end

local stored = redis.call('HMGET', position, 'ts', 'committed_at', 'leased_at', 'gaps', 'updates_lost', 'duplicates')
return cjson.encode({
  holder = redis.call('GET', lease) or nil,
  held_for_s = seconds_since(tonumber(stored[3])),
  position = stored[1] and { ts = stored[1], age_s = seconds_since(tonumber(stored[2])) } or nil,
  gaps = tonumber(stored[4] or 0),
  updates_lost = tonumber(stored[5] or 0),
  duplicates = tonumber(stored[6] or 0),
  streams = streams,
  dead_letters = { name = dead_letters, count = redis.call('XLEN', dead_letters), newest = non_empty(letters) },
})
