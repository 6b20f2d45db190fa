-- Read people of the directory.
-- KEYS 1 people, members of a group, or collisions; or names · ARGV 1 prefix of users, 2 verb, then
--   "many", enrollid, … · "page", after this number or "", how many: by number · "find", beginning of the folded name,
--      after this entry or "", how many: by name · "count": how many stand under each of the keys
-- Returns {enrollid, person, name, external, groups, version, created, changed, credentials, collisions, folded name
-- before} each, and for "find" the entry behind them.
local FIELDS = {'person', 'name', 'external', 'groups', 'version', 'created', 'changed', 'k', 'x', 'was'}
local found = {}

local function add(id, entry)
  local row = redis.call('HMGET', ARGV[1] .. id, unpack(FIELDS))
  if not row[1] then return end
  for n = 1, #FIELDS do row[n] = row[n] or '' end
  table.insert(row, 1, id)
  if entry then row[#row + 1] = entry end
  found[#found + 1] = row
end

local function place(number) return string.rep('0', 19 - #number) .. number end

local verb = ARGV[2]
if verb == 'count' then
  for n, key in ipairs(KEYS) do found[n] = redis.call('ZCARD', key) end
elseif verb == 'many' then
  for n = 3, #ARGV do add(ARGV[n]) end
elseif verb == 'page' then
  local from = ARGV[3] == '' and '-' or '(' .. place(ARGV[3])
  for _, padded in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[4])) do
    add((string.gsub(padded, '^0+', '')))
  end
else
  local from = ARGV[4] == '' and '[' .. ARGV[3] or '(' .. ARGV[4]
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], from, '(' .. ARGV[3] .. '\255', 'LIMIT', 0, ARGV[5])) do
    add(string.match(entry, '(%d+)$'), entry)
  end
end
return found
