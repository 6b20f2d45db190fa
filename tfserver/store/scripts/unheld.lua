-- A terminal that was deleted has nobody any more.
-- KEYS the holders of some people · ARGV 1 sn
for _, key in ipairs(KEYS) do redis.call('SREM', key, ARGV[1]) end
return 1
