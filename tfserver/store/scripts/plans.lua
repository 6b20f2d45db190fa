-- Plans: what is to be done at terminals, and what came of it. A plan that was not begun is forgotten after a while; one
-- that was begun stays until it has ended, and its report for a while after.
--
-- KEYS 1 plans (by when they were made), 2 events
-- ARGV 1-2 prefixes of: plan, steps of a plan; 3 verb, 4 id of the plan, then
--   "add": plan (JSON), its life (ms), most plans. Beyond that the oldest go, but none that is being applied
--   "make": token. It is made by whoever has this token from now on. Answers 1, or 0 when it is not to be made any more
--   "steps": token, sn, first ("1" when these are the first of the terminal), number, step (JSON), …
--   "head": token, sn, what else is planned for the terminal (JSON), how many steps
--   "ready": token · "fail": token, why. These answer 1, or 0 and do nothing when another has the token, or it is over
--   "begin": actor. Answers {"begun", sn…} with the terminals where there is something to do, or {its state}
--   "states": sn, number, state, words, order, … What has ended never changes. Answers {state, how many, …}
--   "stage": sn, stage, words. Answers 1
--   "end": state, life of the report (ms). Answers 1, or 0 when it was over
--   "get": (writes nothing) answers the names and values of the plan
--   "heads": sn, … (writes nothing) answers of each {head or false, names and values of stage and counts}
--   "forget": the plan goes, unless it is being applied. Answers 1 or 0
-- A terminal's steps: number → step, "s" number → {state, words, order, when (ms)} (JSON), "#" state → how many,
-- "@stage" and "@told".
local plans, events = KEYS[1], KEYS[2]
local verb, id = ARGV[3], ARGV[4]
local call = redis.call
local plan, steps = ARGV[1] .. id, ARGV[2] .. id .. ':'
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local ENDED = {done = true, refused = true, failed = true, skipped = true}
local OVER = {done = true, cancelled = true, failed = true}
local COUNTS = {'@stage', '@told', '#planned', '#ordered', '#done', '#refused', '#failed', '#skipped'}

local function state() return call('HGET', plan, 'state') end

local function tell(event)
  call('XADD', events, 'MAXLEN', '~', 10000, '*', 'kind', 'sync', 'd', cjson.encode({event = event, id = id, sn = ''}))
end

