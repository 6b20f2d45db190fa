-- Forget a terminal: what it was called, decided and pinned. Its punches stay, and are known when they come again.
-- KEYS 1 terminal, 2 pending, 3 all terminals, 4 heard, 5 punched, 6 claimants, 7 events, 8 deleted
-- ARGV 1 sn (canonical), 2 channel of all processes, 3 prefix of the sets of lost leases, 4 their life (s)
-- Returns 0 when there is no such terminal.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local lease = redis.call('HMGET', KEYS[1], 'conn', 'owner')
if lease[1] then
  local lost = ARGV[3] .. (lease[2] or '')
  redis.call('SADD', lost, lease[1] .. ' ' .. ARGV[1])
  redis.call('EXPIRE', lost, ARGV[4])
end
redis.call('DEL', KEYS[1])
-- its orders stay for a while: who erases a person has to find them
redis.call('SADD', KEYS[8], ARGV[1])
for n = 2, 5 do redis.call('ZREM', KEYS[n], ARGV[1]) end
local all = redis.call('HGETALL', KEYS[6])
for n = 1, #all, 2 do
  if cjson.decode(all[n + 1]).sn == ARGV[1] then redis.call('HDEL', KEYS[6], all[n]) end
end
redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'kind', 'terminal', 'd',
  cjson.encode({sn = ARGV[1], event = 'deleted'}))
redis.call('PUBLISH', ARGV[2], 'admission ' .. ARGV[1])
return 1
