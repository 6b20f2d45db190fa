-- Set what people decide about a terminal.
-- KEYS 1 terminal, 2 events · ARGV 1 sn (canonical), 2 channel of all processes, then names and values
-- Returns 0 when there is no such terminal.
if redis.call('HEXISTS', KEYS[1], 'admission') == 0 then return 0 end
for n = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 1]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'kind', 'terminal', 'd',
  cjson.encode({sn = ARGV[1], event = 'change'}))
redis.call('PUBLISH', ARGV[2], 'change ' .. ARGV[1])
return 1
