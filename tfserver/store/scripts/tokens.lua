-- Make and revoke tokens of the HTTP API, so that two who do it at once can't lock everybody out.
-- KEYS 1 tokens (hash of the token -> JSON, empty once it is revoked for good), 2 what was asked under an idempotency
--      key
-- ARGV 1 "issue", 2 hash, 3 entry (JSON), 4 most tokens, 5 "" or life of the idempotency key (s)
--      Answers "issued", "reused" when the key was used before, or "full"
--   or 1 "revoke", 2 id, 3 channel of all processes, 4 what they are told. Answers "revoked", "missing", or "last" when
--      nobody could manage tokens any more
local function entry_of(text)
  return text ~= '' and cjson.decode(text) or nil
end

if ARGV[1] == 'issue' then
  if ARGV[5] ~= '' and redis.call('EXISTS', KEYS[2]) == 1 then return 'reused' end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  if ARGV[5] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5]) end
  return 'issued'
end

local function manages(entry)
  return entry.role == 'admin' and #(entry.sites or {}) == 0
end

local found, found_entry
local managers = 0
local all = redis.call('HGETALL', KEYS[1])
for n = 1, #all, 2 do
  local entry = entry_of(all[n + 1])
  if entry then
    if manages(entry) then managers = managers + 1 end
    if entry.id == ARGV[2] then found, found_entry = all[n], entry end
  end
end
if not found then return 'missing' end
if manages(found_entry) and managers < 2 then return 'last' end
if (found_entry.created_by or '') == '' then
  -- it stands in a file that is read again at every start: remember that it is not accepted any more
  redis.call('HSET', KEYS[1], found, '')
else
  redis.call('HDEL', KEYS[1], found)
end
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 'revoked'
