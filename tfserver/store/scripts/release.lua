-- Give a lease back, if it is still this connection's.
-- KEYS 1 terminal · ARGV 1 connection id · Returns 1 when it was.
if redis.call('HGET', KEYS[1], 'conn') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'conn', 'owner', 'connected_at')
return 1
