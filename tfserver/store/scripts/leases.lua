-- Which of these connections have lost their lease, or their terminal its approval?
-- KEYS terminals · ARGV the connection id for each · Returns the places (from 0) in that list.
local lost = {}
for n = 1, #KEYS do
  local found = redis.call('HMGET', KEYS[n], 'conn', 'admission')
  if found[1] ~= ARGV[n] or found[2] ~= 'approved' then lost[#lost + 1] = n - 1 end
end
return lost
