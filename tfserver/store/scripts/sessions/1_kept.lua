-- Sessions of browsers, by the hash of what opens them, and accounts of people, by their names. What a session
-- is begun with is looked at in the step that begins it: nobody signs in by what was taken back meanwhile.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A new session. KEYS 1 the session, 2 the sessions of who signs in: their hashes by when they end at most (ms)
-- ARGV 2 hash of the session, 3 most life (ms), 4 life without use (ms), 5 most sessions, 6 beginning of the keys
--      of sessions. Answers until when at most (ms)
local function begin(whose)
  local most = tonumber(ARGV[3])
  local ends = now + most
  local written = string.format('{%s,"until":%d}', whose, ends)
  redis.call('SET', KEYS[1], written, 'PX', math.min(most, tonumber(ARGV[4])))
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  redis.call('ZADD', KEYS[2], ends, ARGV[2])
  -- as long as any of them: other processes may be set to more hours
  redis.call('PEXPIRE', KEYS[2], math.max(most, redis.call('PTTL', KEYS[2])))
  local many = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
  if many > 0 then
    for _, hash in ipairs(redis.call('ZRANGE', KEYS[2], 0, many - 1)) do
      redis.call('DEL', ARGV[6] .. hash)
      redis.call('ZREM', KEYS[2], hash)
    end
  end
  return string.format('%d', ends)
end

-- All sessions of somebody, but for one.
local function end_all(key, beginning, but)
  for _, hash in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if hash ~= but then
      redis.call('DEL', beginning .. hash)
      redis.call('ZREM', key, hash)
    end
  end
end
