-- KEYS 1 accounts (name -> JSON), 2 passwords (name -> hash)
-- ARGV 1 "make", 2 name, 3 entry (JSON), 4 password, hashed, 5 most accounts. Answers "made", "there" or "full"
--   or 1 "change", 2 name, 3 entry as it was, 4 entry as it is to be, "" for none, 5 password, hashed, "" for the
--      same, 6 that one as it was, "" for any, 7 hash of the session that stays or "", 8 beginning of the keys of
--      sessions, 9 channel, 10 what is told; KEYS 3 when each signed in, 4 the sessions of the account. With
--      another password, disabled or deleted it has no sessions any more. Answers "changed", or "other" when it was
--      not as it is said to have been
--   or 1 "rehash", 2 name, 3 password as it was, 4 the same hashed anew
if ARGV[1] == 'make' then
  if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return 'there' end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return 'full' end
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  return 'made'
end

if ARGV[1] == 'rehash' then
  if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[3] then return 'other' end
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
  return 'changed'
end

if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3] then return 'other' end
if ARGV[6] ~= '' and redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[6] then return 'other' end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[1], ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
else
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], ARGV[2], ARGV[5]) end
if ARGV[4] == '' or ARGV[5] ~= '' or cjson.decode(ARGV[4]).disabled then end_all(KEYS[4], ARGV[8], ARGV[7]) end
redis.pcall('PUBLISH', ARGV[9], ARGV[10])
return 'changed'
