-- Keep the records of several sendlogs: known ones are dropped, new ones enter the stream, bad ones the quarantine.
-- A script has no rollback, so a record that is not in the stream must not stay among the known ones: XADD goes
-- first, SADD next, and all else after them. A failure between them can only lead to a second entry that is
-- refused by nobody but recognised by its uid, never to a lost one.
--
-- KEYS 1 stream of punches, 2 stream of the quarantine, 3 sorted set of last punches, 4 news, 5 how much of the
--      quarantine is whose
-- ARGV 1 life of known punches (s), 2 life of sightings (s), 3 bound of the quarantine, 4 now (ms), 5 "suspect"
--      after this many repeats (repeats fill at most half of the quarantine), 6 life of pictures (s), 7 beginning
--      of the keys of terminals, then for each frame: sn, logindex or "", shape, and
--      shape "", which is one record and nothing else: set of known, set of sightings or "", member, sighting, time,
--        body; nothing is touched
--      any other shape is the number of runs, followed by the number of pictures, the number of bad ones, and
--        for each run: set of known, set of sightings or "", touch or "", number of records (not 0), then all their
--        members (each but once), all sightings, all times, all bodies
--        for each picture: key, picture
--        for each bad one: why, raw
--      touch: let the two lives begin anew if there is something new in the run
-- Returns three numbers for each frame that was not simply new as a whole: its place among the frames (from 1), how
-- many were known, and how many of these are repeats; known is -1 when its bad records find the quarantine full, or
-- the quarter of it that one terminal may fill.
-- Every redis.call costs as much as a short loop: there is none here that an ordinary frame does not need.
local punches, quarantine, punched = KEYS[1], KEYS[2], KEYS[3]
local ARGV, call, unpack = ARGV, redis.call, unpack
local now, last = ARGV[4], #ARGV
local i, frame = 8, 0
local odd, heard = {}, {}
local filled
local most = tonumber(ARGV[3])
local most_of_one = math.max(100, math.floor(most / 4))
local of = {}

local function share(sn)
  of[sn] = of[sn] or tonumber(call('HGET', KEYS[5], sn)) or 0
  return of[sn]
end

local function put_aside(kind, sn, logindex, why, raw)
  call('XADD', quarantine, '*', 'v', '1', 'kind', kind, 'sn', sn, 'logindex', logindex, 'why', why, 'raw', raw)
  filled, of[sn] = filled + 1, call('HINCRBY', KEYS[5], sn, 1)
end

local function freeze(sn, terminal, time)
  -- of one that was deleted half an entry would be left
  if call('HEXISTS', terminal, 'admission') == 0 then return end
  local count = 1
  if call('HGET', terminal, 'frozen_at') == time then
    count = call('HINCRBY', terminal, 'frozen', 1)
  else
    call('HSET', terminal, 'frozen_at', time, 'frozen', 1)
  end
  if count < tonumber(ARGV[5]) then return end
  call('HSET', terminal, 'clock_state', 'suspect')
  if call('HSETNX', terminal, 'clock_alarm', '1') == 1 then
    local told = {event = 'clock', over = false, frozen = true, sn = sn, site = call('HGET', terminal, 'site') or ''}
    call('XADD', KEYS[4], 'MAXLEN', '~', 100000, '*', 'd', cjson.encode(told))
  end
end

-- 1 if a known punch comes under a logindex that it was not yet seen under, else 0.
local function again(sn, logindex, sighted, sighting, time, body)
  if sighted == '' or call('EXISTS', sighted) == 0 or call('SADD', sighted, sighting) == 0 then return 0 end
  filled = filled or call('XLEN', quarantine)
  if filled < most / 2 and share(sn) < most_of_one / 2 then
    put_aside('repeat', sn, logindex, 'the same punch under another logindex', body)
  end
  freeze(sn, ARGV[7] .. sn, time)
  return 1
end

local function note(known, repeats)
  local n = #odd
  odd[n + 1], odd[n + 2], odd[n + 3] = frame, known, repeats
end

