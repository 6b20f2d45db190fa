-- The archive's side in the store: whose turn it is, how far it is, and what may go of the stream.
--
-- KEYS 1 hash of the archive, 2 stream of punches · ARGV 1 what to do, then
--   lease    2 holder, 3 id of its database, 4 life (ms): take or prolong the turn
--   release  2 holder: let others take it
--   advance  2 holder, 3 place, 4 entries since the last one: everything up to there is in the archive
--   follow   2 holder, 3 place: the next entry comes behind this place, also in a stream that was lost
--   join     2 holder, 3 place: all up to this place is in the archive, also what the stream lost: it is read there
--   trim     2 holder, 3 hours that the stream keeps, 4 most entries, 5 most to look at, 6 "all": whatever is archived
--   look     where everything stands
-- Returns
--   lease    {said, now (ms), place}: "yours", "taken", or "other": another database takes the punches
--   advance, follow, join  1, or 0 when it is not the holder's turn any more
--   trim     how many entries went, or -1 when it is not the holder's turn any more
--   look     {archive, place, trimmed, now (ms), entries, the last place there was, how many there ever were (0 when
--            the store can't tell), how many of these are archived, the first that is not archived or "",
--            "1" between "follow" and "join"}
-- Nothing leaves the stream that is not archived; what is before the mark "trimmed" may be in the archive only, and
-- the mark is set where the trimming is done.
local archive, punches, call = KEYS[1], KEYS[2], redis.call
local what, holder = ARGV[1], ARGV[2]

local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Places as two numbers: milliseconds and a sequence, both below 2^53.
local function split(place)
  local ms, seq = string.match(place or '0-0', '^(%d+)-(%d+)$')
  return tonumber(ms or 0), tonumber(seq or 0)
end

local function before(a, b)
  local ms, seq = split(a)
  local other_ms, other_seq = split(b)
  return ms < other_ms or (ms == other_ms and seq < other_seq)
end

local function joined(ms, seq)
  return string.format('%.0f-%.0f', ms, seq)
end

local function next_of(place)
  local ms, seq = split(place)
  return joined(ms, seq + 1)
end

local function stream()
  if call('EXISTS', punches) == 0 then return nil end
  local info, found = call('XINFO', 'STREAM', punches), {}
  for n = 1, #info, 2 do found[info[n]] = info[n + 1] end
  return found
end

local function is_mine()
  return call('HGET', archive, 'holder') == holder
end

if what == 'lease' then
  local told = call('HMGET', archive, 'archive', 'holder', 'until', 'place')
  local at = now()
  if told[1] and told[1] ~= ARGV[3] then return { 'other', string.format('%.0f', at), told[4] or '0-0' } end
  local left = told[3] and told[3] - at or 0
  -- more than a whole life is left of it only when the clock went back
  if told[2] and told[2] ~= holder and left > 0 and left <= tonumber(ARGV[4]) then
    return { 'taken', string.format('%.0f', at), told[4] or '0-0' }
  end
  call('HSET', archive, 'archive', ARGV[3], 'holder', holder, 'until', string.format('%.0f', at + ARGV[4]))
  return { 'yours', string.format('%.0f', at), told[4] or '0-0' }
end

if what == 'release' then
  if is_mine() then call('HDEL', archive, 'holder', 'until') end
  return 1
end

if what == 'advance' then
  if not is_mine() then return 0 end
  call('HSET', archive, 'place', ARGV[3])
  -- How many entries there ever were up to this place: known exactly whenever it is the last one.
  local info = stream()
  if info and info['last-generated-id'] == ARGV[3] then
    call('HSET', archive, 'passed', info['entries-added'] or 0)
  else
    call('HINCRBY', archive, 'passed', ARGV[4])
  end
  return 1
end

if what == 'follow' then
  if not is_mine() then return 0 end
  local info = stream()
  if not info then
    call('XADD', punches, ARGV[3], 'v', '1')
    call('XDEL', punches, ARGV[3])
  elseif before(info['last-generated-id'], ARGV[3]) then
    call('XSETID', punches, ARGV[3])
  end
  call('HSET', archive, 'joining', '1')
  return 1
end

if what == 'join' then
  if not is_mine() then return 0 end
  local behind = next_of(ARGV[3])
  if before(call('HGET', archive, 'trimmed') or '0-0', behind) then call('HSET', archive, 'trimmed', behind) end
  call('HDEL', archive, 'joining')
  return 1
end

if what == 'trim' then
  if not is_mine() then return -1 end
  local place = call('HGET', archive, 'place')
  if not place or call('EXISTS', punches) == 0 then return 0 end
  local bound = joined(math.max(0, now() - ARGV[3] * 3600000), 0)
  local excess = call('XLEN', punches) - ARGV[4]
  if ARGV[6] == 'all' then
    bound = next_of(place)
  elseif excess > 0 then
    local some = call('XRANGE', punches, '-', '+', 'COUNT', math.min(excess, tonumber(ARGV[5])))
    local last = #some > 0 and next_of(some[#some][1]) or bound
    if before(bound, last) then bound = last end
  end
  if before(next_of(place), bound) then bound = next_of(place) end
  local trimmed = call('HGET', archive, 'trimmed')
  if not trimmed or before(trimmed, bound) then
    local first = call('XRANGE', punches, '-', '+', 'COUNT', 1)
    if #first == 0 or not before(first[1][1], bound) then return 0 end
    call('HSET', archive, 'trimmed', bound)
  else
    bound = trimmed
  end
  return call('XTRIM', punches, 'MINID', '~', bound, 'LIMIT', ARGV[5])
end

local told = call('HMGET', archive, 'archive', 'place', 'trimmed', 'passed', 'joining')
local place, info = told[2] or '0-0', stream() or {}
local waiting = call('XRANGE', punches, '(' .. place, '+', 'COUNT', 1)[1]
return {
  told[1] or '', place, told[3] or '0-0', string.format('%.0f', now()), info['length'] or 0,
  info['last-generated-id'] or '0-0', info['entries-added'] or 0, tonumber(told[4] or 0), waiting and waiting[1] or '',
  told[5] or '',
}
