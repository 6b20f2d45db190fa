-- One question after another.
local does = {}

function does.slot(one, id, backup, proof, version, at, used)
  return put_slot(one, id, backup, {proof, version, tonumber(at), used})
end

function does.person(one, id, ours, name, admin, lock, if_there)
  if if_there == '1' and not person(one, id) then return 0 end
  local found = enter(one, id, ours == '1')
  local before = cjson.encode(found)
  found[1] = found[1] or ours == '1'
  -- no name of somebody who was erased comes back by a terminal, or a reply, that is late
  if name == '""' or name ~= '' and run('HEXISTS', erased, id) == 0 then
    found[2] = cjson.decode('[' .. name .. ']')[1]
  end
  if admin ~= '' then found[3] = tonumber(admin) end
  if lock ~= '' then found[4] = lock == '?' and '' or lock end
  local is_new = cjson.encode(found) ~= before
  one.changed[id] = one.changed[id] or is_new
  return is_new and 1 or 0
end

function does.gone(one, id, backup, before)
  local what, found = tonumber(backup), 0
  if what ~= 12 and what ~= 13 then return drop_slot(one, id, backup, before) end
  local kept = person(one, id)
  for n in string.gmatch(kept and kept[6] or '', '%d+') do
    if what == 13 or kind_of(n) == 'fp' then found = found + drop_slot(one, id, n, before) end
  end
  -- what was only on its way there
  for _, n in ipairs(before == '' and slots or {}) do
    if what == 13 or kind_of(n) == 'fp' then found = found + drop_slot(one, id, n, '') end
  end
  if what == 13 and before == '' then leave(one, id) end
  return found
end

function does.leave(one, id)
  local found = person(one, id)
  return found and not string.find(found[6], '%d') and leave(one, id) or 0
end

function does.reading(one, at, people, credentials)
  run('HSET', one.holds, 'reading', '{"at":' .. at .. ',"people":' .. people .. ',"credentials":' .. credentials .. '}')
  settle(one, '-inf', '(0')
  for _, kind in ipairs(KINDS) do
    if kind ~= 'log' then
      local found = one.counts[kind] or 0
      one.room.used[kind], one.room.most[kind], one.room.stale[kind] = found, found, 0
    end
  end
  one.touched = true
  return 1
end

-- Of a kind that nobody told, or of several credentials of one kind, it is not known which was used: the first counts
-- only when all it has there are of one kind, and then, as for the second, it is one of these.
function does.seen(one, id, kind, day)
  local found, news_of_it, only = person(one, id), 0, kind
  if not found then return 0 end
  if day > found[5] then found[5], one.changed[id], news_of_it = day, true, 1 end
  for n in string.gmatch(found[6], '%d+') do
    if only == '' then only = kind_of(n) end
    if kind == '' and kind_of(n) ~= only then return news_of_it end
  end
  for n in string.gmatch(found[6], '%d+') do
    local kept, is_there = slot(one, id, n)
    if is_there and kind_of(n) == only and day > kept[4] then
      run('HSET', one.holds, id .. '/' .. n, cjson.encode({'recognised', kept[2], kept[3], day}))
      news_of_it = 1
    end
  end
  return news_of_it
end

function does.logs(one, moments)
  local room, found = one.room, 0
  for at in string.gmatch(moments, '%d+') do
    if tonumber(at) >= (tonumber(room.at) or 0) then found = found + 1 end
  end
  room.used.log = math.min(room.size.log or math.huge, (room.used.log or 0) + found)
  one.touched = one.touched or found > 0
  return 1
end

function does.emptied(one)
  one.room.used.log, one.touched = 0, true
  return 1
end

