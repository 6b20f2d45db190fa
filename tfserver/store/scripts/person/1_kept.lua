-- People: what terminals told of them, and what the directory says. One step changes a person and every index it is in.
--
-- KEYS 1 user, 2 meta, 3 people, 4 names, 5 external ids, 6 collisions, 7 groups, 8 erased
-- ARGV 1 verb, 2 enrollid, 3 now (RFC 3339), 4 prefix of members, 5 prefix of users, 6 wrapped data key or "", 7 sealed
--      record or "", 9 channel of all processes; 8 what is asked (JSON), by verb:
--   "told" {sn, profile (JSON), name, folded, person (JSON) or none: it does not enter the directory, slot, version,
--      bytes, is_defined, label, origin, made}: what a terminal told. Answers 1, 2 when the person is being erased,
--      0 when it has another data key by now, -1 when a new one is wrapped by another master key than the one that
--      seals, -2 when the record was not sent along and is not here
--   "put" {person (JSON), name, folded, external, groups, expected}: make or replace. Answers {"ok", version, created,
--      changed, was}, {"erased"}, {"outdated", version}, {"taken", enrollid}, {"group", name}
--   "credential" {slot, version, bytes, made}: into the directory. Answers as told, -3 when there is no such person
--   "uncredential" {slot}. Answers 1, or 0 when there was none
--   "adopt" {sn, profile (JSON), version, name, folded, person (JSON), slots, labels}: a terminal is right. Answers 1,
--      0 when it never told of the person, -1 when something changed meanwhile, 2 when the person is being erased
--   "remove": out of the directory. Answers 1, or 0
--   "members" {group, add, remove}: lists of numbers. Answers {added, removed, unknown, full}; false without the group
--   "group" {name, before or none, after}, "ungroup" {name}. Answer 1; 0 when it is not as before, or not empty
--
-- Fields of a person: "person" (JSON; without it the directory does not know it), "name", "folded", "external",
-- "groups" (with spaces), "version", "created", "changed", "was" (folded: its name before people gave it another),
-- "k" (JSON by slot: its credentials), "x" (JSON: its collisions), "left" (JSON: what was taken out, so that no terminal
-- brings it back). What terminals told: "p:SN", "c:slot:SN". Records stand apart, each once for all who have it:
-- "r:slot:version", and "n:slot:version" who that are.
local user, meta, people, names, externals, clashes, groups_key, erased =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local verb, id, at, members_of, user_of, wrapped, sealed, channel =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[9]
local asked = cjson.decode(ARGV[8])
local run = redis.call
local MOST_COLLISIONS, MOST_GROUPS, KEY_LIFE = 50, 20, (8 * 24 + 2) * 3600000
local does = {}

-- Numbers as texts of one length, so that they stand in order, the longest too: a score is not exact.
local function place(number) return string.rep('0', 19 - #number) .. number end

local function decoded(text) return text and cjson.decode(text) or {} end

local function field(name) return run('HGET', user, name) or nil end

local function keep(name, found)
  if next(found) then run('HSET', user, name, cjson.encode(found)) else run('HDEL', user, name) end
end

-- What stands sealed under a key that is gone is nobody's any more.
local function drop_sealed()
  local gone = {}
  for _, name in ipairs(run('HKEYS', user)) do
    if name == 'k' or string.match(name, '^[crn]:') then gone[#gone + 1] = name end
  end
  for from = 1, #gone, 1000 do run('HDEL', user, unpack(gone, from, math.min(from + 999, #gone))) end
end

-- Why nothing can be kept under this data key, or nil; from then on it is the person's.
local function refused_key()
  local key = field('key')
  if key then return key ~= wrapped and 0 or nil end
  local seals = run('HGET', meta, 'master_key')
  if seals and seals ~= string.match(wrapped, '^[^:]*') then return -1 end
  drop_sealed()
  run('HSET', user, 'key', wrapped)
end

local function is_missing(slot, version)
  return sealed == '' and run('HEXISTS', user, 'r:' .. slot .. ':' .. version) == 0
end

local function take(slot, version)
  if run('HINCRBY', user, 'n:' .. slot .. ':' .. version, 1) == 1 then
    run('HSET', user, 'r:' .. slot .. ':' .. version, sealed)
  end
end

local function let_go(slot, version)
  local count = 'n:' .. slot .. ':' .. version
  if run('HINCRBY', user, count, -1) <= 0 then run('HDEL', user, count, 'r:' .. slot .. ':' .. version) end
end

-- What one terminal has in a slot, told or not.
local function theirs(slot, sn) return decoded(field('c:' .. slot .. ':' .. sn)) end

local function changed_now()
  run('HSET', user, 'changed', at)
  return run('HINCRBY', user, 'version', 1)
end

local function keep_collisions(found)
  keep('x', found)
  if next(found) then run('ZADD', clashes, 0, place(id)) else run('ZREM', clashes, place(id)) end
end

local function collide(sn, what, slot, name)
  local found, mark, many = decoded(field('x')), sn .. ' ' .. what, 0
  for _ in pairs(found) do many = many + 1 end
  if found[mark] and found[mark].theirs == name or not found[mark] and many >= MOST_COLLISIONS then return end
  found[mark] = {sn = sn, what = what, slot = slot, theirs = name, at = at}
  if what == 'name' then found[mark].folded = asked.folded end
  keep_collisions(found)
end

local function agree(sn, what)
  local found = decoded(field('x'))
  if not found[sn .. ' ' .. what] then return end
  found[sn .. ' ' .. what] = nil
  keep_collisions(found)
end

local function is_same_name(a, b) return a == '' or b == '' or a == b end

-- Those collisions that are none by what the directory says now.
local function settle()
  local found = decoded(field('x'))
  if not next(found) then return end
  local folded, mine, left = field('folded'), decoded(field('k')), {}
  for mark, one in pairs(found) do
    local own, other = one.slot and mine[one.slot], one.slot and theirs(one.slot, one.sn).version
    local is_one = one.slot and own and other ~= own.version and other ~= own.was
      or not one.slot and not is_same_name(folded, one.folded)
    if is_one then left[mark] = one end
  end
  keep_collisions(left)
end

local function rename(name, folded)
  local before = field('folded')
  if before then run('ZREM', names, before .. '\0' .. id) end
  run('HSET', user, 'name', name, 'folded', folded)
  run('ZADD', names, 0, folded .. '\0' .. id)
end

-- The record has to be here, or come along.
local function set_credential(slot, entry)
  local mine = decoded(field('k'))
  local before = mine[slot]
  if before and before.version == entry.version then return end
  take(slot, entry.version)
  if before then
    entry.was = before.version
    let_go(slot, before.version)
  end
  mine[slot] = entry
  keep('k', mine)
  local left = decoded(field('left'))
  if left.slots and left.slots[slot] then
    left.slots[slot] = nil
    keep('left', next(left.slots) and left or {})
  end
end

local function drop_credential(slot)
  local mine = decoded(field('k'))
  local before = mine[slot]
  if not before then return 0 end
  mine[slot] = nil
  keep('k', mine)
  let_go(slot, before.version)
  local left = decoded(field('left'))
  left.slots = left.slots or {}
  left.slots[slot] = before.version
  keep('left', left)
  return 1
end

local function enter(person, name, folded)
  run('HSET', user, 'person', person, 'created', at)
  run('HDEL', user, 'left')
  run('ZADD', people, 0, place(id))
  rename(name, folded)
  changed_now()
end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do found[#found + 1] = word end
  return found
end
