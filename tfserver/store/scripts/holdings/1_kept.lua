-- What terminals have, and how much room that leaves. Every count is kept by the step that changes what it counts, and
-- nothing here looks at all that a terminal has.
--
-- KEYS 1 news, 2 erased
-- ARGV 1-5 prefixes of: terminal, holdings, holders, reserved, capacities · 6 the slots by kind as "first last kind, …",
--      7 the digest of a lock of somebody who may always pass, then the questions, each about the terminal that the "on" before it named:
--   "on", sn (canonical). Answers 1, or 0 when there is no such terminal: of it nothing is kept, and what is asked about
--      it answers 0
--   "slot", enrollid, backupnum, proof, version, when that was learned (ms), last day it was used. Answers 1 when
--      something is known now that was not
--   "person", enrollid, "1" put there by us, name (JSON) or "", admin or "", lock or "" ("?" it is not known any more),
--      "1" only when it is there. Answers as slot
--   "gone", enrollid, backupnum, 12 or 13, before: what was learned at this moment (ms) or later stays, "" goes anyway.
--      Answers how many credentials went
--   "leave", enrollid: the person goes, unless it has credentials. Answers 1 when it went
--   "reading", when it began (ms), people, credentials: the whole list was read. Answers 1
--   "seen", enrollid, kind or "", day: somebody passed with a credential of this kind. Answers 1 when that is news
--   "logs", moments of new records (ms, with spaces) · "emptied": there are no logs any more. Answer 1
--   "reserve", "enrollid/backupnum …", until (ms from now), token. Answers 1, or of each kind without room
--      {kind, size, used, used at most, on the way, needed} and nothing is reserved
--   "release", "enrollid/backupnum …", token · "doubt", the same: nobody knows whether it came. Answer 1
--   "sample", day: keep how much is used. Answers 1
-- Returns an answer each.
--
-- Room of a terminal (field "room"): what its last reg told, moved by what was learned since: "used" as far as is
-- known, "most" if all that was found since is new, "stale" how much of what is known here it did not have then.
-- Reserved are members "enrollid/backupnum token"; their scores are until when (ms), below 0 when nobody knows whether
-- it came, so that a reading or a reg settles it; 0 is given up. A place is on the way while it is reserved and what
-- it is for is not there: so whatever comes, goes and comes again, used and on the way are never more than there is.
local news, erased = KEYS[1], KEYS[2]
local terminal_of, holds_of, holders_of, reserved_of, capacities_of = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local KINDS, LEVELS, SLACK = {'user', 'fp', 'card', 'pwd', 'face', 'palm', 'log'}, {80, 95}, 2
local THERE = {listed = true, accepted = true, read = true, recognised = true}
local STRENGTH = {listed = 1, accepted = 2, read = 3, recognised = 4}
local MOST_SETTLED, MOST_DAYS, UNLOCKED = 500, 400, ARGV[7]
local run, null = redis.call, cjson.null
local clock = run('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local kinds, slots = {}, {}
for first, last, kind in string.gmatch(ARGV[6], '(%d+) (%d+) (%a+)') do
  for n = tonumber(first), tonumber(last) do
    kinds[n], slots[#slots + 1] = kind, n
  end
end
local function kind_of(backup) return kinds[tonumber(backup)] end

local function decoded(text) return text and cjson.decode(text) or {} end

local function add(counts, kind, by)
  if kind then counts[kind] = math.max(0, (counts[kind] or 0) + by) end
end

local function count(value)
  if type(value) == 'string' and #value <= 20 and string.match(value, '^%s*%d+%s*$') then return tonumber(value) end
  return type(value) == 'number' and value or nil
end

-- What devinfo says; what is known here beyond that has gone meanwhile.
local function told_room(one, reg_at)
  local devinfo = decoded(run('HGET', one.terminal, 'devinfo'))
  local room = {at = reg_at, size = {}, used = {}, most = {}, stale = {}}
  for _, kind in ipairs(KINDS) do
    local used = count(devinfo['used' .. kind]) or 0
    room.size[kind], room.used[kind], room.most[kind] = count(devinfo[kind .. 'size']), used, used
    room.stale[kind] = math.max(0, (one.counts[kind] or 0) - used)
  end
  return room
end

local function reserved(one, name) return tonumber(run('HGET', one.holds, '+' .. name) or 0) end

local function unreserve(one, name, is_there, kind)
  local left = run('HINCRBY', one.holds, '+' .. name, -1)
  if left > 0 then return end
  run('HDEL', one.holds, '+' .. name)
  if not is_there then add(one.coming, kind, -1) end
end

local function person(one, id)
  if one.people[id] == nil then
    local text = run('HGET', one.holds, id)
    one.people[id] = text and cjson.decode(text) or false
  end
  return one.people[id]
end

local function slot(one, id, backup)
  local text = run('HGET', one.holds, id .. '/' .. backup)
  local found = text and cjson.decode(text)
  return found, found and THERE[found[1]] or false
end

local function give_up(one, member)
  local id, backup = string.match(member, '^(%d+)/(%d+)')
  if run('ZREM', one.reserved, member) == 0 then return end
  local _, is_there = slot(one, id, backup)
  unreserve(one, id .. '/' .. backup, is_there, kind_of(backup))
  unreserve(one, id, person(one, id), 'user')
  one.touched = true
end

-- A part at a time: what is left is only more careful than it need be.
local function settle(one, from, to)
  for _, member in ipairs(run('ZRANGEBYSCORE', one.reserved, from, to, 'LIMIT', 0, MOST_SETTLED)) do
    give_up(one, member)
  end
end

local function load(sn)
  local key, holds = terminal_of .. sn, holds_of .. sn
  local told = run('HMGET', key, 'admission', 'reg_at', 'room', 'site', 'full_alarm')
  if not told[1] then return nil end
  local own, reg_at = run('HMGET', holds, 'counts', 'coming', 'alarms'), told[2] or ''
  local one = {sn = sn, terminal = key, holds = holds, reserved = reserved_of .. sn, site = told[4] or '',
    is_log_full = told[5], counts = decoded(own[1]), coming = decoded(own[2]), alarms = decoded(own[3]),
    people = {}, changed = {}, touched = false, is_approved = told[1] == 'approved',
    room = told[3] and cjson.decode(told[3])}
  if not one.room or one.room.at ~= reg_at then
    one.room, one.touched = told_room(one, reg_at), true
    settle(one, '-inf', '(0')
  end
  settle(one, -now, now)
  return one
end

-- Something more is there: put there by an order, or found, and then it may have been there all along.
local function came(one, kind, is_put)
  if not kind then return end
  local room, counts = one.room, one.counts
  add(counts, kind, 1)
  add(room.most, kind, 1)
  local least = (room.used[kind] or 0) + (is_put and 1 or 0)
  room.used[kind] = math.max(least, counts[kind] - (room.stale[kind] or 0))
  one.touched = true
end

local function went(one, kind)
  if not kind then return end
  local room = one.room
  add(one.counts, kind, -1)
  if (room.stale[kind] or 0) > 0 then
    add(room.stale, kind, -1)
  else
    add(room.used, kind, -1)
    add(room.most, kind, -1)
  end
  one.touched = true
end

local function enter(one, id, is_put)
  local found = person(one, id)
  if found then return found end
  found = {false, null, null, '', '', ''}
  one.people[id], one.changed[id] = found, true
  came(one, 'user', is_put)
  if reserved(one, id) > 0 then add(one.coming, 'user', -1) end
  run('SADD', holders_of .. id, one.sn)
  return found
end

local function leave(one, id)
  if not person(one, id) then return 0 end
  one.people[id], one.changed[id] = false, true
  went(one, 'user')
  if reserved(one, id) > 0 then add(one.coming, 'user', 1) end
  run('SREM', holders_of .. id, one.sn)
  return 1
end

-- What is in it is the same as before, or was only not read; else it is another one, of which less is proven.
local function merged(kept, new)
  local is_same = new[2] ~= '' and (kept[2] == new[2] or kept[2] == '' and new[1] == 'read')
  if new[1] == 'listed' or new[1] == 'read' and new[2] == '' then return kept end
  if not is_same then return new end
  local proof = STRENGTH[kept[1]] > STRENGTH[new[1]] and kept[1] or new[1]
  return {proof, new[2], math.max(kept[3], new[3]), kept[4] > new[4] and kept[4] or new[4]}
end

local function put_slot(one, id, backup, new)
  local kept, was = slot(one, id, backup)
  local kind = kind_of(backup)
  if not THERE[new[1]] and was then return 0 end
  if new[1] == 'listed' and kind == 'fp' and one.room.size.fp == 0 then
    -- terminals without a sensor list people without credentials so (protocol §3.1 b)
    enter(one, id, false)
    return 1
  end
  if was then new = merged(kept, new) end
  if was and new[1] == kept[1] and new[2] == kept[2] and new[3] == kept[3] and new[4] == kept[4] then return 0 end
  run('HSET', one.holds, id .. '/' .. backup, cjson.encode(new))
  if not THERE[new[1]] then
    run('SADD', holders_of .. id, one.sn)
  elseif not was then
    came(one, kind, new[1] == 'accepted')
    if reserved(one, id .. '/' .. backup) > 0 then add(one.coming, kind, -1) end
    local found = enter(one, id, new[1] == 'accepted')
    found[6], one.changed[id] = found[6] .. ' ' .. backup .. ' ', true
  end
  return 1
end

local function drop_slot(one, id, backup, before)
  local kept, was = slot(one, id, backup)
  if not kept or before ~= '' and kept[3] >= tonumber(before) then return 0 end
  run('HDEL', one.holds, id .. '/' .. backup)
  local found = person(one, id)
  if was then
    went(one, kind_of(backup))
    if reserved(one, id .. '/' .. backup) > 0 then add(one.coming, kind_of(backup), 1) end
  end
  if found then
    found[6], one.changed[id] = string.gsub(found[6], ' ' .. backup .. ' ', ''), true
    -- with the last credential some terminals forget the person, and then its lock; others keep both
    local is_locked = found[4] ~= '' and found[4] ~= UNLOCKED
    if is_locked and not string.find(found[6], '%d') then found[4] = 'doubtful' end
  else
    run('SREM', holders_of .. id, one.sn)
  end
  return 1
end
