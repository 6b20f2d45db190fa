-- What is learnt of kinds of terminals, without two processes undoing each other's work.
--
-- KEYS 1 models; ARGV 1 most fields, then one of:
--   "silence", field. Counts a command that was not answered. Answers how many of them came in a row
--   "claim", field of the notes, field of who makes them, life of a claim (ms), when notes are too old (ms).
--      Answers 1 to whom makes the notes, 0 to all others
local models, most = KEYS[1], tonumber(ARGV[1])
local field = ARGV[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function has_room(name) return redis.call('HEXISTS', models, name) == 1 or redis.call('HLEN', models) < most end

if ARGV[2] == 'silence' then return has_room(field) and redis.call('HINCRBY', models, field, 1) or 0 end

local notes = redis.call('HGET', models, field)
local made = notes and tonumber(string.match(notes, '"at":(%d+)'))
if made and now - made < tonumber(ARGV[6]) then return 0 end
local claimed = redis.call('HGET', models, ARGV[4])
if claimed and tonumber(claimed) > now then return 0 end
if not has_room(ARGV[4]) then return 0 end
redis.call('HSET', models, ARGV[4], string.format('%.0f', now + tonumber(ARGV[5])))
return 1
