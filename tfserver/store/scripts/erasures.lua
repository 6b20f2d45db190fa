-- Orders to forget a person, everywhere: what is here goes in the step that takes the order, and of each other place it
-- is kept what came of it there.
--
-- KEYS 1 erasure, 2 erasures, 3 erased, 4 audit, 5 news, and for "order" 6 user, 7 people, 8 names, 9 external ids,
--      10 collisions, 11 holders of the person, 12 errands, 13 meta
-- ARGV 1 verb, then
--   "order", id, enrollid, what is asked (JSON), actor, prefix of members, channel of all processes, message, places to
--      be cleared (JSON list), places that keep what they have (JSON: place → words). Answers {"made", id}, or {"again",
--      id} for one that is open, or was ordered under this id before
--   "tell", field, what stands there or "", what shall (JSON), news (JSON) or "". Answers 1, or 0 when something else
--      stands there, or the erasure is over
--   "finish", enrollid, id, report, its digest, audit (JSON), fields and values as the report has them …. Answers 1, or
--      0 when they are others by now, or it is over
--   "forget", id. Forgets one that is over. Answers 1, or 0
--   "look", field: KEYS from 6 on are erasures. Answers of each {what is asked (JSON), ordered, the field}, "" where there
--      is none; nothing but "" of one that is over
--   "lift", enrollid, what stands there. The number is free for whoever has it. Answers 1, or 0
--
-- Fields of an erasure: "e" (JSON, never changes), "ordered" (ms); "s:place" and "t:SN" (JSON, store/people/erasures.py)
-- until it is over; then "ended" (ms), "report" (JSON) and "sha256". In the hash of the erased stands the id while it is
-- open; then "-id ms": no terminal brings the person back, but whoever puts it into the directory may.
local erasure, erasures, erased, audit, news = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local run = redis.call
local clock = run('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local AUDITED, NEWS, OPEN = 100000, 100000, '["open","",0]'
local does = {}

local function place_of(number) return string.rep('0', 19 - #number) .. number end

local function value(state, told) return cjson.encode({state, told, now}) end

-- The terminals that told of the person, or have it as far as is known.
local function terminals(fields, holders)
  local found = {}
  for _, name in ipairs(fields) do
    local sn = string.match(name, '^p:(.+)$') or string.match(name, '^c:%d+:(.+)$')
    if sn then found[sn] = true end
  end
  for _, sn in ipairs(run('SMEMBERS', holders)) do found[sn] = true end
  return found
end

-- Out of the directory, with all that is sealed under the key that goes with it; what there was, in words.
local function forget_person(id, members_of)
  local user, people, names, externals, collisions = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
  local told = run('HMGET', user, 'person', 'folded', 'external', 'groups', 'k', 'key')
  local many = 0
  for _ in pairs(told[5] and cjson.decode(told[5]) or {}) do many = many + 1 end
  run('ZREM', people, place_of(id))
  run('ZREM', collisions, place_of(id))
  if told[2] then run('ZREM', names, told[2] .. '\0' .. id) end
  if told[3] and run('HGET', externals, told[3]) == id then
    run('HDEL', externals, told[3])
    -- every process knows whose external id is whose (scripts/person)
    local change = run('HINCRBY', KEYS[13], 'external_ids', 1)
    redis.pcall('PUBLISH', ARGV[7], string.format('external %d %s ', change, id))
  end
  for group in string.gmatch(told[4] or '', '%S+') do run('ZREM', members_of .. group, place_of(id)) end
  run('DEL', user)
  local was = told[1] and 'it was there, with ' .. many .. ' credentials' or 'it was not there'
  local key = told[6] and 'destroyed: what was sealed under it opens nowhere any more' or 'there was none'
  return was, key
end

function does.order()
  local id, number, asked, actor, members_of = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
  local open = run('HGET', erased, number)
  if open and string.sub(open, 1, 1) ~= '-' then return {'again', open} end
  if run('EXISTS', erasure) == 1 then return {'again', id} end
  local told_of = terminals(run('HKEYS', KEYS[6]), KEYS[11])
  local newest = run('ZREVRANGE', erasures, 0, 0, 'WITHSCORES')[2]
  run('HSET', erased, number, id)
  run('HSET', erasure, 'e', asked, 'ordered', now)
  -- no two have the same place
  run('ZADD', erasures, math.max(now, (tonumber(newest) or 0) + 1), id)
  run('ZADD', KEYS[12], now, id)
  local was, key = forget_person(number, members_of)
  run('HSET', erasure, 's:directory', value('done', was), 's:key', value('done', key))
  for _, name in ipairs(cjson.decode(ARGV[9])) do run('HSET', erasure, 's:' .. name, OPEN) end
  for name, why in pairs(cjson.decode(ARGV[10])) do run('HSET', erasure, 's:' .. name, value('kept', why)) end
  for sn in pairs(told_of) do run('HSET', erasure, 't:' .. sn, OPEN) end
  run('XADD', audit, 'MAXLEN', '~', AUDITED, '*', 'a', cjson.encode({actor = actor, what = 'erase', sn = '',
    outcome = 'ordered', detail = {erasure = id, enrollid = tonumber(number), reason = cjson.decode(asked).reason}}))
  redis.pcall('PUBLISH', ARGV[7], ARGV[8])
  return {'made', id}
end

function does.tell()
  local field = ARGV[2]
  local stands = run('HMGET', erasure, field, 'e', 'ended')
  if not stands[2] or stands[3] or (stands[1] or '') ~= ARGV[3] then return 0 end
  run('HSET', erasure, field, ARGV[4])
  if ARGV[5] ~= '' then run('XADD', news, 'MAXLEN', '~', NEWS, '*', 'd', ARGV[5]) end
  return 1
end

function does.finish()
  local number, id, fields = ARGV[2], ARGV[3], run('HGETALL', erasure)
  local left, gone = {}, {}
  for n = 1, #fields, 2 do
    if fields[n] == 'ended' then return 0 end
    if string.match(fields[n], '^[st]:') then left[fields[n]] = fields[n + 1] end
  end
  for n = 7, #ARGV, 2 do
    if left[ARGV[n]] ~= ARGV[n + 1] then return 0 end
    left[ARGV[n]], gone[#gone + 1] = nil, ARGV[n]
  end
  if next(left) or #gone == 0 then return 0 end
  run('HSET', erasure, 'ended', now, 'report', ARGV[4], 'sha256', ARGV[5])
  for from = 1, #gone, 1000 do run('HDEL', erasure, unpack(gone, from, math.min(from + 999, #gone))) end
  if run('HGET', erased, number) == id then run('HSET', erased, number, '-' .. id .. ' ' .. now) end
  run('XADD', audit, 'MAXLEN', '~', AUDITED, '*', 'a', ARGV[6])
  return 1
end

function does.look()
  local found = {}
  for n = 6, #KEYS do
    local told = run('HMGET', KEYS[n], 'e', 'ordered', ARGV[2], 'ended')
    found[#found + 1] = told[4] and {'', '', ''} or {told[1] or '', told[2] or '', told[3] or ''}
  end
  return found
end

function does.forget()
  if run('HEXISTS', erasure, 'ended') == 0 then return 0 end
  run('ZREM', erasures, ARGV[2])
  return run('DEL', erasure)
end

function does.lift()
  if run('HGET', erased, ARGV[2]) ~= ARGV[3] or string.sub(ARGV[3], 1, 1) ~= '-' then return 0 end
  return run('HDEL', erased, ARGV[2])
end

return does[ARGV[1]]()
