-- Decide on a terminal. Approving one that another device claims pins the identity of that device: of several it has to
-- be named, for the one that claimed last need not be the one that people looked at.
-- The device that is no longer the pinned one loses its lease.
-- KEYS 1 terminal, 2 pending, 3 claimants, 4 events, 5 news
-- ARGV 1 sn (canonical), 2 admission, 3 channel of all processes, 4 prefix of the sets of lost leases, 5 their life (s)
--      6 cpusn and 7 mac of the device that is meant, or neither
-- Returns 1; 0 when there is no such terminal, -1 when several devices claim it, -2 when the one that is meant does not.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local lease = redis.call('HMGET', KEYS[1], 'conn', 'owner', 'site', 'cpusn', 'mac')

local function note_loss()
  local lost = ARGV[4] .. (lease[2] or '')
  redis.call('SADD', lost, lease[1] .. ' ' .. ARGV[1])
  redis.call('EXPIRE', lost, ARGV[5])
end

local function tell(event)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'kind', 'terminal', 'd',
    cjson.encode({sn = ARGV[1], event = event}))
end

local claims, meant = {}, nil
local all = redis.call('HGETALL', KEYS[3])
for n = 1, #all, 2 do
  local claim = cjson.decode(all[n + 1])
  if claim.sn == ARGV[1] then
    claims[#claims + 1] = all[n]
    if not ARGV[6] or claim.cpusn == ARGV[6] and claim.mac == ARGV[7] then meant = claim end
  end
end
if ARGV[2] == 'approved' then
  if ARGV[6] and not meant then return -2 end
  if not ARGV[6] and #claims > 1 then return -1 end
else
  meant = nil
end

if ARGV[2] ~= 'approved' and lease[1] then note_loss() end
redis.call('HSET', KEYS[1], 'admission', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
if #claims > 0 then redis.call('HDEL', KEYS[3], unpack(claims)) end
if meant then
  if lease[1] and (meant.cpusn ~= lease[4] or meant.mac ~= lease[5]) then
    note_loss()
    redis.call('HDEL', KEYS[1], 'conn', 'owner', 'connected_at', 'busy')
    tell('offline')
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', 100000, '*', 'd',
      cjson.encode({sn = ARGV[1], event = 'down', site = lease[3] or ''}))
  end
  redis.call('HSET', KEYS[1], 'cpusn', meant.cpusn, 'mac', meant.mac)
end
tell('admission')
redis.call('PUBLISH', ARGV[3], 'admission ' .. ARGV[1])
return 1