local function terminals(of)
  local found = {}
  for _, field in ipairs(call('HKEYS', of)) do
    if string.sub(field, 1, 2) == 't:' then found[#found + 1] = string.sub(field, 3) end
  end
  return found
end

local function drop(name)
  local of = ARGV[1] .. name
  if call('HGET', of, 'state') == 'applying' then return false end
  for _, sn in ipairs(terminals(of)) do call('UNLINK', ARGV[2] .. name .. ':' .. sn) end
  call('UNLINK', of)
  call('ZREM', plans, name)
  return true
end

local function live(ms)
  for _, sn in ipairs(terminals(plan)) do
    if ms then call('PEXPIRE', steps .. sn, ms) else call('PERSIST', steps .. sn) end
  end
  if ms then call('PEXPIRE', plan, ms) else call('PERSIST', plan) end
end

local function mine(token) return state() == 'reading' and call('HGET', plan, 'maker') == token end

local does = {}

function does.add()
  local too_many = call('ZCARD', plans) + 1 - tonumber(ARGV[7])
  local from = 0
  while too_many > 0 do
    local page = call('ZRANGE', plans, from, from + 99)
    if #page == 0 then break end
    for _, name in ipairs(page) do
      if too_many > 0 and drop(name) then too_many = too_many - 1 else from = from + 1 end
    end
  end
  call('HSET', plan, 'p', ARGV[5], 'state', 'reading', 'made', now)
  call('PEXPIRE', plan, ARGV[6])
  -- no two have the same place, so that a page begins behind the last of the one before
  local newest = call('ZREVRANGE', plans, 0, 0, 'WITHSCORES')[2]
  call('ZADD', plans, math.max(now, (tonumber(newest) or 0) + 1), id)
  return 1
end

function does.make()
  if state() ~= 'reading' then return 0 end
  call('HSET', plan, 'maker', ARGV[5])
  return 1
end

function does.steps()
  if not mine(ARGV[5]) then return 0 end
  local at = steps .. ARGV[6]
  if ARGV[7] == '1' then
    call('UNLINK', at)
    -- known from now on, so that it goes with the plan
    call('HSET', plan, 't:' .. ARGV[6], '')
  end
  if #ARGV < 9 then return 1 end
  call('HSET', at, unpack(ARGV, 8))
  call('PEXPIRE', at, call('PTTL', plan))
  return 1
end

function does.head()
  if not mine(ARGV[5]) then return 0 end
  call('HSET', plan, 't:' .. ARGV[6], ARGV[7])
  if tonumber(ARGV[8]) > 0 then call('HSET', steps .. ARGV[6], '#planned', ARGV[8]) end
  return 1
end

function does.ready()
  if not mine(ARGV[5]) then return 0 end
  call('HDEL', plan, 'maker')
  call('HSET', plan, 'state', 'ready')
  tell('planned')
  return 1
end

function does.fail()
  if not mine(ARGV[5]) then return 0 end
  call('HDEL', plan, 'maker')
  call('HSET', plan, 'state', 'failed', 'why', ARGV[6], 'ended', now)
  tell('failed')
  return 1
end

function does.begin()
  local was = state()
  if was ~= 'ready' then return {was or 'missing'} end
  live(nil)
  call('HSET', plan, 'state', 'applying', 'begun', now, 'begun_by', ARGV[5])
  local found = {'begun'}
  for _, sn in ipairs(terminals(plan)) do
    if call('HEXISTS', steps .. sn, '1') == 1 and call('HEXISTS', steps .. sn, '#planned') == 1 then
      found[#found + 1] = sn
    end
  end
  tell('begun')
  return found
end

local function counts(at)
  local found, values = {}, call('HMGET', at, unpack(COUNTS))
  for n, name in ipairs(COUNTS) do
    if values[n] and values[n] ~= '0' then
      found[#found + 1] = name
      found[#found + 1] = values[n]
    end
  end
  return found
end

function does.states()
  local at = steps .. ARGV[5]
  for n = 6, #ARGV, 4 do
    local number, new = ARGV[n], ARGV[n + 1]
    local kept = call('HGET', at, 's' .. number)
    local was = kept and cjson.decode(kept)[1] or 'planned'
    if call('HEXISTS', at, number) == 1 and not ENDED[was] then
      call('HSET', at, 's' .. number, cjson.encode({new, ARGV[n + 2], ARGV[n + 3], now}))
      call('HINCRBY', at, '#' .. was, -1)
      call('HINCRBY', at, '#' .. new, 1)
    end
  end
  return counts(at)
end

function does.stage()
  local at = steps .. ARGV[5]
  if call('EXISTS', at) == 0 then return 0 end
  call('HSET', at, '@stage', ARGV[6], '@told', ARGV[7])
  return 1
end

does['end'] = function()
  local was = state()
  if not was or OVER[was] then return 0 end
  call('HSET', plan, 'state', ARGV[5], 'ended', now)
  call('HDEL', plan, 'maker')
  live(ARGV[6])
  tell('ended')
  return 1
end

function does.get() return call('HMGET', plan, 'p', 'state', 'made', 'begun', 'begun_by', 'ended', 'why') end

function does.heads()
  local found = {}
  for n = 5, #ARGV do
    found[#found + 1] = {call('HGET', plan, 't:' .. ARGV[n]), counts(steps .. ARGV[n])}
  end
  return found
end

function does.forget() return state() and drop(id) and 1 or 0 end

return does[verb]()