function does.reserve(one, items, life, token)
  -- also of what is reserved already: somebody may have taken the place at the keypad meanwhile
  local need, again, places, people, full = {}, {}, {}, {}, {}
  for id, backup in string.gmatch(items, '(%d+)/(%d+)') do
    local _, is_there = slot(one, id, backup)
    if not is_there then
      add(need, kind_of(backup), 1)
      if reserved(one, id .. '/' .. backup) > 0 then add(again, kind_of(backup), 1) end
    end
    if not people[id] and not person(one, id) then
      add(need, 'user', 1)
      if reserved(one, id) > 0 then add(again, 'user', 1) end
    end
    people[id], places[#places + 1] = true, {id, backup, is_there}
  end
  local room = one.room
  for _, kind in ipairs(KINDS) do
    local size, more, coming = room.size[kind], need[kind], (one.coming[kind] or 0) - (again[kind] or 0)
    if size and more and room.most[kind] + coming + more > size then
      full[#full + 1] = {kind, size, room.used[kind], room.most[kind], coming, more}
    end
  end
  if #full > 0 then return full end
  for _, place in ipairs(places) do
    local id, name = place[1], place[1] .. '/' .. place[2]
    if run('ZADD', one.reserved, now + tonumber(life), token == '' and name or name .. ' ' .. token) == 1 then
      local is_first = run('HINCRBY', one.holds, '+' .. name, 1) == 1
      if is_first and not place[3] then add(one.coming, kind_of(place[2]), 1) end
      if run('HINCRBY', one.holds, '+' .. id, 1) == 1 and not person(one, id) then add(one.coming, 'user', 1) end
      one.touched = true
    end
  end
  return 1
end

function does.release(one, items, token)
  for name in string.gmatch(items, '%d+/%d+') do give_up(one, token == '' and name or name .. ' ' .. token) end
  return 1
end

function does.doubt(one, items, token)
  for name in string.gmatch(items, '%d+/%d+') do
    local member = token == '' and name or name .. ' ' .. token
    local score = tonumber(run('ZSCORE', one.reserved, member) or 0)
    if score > 0 then run('ZADD', one.reserved, -score, member) end
  end
  return 1
end

function does.sample(one, day)
  local found, key = {}, capacities_of .. one.sn
  for _, kind in ipairs(KINDS) do
    local size = one.room.size[kind]
    if size then found[#found + 1] = '"' .. kind .. '":[' .. one.room.used[kind] .. ',' .. size .. ']' end
  end
  local text = '{' .. table.concat(found, ',') .. '}'
  if #found == 0 or not one.is_approved or run('HGET', key, day) == text then return 1 end
  run('HSET', key, day, text)
  if run('HLEN', key) > MOST_DAYS then
    local days = run('HKEYS', key)
    table.sort(days)
    run('HDEL', key, unpack(days, 1, #days - MOST_DAYS))
  end
  return 1
end

local function tell_full(one, kind, percent, level, is_over)
  run('XADD', news, 'MAXLEN', '~', 100000, '*', 'd', cjson.encode({event = 'full', sn = one.sn, site = one.site,
    kind = kind, percent = percent, level = level, over = is_over}))
end

-- The first warning about logs is what reg gives too (registry.lua), so that it is given once.
local function warn(one, kind)
  local size, used, told, stays = one.room.size[kind], one.room.used[kind], one.alarms[kind] or 0, nil
  if not size or size == 0 or not one.is_approved then return end
  if kind == 'log' and one.is_log_full then told = math.max(told, LEVELS[1]) end
  for _, level in ipairs(LEVELS) do
    local was = told >= level
    local is_on = 100 * used >= (was and level - SLACK or level) * size
    if is_on ~= was then tell_full(one, kind, math.floor(100 * used / size), level, was) end
    local is_in_reg = kind == 'log' and level == LEVELS[1]
    if is_on and not is_in_reg then stays = level end
    if is_in_reg and is_on and not was then run('HSET', one.terminal, 'full_alarm', '1') end
    if is_in_reg and was and not is_on then run('HDEL', one.terminal, 'full_alarm') end
  end
  one.alarms[kind] = stays
end

local function keep(one)
  for id in pairs(one.changed) do
    local found = one.people[id]
    if found then run('HSET', one.holds, id, cjson.encode(found)) else run('HDEL', one.holds, id) end
  end
  if not one.touched then return end
  for _, kind in ipairs(KINDS) do warn(one, kind) end
  run('HSET', one.terminal, 'room', cjson.encode(one.room))
  run('HSET', one.holds, 'counts', cjson.encode(one.counts), 'coming', cjson.encode(one.coming), 'alarms',
    cjson.encode(one.alarms))
end

local length = {slot = 6, person = 6, gone = 3, leave = 1, reading = 3, seen = 3, logs = 1, emptied = 0, reserve = 3,
  release = 2, doubt = 2, sample = 1}
local answers, at, loaded, one = {}, 8, {}, nil
while at <= #ARGV do
  local word = ARGV[at]
  if word == 'on' then
    local sn = ARGV[at + 1]
    one = loaded[sn] or load(sn)
    loaded[sn], at = one, at + 2
    answers[#answers + 1] = one and 1 or 0
  else
    local done, answer = true, 0
    if one then done, answer = pcall(does[word], one, unpack(ARGV, at + 1, at + length[word])) end
    if not done then
      local said = type(answer) == 'table' and answer.err or tostring(answer)
      answer = {'failed', (string.gsub(said, '^@?user_script: ?%d+: ?%-?', ''))}
    end
    answers[#answers + 1] = answer
    at = at + 1 + length[word]
  end
end
for _, each in pairs(loaded) do keep(each) end
return answers
