-- Forget what stands first in the quarantine.
-- KEYS 1 stream of the quarantine, 2 how much of it is whose · ARGV 1 the first place that stays
-- Returns how many there were.
local gone = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
if gone == 0 then return 0 end
local of, from = {}, '-'
repeat
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 100)
  for _, entry in ipairs(page) do
    local fields = entry[2]
    for n = 1, #fields, 2 do
      if fields[n] == 'sn' then of[fields[n + 1]] = (of[fields[n + 1]] or 0) + 1 end
    end
    from = '(' .. entry[1]
  end
until #page < 100
redis.call('DEL', KEYS[2])
for sn, count in pairs(of) do redis.call('HSET', KEYS[2], sn, count) end
return gone
