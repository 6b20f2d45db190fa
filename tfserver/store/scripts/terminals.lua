-- Read a page of terminals, or those that are named; one that is not there is left out.
-- KEYS 1 all terminals, 2 heard, 3 punched
-- ARGV 1 prefix of terminals, 2 prefix of heartbeats, 3 "whole" or "brief", then "after", behind which sn (""
-- from the start), how many; or "these", sns (canonical)
-- Returns {sn, heard, punched, alive (0/1), fields…} for each; in brief one text for all of them, which is read
-- many times faster: JSON of [sn, punched, alive (0/1), BRIEF…], false for what is not there
local BRIEF = {'sn', 'name', 'site', 'timezone', 'admission', 'owner', 'conn', 'devinfo', 'reg_at', 'ahead', 'clock',
  'clock_state', 'echo', 'room', 'until', 'since', 'gaps', 'model_profile', 'tags'}
local sns = {}
if ARGV[4] == 'these' then
  for at = 5, #ARGV do
    if redis.call('HEXISTS', ARGV[1] .. ARGV[at], 'admission') == 1 then sns[#sns + 1] = ARGV[at] end
  end
else
  local from = ARGV[5] == '' and '-' or '(' .. ARGV[5]
  sns = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[6])
end
local beating = {}
local function alive(owner)
  if not owner then return 0 end
  if not beating[owner] then beating[owner] = redis.call('EXISTS', ARGV[2] .. owner) end
  return beating[owner]
end
local function brief(sn, key)
  local row = redis.call('HMGET', key, unpack(BRIEF))
  return {sn, redis.call('ZSCORE', KEYS[3], sn) or '', alive(row[6]), unpack(row)}
end
local function whole(sn, key)
  local heard = redis.call('ZSCORE', KEYS[2], sn) or ''
  local punched = redis.call('ZSCORE', KEYS[3], sn) or ''
  return {sn, heard, punched, alive(redis.call('HGET', key, 'owner')), redis.call('HGETALL', key)}
end
local found = {}
for _, sn in ipairs(sns) do
  found[#found + 1] = (ARGV[3] == 'brief' and brief or whole)(sn, ARGV[1] .. sn)
end
if ARGV[3] == 'whole' then return found end
return #found > 0 and cjson.encode(found) or '[]'
