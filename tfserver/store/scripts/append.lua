-- Keep the records of several sendlogs: known ones are dropped, new ones enter the stream, bad ones the quarantine.
-- A script has no rollback, so each record goes XADD first and SADD second: a failure between them can only lead
-- to a second entry that is refused by nobody but recognised by its uid, never to a lost one.
--
-- KEYS 1 stream of punches, 2 stream of the quarantine, 3 sorted set of last punches
-- ARGV 1 life of known punches (s), 2 life of sightings (s), 3 bound of the quarantine, 4 now (ms), 5 "suspect"
--      after this many repeats (repeats fill at most half of the quarantine), then for each frame:
--      sn, key of the terminal, known prefix, sighted prefix, logindex or "", number of records, of pictures, of bad
--      for each record: day, member, sighting or "", time, body · for each picture: key, life (s), picture
--      for each bad one: why, raw
-- Returns for each frame {new, known, repeats} or {-1} when its bad records find the quarantine full.
local punches, quarantine, punched = KEYS[1], KEYS[2], KEYS[3]
local life, sight_life, bound, now, frozen_at = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local kept = redis.call('XLEN', quarantine)
local i = 5

local function take()
  i = i + 1
  return ARGV[i]
end

local function freeze(terminal, time)
  local last = redis.call('HGET', terminal, 'frozen_at')
  local count = 1
  if last == time then
    count = redis.call('HINCRBY', terminal, 'frozen', 1)
  else
    redis.call('HSET', terminal, 'frozen_at', time, 'frozen', 1)
  end
  if count >= frozen_at then redis.call('HSET', terminal, 'clock_state', 'suspect') end
end

local results = {}
while i < #ARGV do
  local sn, terminal, known_prefix, sighted_prefix, logindex = take(), take(), take(), take(), take()
  local records, pictures, bad = tonumber(take()), tonumber(take()), tonumber(take())
  if bad > 0 and kept + bad > bound then
    results[#results + 1] = {-1}
    i = i + records * 5 + pictures * 3 + bad * 2
  else
    local new, known, repeats = 0, 0, 0
    local touched = {}
    for _ = 1, records do
      local day, member, sighting, time, body = take(), take(), take(), take(), take()
      local known_key, sighted_key = known_prefix .. day, sighted_prefix .. day
      if redis.call('SISMEMBER', known_key, member) == 0 then
        redis.call('XADD', punches, '*', 'v', '1', 'p', body)
        redis.call('SADD', known_key, member)
        if sighting ~= '' then redis.call('SADD', sighted_key, sighting) end
        touched[day] = true
        new = new + 1
      else
        known = known + 1
        if sighting ~= '' and redis.call('EXISTS', sighted_key) == 1
            and redis.call('SADD', sighted_key, sighting) == 1 then
          repeats = repeats + 1
          if kept < bound / 2 then
            redis.call('XADD', quarantine, '*', 'v', '1', 'kind', 'repeat', 'sn', sn, 'logindex', logindex,
              'why', 'the same punch under another logindex', 'raw', body)
            kept = kept + 1
          end
          freeze(terminal, time)
        end
      end
    end
    for day in pairs(touched) do
      redis.call('EXPIRE', known_prefix .. day, life)
      redis.call('EXPIRE', sighted_prefix .. day, sight_life)
    end
    for _ = 1, pictures do
      local key, seconds, picture = take(), take(), take()
      redis.call('SET', key, picture, 'EX', seconds)
    end
    for _ = 1, bad do
      local why, raw = take(), take()
      redis.call('XADD', quarantine, '*', 'v', '1', 'kind', 'record', 'sn', sn, 'logindex', logindex,
        'why', why, 'raw', raw)
      kept = kept + 1
    end
    if new > 0 then redis.call('ZADD', punched, now, sn) end
    results[#results + 1] = {new, known, repeats}
  end
end
return results
