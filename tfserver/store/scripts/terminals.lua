-- Read a page of terminals.
-- KEYS 1 all terminals, 2 heard, 3 punched
-- ARGV 1 after this sn ("" from the start), 2 how many, 3 prefix of terminals, 4 prefix of heartbeats
-- Returns {sn, heard, punched, alive (0/1), fields…} for each.
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local found = {}
for _, sn in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[2])) do
  local key = ARGV[3] .. sn
  local owner = redis.call('HGET', key, 'owner')
  local alive = owner and redis.call('EXISTS', ARGV[4] .. owner) or 0
  local heard = redis.call('ZSCORE', KEYS[2], sn) or ''
  local punched = redis.call('ZSCORE', KEYS[3], sn) or ''
  found[#found + 1] = {sn, heard, punched, alive, redis.call('HGETALL', key)}
end
return found
