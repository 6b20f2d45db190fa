-- Sessions of browsers, by the hash of what opens them.
-- KEYS 1 the session (JSON: hash of its token, until when at most), 2 tokens (hash -> JSON, empty once revoked),
--      3 the sessions of that token: their hashes by when they end at most (ms)
-- ARGV 1 "begin", 2 hash of the session, 3 hash of its token, 4 most life (ms), 5 life without use (ms), 6 most
--      sessions of a token, 7 beginning of the keys of sessions. Answers until when at most (ms), or nil when the
--      token is not accepted
--   or 1 "touch", 2 life without use (ms)
--   or 1 "end", 2 hash of the session, 3 channel of all processes, 4 what they are told
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if ARGV[1] == 'begin' then
  local entry = redis.call('HGET', KEYS[2], ARGV[3])
  if not entry or entry == '' then return false end
  local ends = now + tonumber(ARGV[4])
  local written = string.format('{"token":"%s","until":%d}', ARGV[3], ends)
  redis.call('SET', KEYS[1], written, 'PX', math.min(tonumber(ARGV[4]), tonumber(ARGV[5])))
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  redis.call('ZADD', KEYS[3], ends, ARGV[2])
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
  local many = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
  if many > 0 then
    for _, hash in ipairs(redis.call('ZRANGE', KEYS[3], 0, many - 1)) do
      redis.call('DEL', ARGV[7] .. hash)
      redis.call('ZREM', KEYS[3], hash)
    end
  end
  return string.format('%d', ends)
end

if ARGV[1] == 'touch' then
  local written = redis.call('GET', KEYS[1])
  if not written then return 0 end
  local left = cjson.decode(written)['until'] - now
  return redis.call('PEXPIRE', KEYS[1], math.max(0, math.min(left, tonumber(ARGV[2]))))
end

redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[3], ARGV[2])
redis.pcall('PUBLISH', ARGV[3], ARGV[4])
return 1
