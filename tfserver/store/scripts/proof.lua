-- Which records of a terminal are proven to be here.
--
-- KEYS 1 the terminal; ARGV one of:
--   "doubt", day. From this day of the terminal on records may be missing; an earlier one that stands stays.
--      Answers the day that stands, or "" for a terminal that is not known
--   "prove", connection, day in doubt or "", UTC (ms) and the terminal's day from which on nothing is proven.
--      Answers 1, or 0 when the lease or the day in doubt is another one by now
local terminal = KEYS[1]
if redis.call('HEXISTS', terminal, 'admission') == 0 then return ARGV[1] == 'doubt' and '' or 0 end
local told = redis.call('HMGET', terminal, 'dirty', 'conn')
local dirty = told[1] or ''

if ARGV[1] == 'doubt' then
  if dirty ~= '' and dirty <= ARGV[2] then return dirty end
  redis.call('HSET', terminal, 'dirty', ARGV[2])
  return ARGV[2]
end

if told[2] ~= ARGV[2] or dirty ~= ARGV[3] then return 0 end
redis.call('HSET', terminal, 'proven', ARGV[4], 'proven_day', ARGV[5])
redis.call('HDEL', terminal, 'dirty')
return 1
