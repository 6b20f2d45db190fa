-- Enrolments at terminals: one at a time at each; every step is an event.
-- KEYS 1 enrolment, 2 enrolments, 3 which enrolment each terminal is at, 4 events
-- ARGV 1 verb, 2 event (JSON), then
--   "add", prefix of enrolments, id, terminal, now (ms), until (ms), life (ms), digest, field, value ... Returns
--     {"put"}, {"again"}: it was put before, {"reused"}: this id was put for another, {"busy", id of the other}
--   "tell", id, terminal, life (ms), "1" when it ends, field, value ... Returns 1; 0 when it has ended, or is not there
--   "note", field, value ... As "tell", and nobody hears of it
local key, all, places, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local verb, event = ARGV[1], ARGV[2]
local run = redis.call
local MOST_EVENTS = 10000
-- how long after its time one that nobody ends any more keeps a terminal (ms)
local GRACE = 600000

local function tell_all() run('XADD', events, 'MAXLEN', '~', MOST_EVENTS, '*', 'kind', 'enrolment', 'd', event) end

-- Whether an enrolment still keeps its terminal.
local function goes_on(other, now)
  local found = run('HMGET', other, 'until', 'ended')
  return found[1] and not found[2] and now <= tonumber(found[1]) + GRACE
end

local function add()
  local prefix, id, sn, now, ends, life, digest = unpack(ARGV, 3, 9)
  local before = run('HGET', key, 'digest')
  if before then return {before == digest and 'again' or 'reused'} end
  local other = run('HGET', places, sn)
  if other and goes_on(prefix .. other, tonumber(now)) then return {'busy', other} end
  run('HSET', key, 'digest', digest, 'until', ends, unpack(ARGV, 10))
  run('PEXPIRE', key, life)
  run('ZREMRANGEBYSCORE', all, '-inf', '(' .. string.format('%d', tonumber(now) - tonumber(life)))
  -- no two have the same place, so that a page begins behind the last of the one before
  local newest = run('ZREVRANGE', all, 0, 0, 'WITHSCORES')[2]
  run('ZADD', all, math.max(tonumber(now), (tonumber(newest) or 0) + 1), sn .. ' ' .. id)
  run('HSET', places, sn, id)
  tell_all()
  return {'put'}
end

local function is_open() return run('HEXISTS', key, 'digest') == 1 and run('HEXISTS', key, 'ended') == 0 end

local function changes(first)
  for n = first, #ARGV, 2 do
    if (ARGV[n] == 'state' or ARGV[n] == 'scans') and run('HGET', key, ARGV[n]) ~= ARGV[n + 1] then return true end
  end
  return false
end

local function tell()
  if not is_open() then return 0 end
  local id, sn, life, ends = unpack(ARGV, 3, 6)
  if changes(7) then tell_all() end
  run('HSET', key, unpack(ARGV, 7))
  if ends == '1' then
    run('PEXPIRE', key, life)
    if run('HGET', places, sn) == id then run('HDEL', places, sn) end
  end
  return 1
end

local function note()
  if not is_open() then return 0 end
  run('HSET', key, unpack(ARGV, 3))
  return 1
end

local verbs = {add = add, tell = tell, note = note}
return verbs[verb]()
