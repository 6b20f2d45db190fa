-- Keep a person as one terminal pushed it, and at most one sealed credential.
-- KEYS 1 user, 2 meta · ARGV 1 wrapped data key, 2 sn, 3 profile (JSON), 4 backupnum or "", 5 sealed credential
-- Returns 0 when the person has another data key by now: seal again under that one; -1 when a new one is
-- wrapped by another master key than the one that seals now.
local key = redis.call('HGET', KEYS[1], 'key')
if key and key ~= ARGV[1] then return 0 end
if not key then
  local seals = redis.call('HGET', KEYS[2], 'master_key')
  if seals and seals ~= string.match(ARGV[1], '^[^:]*') then return -1 end
  redis.call('HSET', KEYS[1], 'key', ARGV[1])
end
-- a key that was made for an order lives no longer than orders do; a person's stays
redis.call('PERSIST', KEYS[1])
local profile = 'p:' .. ARGV[2]
if redis.call('HGET', KEYS[1], profile) ~= ARGV[3] then redis.call('HSET', KEYS[1], profile, ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'c:' .. ARGV[4] .. ':' .. ARGV[2], ARGV[5]) end
return 1
