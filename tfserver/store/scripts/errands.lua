-- Work that is to be done once it is due, by whichever process takes it; who dies over it is followed by another.
-- KEYS 1 what is to be done, by when (ms), 2 who does it: name → token, and "+name" when it is wanted once more
-- ARGV 1 verb, then
--   "add", channel, message, delay (ms), name... An earlier time stays. Of one that is being done at present it
--      is noted that it is wanted once more. Returns how many were added or noted
--   "claim", token, how many, life of the lease (ms). Returns {ms until the next is due, or -1; names...}
--   "renew", token, life of the lease (ms), name... Returns the names that are not this token's any more
--   "end", token, name, delay (ms) until it is done again, or "" when it is over. Returns 1, or 0 when it was
--      another's
--   "await", terminal, prefix of heartbeats, kind, name. It is due as soon as the terminal registers (registry.lua).
--      Returns 0 when that is online, or is not known; then nothing is noted
--   "remove", name. Returns 1 when it was there
local due, holders, call = KEYS[1], KEYS[2], redis.call
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local verb = ARGV[1]
-- bytes; what finds no room comes again by its time
local MOST_AWAITED = 8192

local does = {}

function does.add()
  local at, added = now + tonumber(ARGV[4]), 0
  for n = 5, #ARGV do
    local name = ARGV[n]
    local stands = tonumber(call('ZSCORE', due, name))
    if call('HEXISTS', holders, name) == 1 and stands and stands > now then
      call('HSET', holders, '+' .. name, at)
      added = added + 1
    elseif not stands or at < stands then
      call('ZADD', due, at, name)
      added = added + 1
    end
  end
  if tonumber(ARGV[4]) == 0 then redis.pcall('PUBLISH', ARGV[2], ARGV[3]) end
  return added
end

function does.claim()
  local found = {-1}
  for _, name in ipairs(call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[3])) do
    call('ZADD', due, now + tonumber(ARGV[4]), name)
    call('HSET', holders, name, ARGV[2])
    found[#found + 1] = name
  end
  local first = call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if first[2] then found[1] = math.max(0, tonumber(first[2]) - now) end
  return found
end

function does.renew()
  local lost = {}
  for n = 4, #ARGV do
    if call('HGET', holders, ARGV[n]) == ARGV[2] then
      call('ZADD', due, 'XX', now + tonumber(ARGV[3]), ARGV[n])
    else
      lost[#lost + 1] = ARGV[n]
    end
  end
  return lost
end

does['end'] = function()
  local token, name, delay = ARGV[2], ARGV[3], ARGV[4]
  if call('HGET', holders, name) ~= token then return 0 end
  local again = tonumber(call('HGET', holders, '+' .. name))
  call('HDEL', holders, name, '+' .. name)
  local at = delay ~= '' and now + tonumber(delay) or nil
  if again and (not at or again < at) then at = again end
  if at then call('ZADD', due, at, name) else call('ZREM', due, name) end
  return 1
end

function does.await()
  local terminal, line = ARGV[2], ARGV[4] .. ' ' .. ARGV[5]
  local there = call('HMGET', terminal, 'admission', 'conn', 'owner', 'awaited')
  if not there[1] or there[2] and call('EXISTS', ARGV[3] .. (there[3] or '')) == 1 then return 0 end
  local awaited = there[4] or ''
  if not string.find('\n' .. awaited .. '\n', '\n' .. line .. '\n', 1, true) and #awaited < MOST_AWAITED then
    call('HSET', terminal, 'awaited', awaited == '' and line or awaited .. '\n' .. line)
  end
  return 1
end

function does.remove()
  call('HDEL', holders, ARGV[2], '+' .. ARGV[2])
  return call('ZREM', due, ARGV[2])
end

return does[verb]()