-- What is left to do for the run at i when some of it was known: how many were new, and how many repeats.
local function keep_some(sn, logindex, known, sighted, count, found)
  local members, sightings, repeats = {}, {}, 0
  for k = 1, count do
    if found[k] == 0 then
      members[#members + 1], sightings[#sightings + 1] = ARGV[i + k - 1], ARGV[i + count + k - 1]
    end
  end
  if #members > 0 then call('SADD', known, unpack(members)) end
  for k = 1, count do
    if found[k] == 1 then
      local at = i + k - 1
      repeats = repeats + again(sn, logindex, sighted, ARGV[at + count], ARGV[at + 2 * count], ARGV[at + 3 * count])
    end
  end
  if #members > 0 and sighted ~= '' then call('SADD', sighted, unpack(sightings)) end
  return #members, repeats
end

-- The run at i: how many were new, and how many repeats.
local function keep_run(sn, logindex, known, sighted, touch, count)
  local found = call('SMISMEMBER', known, unpack(ARGV, i, i + count - 1))
  local new, repeats = 0, 0
  local bodies = i + 3 * count - 1
  for k = 1, count do
    if found[k] == 0 then
      call('XADD', punches, '*', 'v', '1', 'p', ARGV[bodies + k])
      new = new + 1
    end
  end
  if new == count then
    call('SADD', known, unpack(ARGV, i, i + count - 1))
    if sighted ~= '' then call('SADD', sighted, unpack(ARGV, i + count, i + 2 * count - 1)) end
  else
    new, repeats = keep_some(sn, logindex, known, sighted, count, found)
  end
  if new > 0 and touch ~= '' then
    call('EXPIRE', known, ARGV[1])
    if sighted ~= '' then call('EXPIRE', sighted, ARGV[2]) end
  end
  return new, repeats
end

-- The frame of any shape whose counts stand at i; says whether there was something new, and goes behind it.
local function keep_frame(sn, logindex, runs)
  local pictures, bad = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local news, olds, repeats, full = 0, 0, 0, false
  i = i + 2
  if bad > 0 then
    filled = filled or call('XLEN', quarantine)
    full = filled + bad > most or share(sn) + bad > most_of_one
  end
  for _ = 1, runs do
    local known, sighted, touch, count = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    i = i + 4
    if not full then
      local new, again_here = keep_run(sn, logindex, known, sighted, touch, count)
      news, olds, repeats = news + new, olds + count - new, repeats + again_here
    end
    i = i + 4 * count
  end
  for _ = 1, full and 0 or pictures do
    call('SET', ARGV[i], ARGV[i + 1], 'EX', ARGV[6])
    i = i + 2
  end
  for _ = 1, full and 0 or bad do
    put_aside('record', sn, logindex, ARGV[i], ARGV[i + 1])
    i = i + 2
  end
  if full then
    i = i + 2 * (pictures + bad)
    note(-1, 0)
  elseif olds > 0 then
    note(olds, repeats)
  end
  return news > 0
end

while i < last do
  local sn, logindex, shape = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local new
  frame = frame + 1
  if shape == '' then
    local known, sighted, member = ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
    -- The one place where SADD goes first, to save a look: what can't enter the stream leaves the set again.
    new = call('SADD', known, member) == 1
    if new then
      local entered = redis.pcall('XADD', punches, '*', 'v', '1', 'p', ARGV[i + 8])
      if type(entered) == 'table' then
        call('SREM', known, member)
        call('XADD', punches, '*', 'v', '1', 'p', ARGV[i + 8])
        call('SADD', known, member)
      end
      if sighted ~= '' then call('SADD', sighted, ARGV[i + 6]) end
    else
      note(1, again(sn, logindex, sighted, ARGV[i + 6], ARGV[i + 7], ARGV[i + 8]))
    end
    i = i + 9
  else
    i = i + 3
    new = keep_frame(sn, logindex, tonumber(shape))
  end
  if new then
    local n = #heard
    heard[n + 1], heard[n + 2] = now, sn
  end
end
if #heard > 0 then call('ZADD', punched, unpack(heard)) end
return odd
