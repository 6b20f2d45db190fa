-- Imports of people: what was sent, sealed in pieces until it is over, and what came of its rows.
-- KEYS 1 the import, 2 all imports by when they were begun (ms), 3 what was asked under an idempotency key
-- ARGV 1 verb, 2 id, then by verb
--   "begin", prefix of imports, asked (JSON), data key (wrapped), "" or life of the idempotency key (s), most that are
--      not over, most that are remembered, life of one that is not whole (ms), digest of the file. Answers {"begun"},
--      {"again", id} when it was begun under this key before, {"other"} when that was something else, or {"full"}
--   "piece", number, sealed. Answers 1, or 0 when it is whole or gone
--   "ready", rows, bytes, life of one that nobody brings in (ms): it is whole. Answers as piece
--   "start": it is worked on. One that changes nothing begins anew. Answers 1, or 0 when it is over or gone
--   "judge", row that the batch begins behind, what becomes of its rows (JSON). Answers as advance
--   "advance", row that the batch begins behind, its last row, made, changed, same, wrong, most that are told, what is
--      wrong (JSON each)... Answers 1, or 0 when somebody else was there before
--   "end", state, why, life of the report (ms). Answers 1, or 0 when it was over before
--   "drop": forget what is not whole. Answers 1, or 0
--   "open", prefix of imports, moment (ms): how many that were begun by then are not over
-- Fields: asked, key, digest, created, begun, ended, state, why, rows, bytes, pieces, p:1..., reached (the last row that is
-- done), judged (JSON), made, changed, same, wrong, told (how many of these are kept), e:1...
local import, imports, told_before, call = KEYS[1], KEYS[2], KEYS[3], redis.call
local verb, id = ARGV[1], ARGV[2]
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local OPEN = {uploading = true, waiting = true, working = true}
local does = {}

local function state_of(key) return call('HGET', key, 'state') or '' end

-- How many of those that were begun by then are not over; those that are gone are forgotten here too.
local function count_open(prefix, by)
  local open = 0
  for _, one in ipairs(call('ZRANGEBYSCORE', imports, '-inf', by)) do
    local state = state_of(prefix .. one)
    if state == '' then call('ZREM', imports, one) end
    if OPEN[state] then open = open + 1 end
  end
  return open
end

-- The oldest that are over go for newer ones.
local function make_room(prefix, most)
  local many = call('ZCARD', imports) - most
  if many <= 0 then return end
  for _, one in ipairs(call('ZRANGE', imports, 0, -1)) do
    if many > 0 and not OPEN[state_of(prefix .. one)] then
      call('DEL', prefix .. one)
      call('ZREM', imports, one)
      many = many - 1
    end
  end
end

function does.begin()
  local prefix = ARGV[3]
  local before = ARGV[6] ~= '' and call('GET', told_before)
  if before then
    local state = state_of(prefix .. before)
    if state ~= '' and state ~= 'uploading' then
      local was = call('HMGET', prefix .. before, 'asked', 'digest')
      if was[1] ~= ARGV[4] or was[2] ~= ARGV[10] then return {'other'} end
      return {'again', before}
    end
  end
  if count_open(prefix, '+inf') >= tonumber(ARGV[7]) then return {'full'} end
  call('ZADD', imports, now, id)
  make_room(prefix, tonumber(ARGV[8]))
  call('HSET', import, 'asked', ARGV[4], 'key', ARGV[5], 'digest', ARGV[10], 'created', now, 'state', 'uploading', 'reached', 0)
  call('PEXPIRE', import, ARGV[9])
  if ARGV[6] ~= '' then call('SET', told_before, id, 'EX', ARGV[6]) end
  return {'begun'}
end

function does.piece()
  if state_of(import) ~= 'uploading' then return 0 end
  call('HSET', import, 'p:' .. ARGV[3], ARGV[4], 'pieces', ARGV[3])
  return 1
end

function does.ready()
  if state_of(import) ~= 'uploading' then return 0 end
  call('HSET', import, 'state', 'waiting', 'rows', ARGV[3], 'bytes', ARGV[4])
  call('PEXPIRE', import, ARGV[5])
  return 1
end

function does.start()
  local state = state_of(import)
  if state ~= 'waiting' and state ~= 'working' then return 0 end
  call('HSETNX', import, 'begun', now)
  call('HSET', import, 'state', 'working')
  if cjson.decode(call('HGET', import, 'asked')).dry_run then
    for n = 1, tonumber(call('HGET', import, 'told') or 0) do call('HDEL', import, 'e:' .. n) end
    call('HDEL', import, 'made', 'changed', 'same', 'wrong', 'told', 'judged')
    call('HSET', import, 'reached', 0)
  end
  return 1
end

local function is_mine(after)
  return state_of(import) == 'working' and call('HGET', import, 'reached') == after
end

function does.judge()
  if not is_mine(ARGV[3]) then return 0 end
  call('HSET', import, 'judged', ARGV[4])
  return 1
end

function does.advance()
  if not is_mine(ARGV[3]) then return 0 end
  call('HSET', import, 'reached', ARGV[4])
  call('HDEL', import, 'judged')
  for n, name in ipairs({'made', 'changed', 'same', 'wrong'}) do call('HINCRBY', import, name, ARGV[4 + n]) end
  local told = tonumber(call('HGET', import, 'told') or 0)
  for n = 10, #ARGV do
    if told < tonumber(ARGV[9]) then
      told = told + 1
      call('HSET', import, 'e:' .. told, ARGV[n])
    end
  end
  call('HSET', import, 'told', told)
  return 1
end

does['end'] = function()
  if not OPEN[state_of(import)] then return 0 end
  for n = 1, tonumber(call('HGET', import, 'pieces') or 0) do call('HDEL', import, 'p:' .. n) end
  call('HDEL', import, 'key', 'judged')
  call('HSET', import, 'state', ARGV[3], 'why', ARGV[4], 'ended', now)
  call('PEXPIRE', import, ARGV[5])
  return 1
end

function does.drop()
  if state_of(import) ~= 'uploading' then return 0 end
  call('ZREM', imports, id)
  return call('DEL', import)
end

function does.open() return count_open(ARGV[3], ARGV[4]) end

return does[verb]()
