-- Which of the leases that were noted as lost are lost? Those that are held after all are forgotten at once.
-- KEYS 1 set of a process
-- ARGV 1 mark of a whole set, 2 "1" to mark it, 3 its life (s), 4 prefix of terminals, 5 how many to look at
-- Returns {1 while the set is marked, 1 when there are more, then "connection SN" of each lost one}
local set, mark = KEYS[1], ARGV[1]
if ARGV[2] == '1' then redis.call('SADD', set, mark) end
redis.call('EXPIRE', set, ARGV[3])
local found = {redis.call('SISMEMBER', set, mark), redis.call('SCARD', set) > tonumber(ARGV[5]) and 1 or 0}
for _, lease in ipairs(redis.call('SRANDMEMBER', set, ARGV[5])) do
  local connection, sn = string.match(lease, '^(%S+) (.+)$')
  local holds
  if sn then
    local now = redis.call('HMGET', ARGV[4] .. sn, 'conn', 'admission')
    holds = now[1] == connection and now[2] == 'approved'
  end
  if holds or not sn and lease ~= mark then
    redis.call('SREM', set, lease)
  elseif sn then
    found[#found + 1] = lease
  end
end
return found
