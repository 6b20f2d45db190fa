-- ARGV 1 "begin", as above, 7 hash of the token; KEYS 3 tokens (hash -> JSON, empty once revoked). Answers nil when
--      the token is not accepted
--   or 1 "enter", as above, 7 name of the account, 8 its id, 9 its password as it was found right, hashed; KEYS 3
--      accounts (name -> JSON), 4 passwords (name -> hash), 5 when each signed in (name -> ms). Answers nil when
--      one of these is not so any more
--   or 1 "touch", 2 life without use (ms); KEYS 1 the session
--   or 1 "end", 2 hash of the session, 3 channel of all processes, 4 what they are told; KEYS 1 the session, 2 the
--      sessions of whose it is
--   or 1 "end all", 2 beginning of the keys of sessions, 3 hash of the one that stays or "", 4 channel, 5 what is
--      told; KEYS 1 the sessions of somebody
if ARGV[1] == 'begin' then
  local entry = redis.call('HGET', KEYS[3], ARGV[7])
  if not entry or entry == '' then return false end
  return begin(string.format('"token":"%s"', ARGV[7]))
end

if ARGV[1] == 'enter' then
  local text = redis.call('HGET', KEYS[3], ARGV[7])
  if not text or redis.call('HGET', KEYS[4], ARGV[7]) ~= ARGV[9] then return false end
  local entry = cjson.decode(text)
  if entry.disabled or entry.id ~= ARGV[8] then return false end
  redis.call('HSET', KEYS[5], ARGV[7], string.format('%d', now))
  -- who knows no accounts yet finds a token that nobody has
  return begin(string.format('"token":"","account":"%s","id":"%s"', ARGV[7], ARGV[8]))
end

if ARGV[1] == 'touch' then
  local written = redis.call('GET', KEYS[1])
  if not written then return 0 end
  local left = cjson.decode(written)['until'] - now
  return redis.call('PEXPIRE', KEYS[1], math.max(0, math.min(left, tonumber(ARGV[2]))))
end

if ARGV[1] == 'end' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.pcall('PUBLISH', ARGV[3], ARGV[4])
  return 1
end

if ARGV[1] == 'end all' then
  end_all(KEYS[1], ARGV[2], ARGV[3])
  redis.pcall('PUBLISH', ARGV[4], ARGV[5])
  return 1
end
