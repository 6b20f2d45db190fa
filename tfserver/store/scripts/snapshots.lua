-- What a terminal had at a moment. ARGV 1 is the question; the parts of a person are sealed under its own key.
-- KEYS 1 snapshot, 2 snapshots, 3 erased, 4 meta, 5 user (only for keep), or which restoration each terminal is at (begin)
local question = ARGV[1]

-- no two have the same place, so that a page begins behind the last of the one before
local function place(member, at)
  local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', KEYS[2], math.max(tonumber(at), (tonumber(newest) or 0) + 1), member)
end

-- 2 member, 3 score (ms), 4 … names and values of the beginning
local function add()
  redis.call('HSET', KEYS[1], unpack(ARGV, 4))
  place(ARGV[2], ARGV[3])
  return 'added'
end

-- 2 member, 3 score (ms), 4 terminal, 5 id, 6 prefix of restorations, 7 … names and values of the beginning
-- of a restoration; the id of the one that the terminal is at from now on: another, and nothing is written
local function begin()
  local other = redis.call('HGET', KEYS[5], ARGV[4])
  if other and redis.call('HGET', ARGV[6] .. other, 'state') == 'open' then return other end
  redis.call('HSET', KEYS[1], unpack(ARGV, 7))
  place(ARGV[2], ARGV[3])
  redis.call('HSET', KEYS[5], ARGV[4], ARGV[5])
  return ARGV[5]
end

-- 2 enrollid, 3 wrapped data key, 4 … field, value and kind of each part
-- gone: there is no such snapshot; erased: nothing of this person is kept; rekey: it has another data key;
-- master: a new one has to be wrapped by the master key that seals now
local function keep()
  if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
  if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 'erased' end
  local key = redis.call('HGET', KEYS[5], 'key')
  if key and key ~= ARGV[3] then return 'rekey' end
  if not key then
    local seals = redis.call('HGET', KEYS[4], 'master_key')
    if seals and seals ~= string.match(ARGV[3], '^[^:]*') then return 'master' end
    redis.call('HSET', KEYS[5], 'key', ARGV[3])
  end
  -- a key that was made for an order lives no longer than orders do; what is here has to open later
  redis.call('PERSIST', KEYS[5])
  for place = 4, #ARGV, 3 do
    local is_new = redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1]) == 1
    if is_new then redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[place + 2], 1) end
  end
  return 'kept'
end

-- 2 … field and kind of each part that is to go; how many were there
local function forget()
  local found = 0
  for place = 2, #ARGV, 2 do
    if redis.call('HDEL', KEYS[1], ARGV[place]) == 1 then
      redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[place + 1], -1)
      found = found + 1
    end
  end
  return found
end

-- 2 … names and values; nothing is written of one that was removed meanwhile
local function tell()
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
  return 1
end

-- 2 state, 3 when (ms), 4 in words; only the first end counts
local function finish()
  if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
  redis.call('HSET', KEYS[1], 'state', ARGV[2], 'ended', ARGV[3], 'stage', ARGV[4])
  return 1
end

-- 2 member
local function remove()
  redis.call('ZREM', KEYS[2], ARGV[2])
  return redis.call('DEL', KEYS[1])
end

local verbs = { add = add, begin = begin, keep = keep, forget = forget, tell = tell, finish = finish, remove = remove }
return verbs[question]()
