-- Whose turn it is: one at a time for each name.
-- KEYS 1 hash: name → who
-- ARGV 1 verb, then
--   "take", name, who, instead of whom or "". Returns who has it now
--   "leave", name, who. Returns 1 when it was theirs
local key, verb, name, who = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local has = redis.call('HGET', key, name)
if verb == 'leave' then return has == who and redis.call('HDEL', key, name) or 0 end
if has and has ~= who and has ~= ARGV[4] then return has end
if has ~= who then redis.call('HSET', key, name, who) end
return who
