-- Read a page of terminals, or those that are named; one that is not there is left out.
-- KEYS 1 all terminals, 2 heard, 3 punched
-- ARGV 1 prefix of terminals, 2 prefix of heartbeats, then "after", behind which sn ("" from the start), how
-- many; or "these", sns (canonical)
-- Returns {sn, heard, punched, alive (0/1), fields…} for each.
local sns = {}
if ARGV[3] == 'these' then
  for at = 4, #ARGV do
    if redis.call('HEXISTS', ARGV[1] .. ARGV[at], 'admission') == 1 then sns[#sns + 1] = ARGV[at] end
  end
else
  local from = ARGV[4] == '' and '-' or '(' .. ARGV[4]
  sns = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[5])
end
local found = {}
for _, sn in ipairs(sns) do
  local key = ARGV[1] .. sn
  local owner = redis.call('HGET', key, 'owner')
  local alive = owner and redis.call('EXISTS', ARGV[2] .. owner) or 0
  local heard = redis.call('ZSCORE', KEYS[2], sn) or ''
  local punched = redis.call('ZSCORE', KEYS[3], sn) or ''
  found[#found + 1] = {sn, heard, punched, alive, redis.call('HGETALL', key)}
end
return found
