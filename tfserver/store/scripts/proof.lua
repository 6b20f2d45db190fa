-- Which records of a terminal are proven to be here, and until when all of them are (docs/completeness.md).
--
-- KEYS 1 the terminal; ARGV one of:
--   "doubt", day. From this day of the terminal on records may be missing; an earlier one that stands stays.
--      Answers the day that stands, or "" for a terminal that is not known
--   "prove", connection, day in doubt or "", UTC (ms) and the terminal's day from which on nothing is proven,
--      mark (JSON): what the reading says of completeness (Mark of tfserver/store/completeness.py).
--      Answers 1, or 0 when the lease or the day in doubt is another one by now
--   "hold", connection, why the mark could not be moved. Answers 1, or 0 when the lease is another one by now
--   "forget", UTC (ms). Gaps that end by then are not shown any more. Answers how many, or -1 for an unknown terminal
local MOST_GAPS = 20
local terminal = KEYS[1]
if redis.call('HEXISTS', terminal, 'admission') == 0 then
  return ({doubt = '', forget = -1})[ARGV[1]] or 0
end
local told = redis.call('HMGET', terminal, 'dirty', 'conn')
local dirty = told[1] or ''

-- More than can be kept are not dropped: the two oldest become one.
local function keep(gaps)
  while #gaps > MOST_GAPS do
    local first, second = table.remove(gaps, 1), gaps[1]
    second.from, second.to = math.min(first.from, second.from), math.max(first.to, second.to)
  end
  if #gaps == 0 then
    redis.call('HDEL', terminal, 'gaps')
  else
    redis.call('HSET', terminal, 'gaps', cjson.encode(gaps))
  end
end

local function known_gaps() return cjson.decode(redis.call('HGET', terminal, 'gaps') or '[]') end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function hold(why) redis.call('HSET', terminal, 'held', why) end

-- Why records between the mark before and this reading may have been overwritten or deleted; nil if none can.
local function lost(before, anchor, mark)
  if anchor ~= mark.watched then return nil end
  if anchor ~= '' then return not mark.found and (mark.full and 'full' or 'gone') or nil end
  return mark.full and (mark.oldest == cjson.null or mark.oldest > before) and 'full' or nil
end

local function move(began, mark)
  local had = redis.call('HMGET', terminal, 'until', 'since', 'anchor')
  local before, since = tonumber(had[1] or ''), had[2]
  if not since or mark.since < since then redis.call('HSET', terminal, 'since', mark.since) end
  if before and mark['until'] <= before then return end
  if before then
    local why = lost(before, had[3] or '', mark)
    if why then
      local ends = mark['until']
      if mark.oldest ~= cjson.null and mark.oldest > before then ends = math.min(ends, mark.oldest) end
      local gaps = known_gaps()
      gaps[#gaps + 1] = {from = before, to = ends, at = now(), why = why}
      keep(gaps)
    end
  end
  redis.call('HSET', terminal, 'until', string.format('%.0f', mark['until']), 'whole', began, 'anchor', mark.newest)
  redis.call('HDEL', terminal, 'held')
end

if ARGV[1] == 'doubt' then
  if dirty ~= '' and dirty <= ARGV[2] then return dirty end
  redis.call('HSET', terminal, 'dirty', ARGV[2])
  return ARGV[2]
end

if ARGV[1] == 'forget' then
  local gaps, rest = known_gaps(), {}
  for _, gap in ipairs(gaps) do
    if gap.to > tonumber(ARGV[2]) then rest[#rest + 1] = gap end
  end
  keep(rest)
  return #gaps - #rest
end

if told[2] ~= ARGV[2] then return 0 end
if ARGV[1] == 'hold' then
  hold(ARGV[3])
  return 1
end

if dirty ~= ARGV[3] then return 0 end
redis.call('HSET', terminal, 'proven', ARGV[4], 'proven_day', ARGV[5])
redis.call('HDEL', terminal, 'dirty')
local mark = cjson.decode(ARGV[6])
if mark['until'] ~= cjson.null then move(ARGV[4], mark) elseif mark.why ~= '' then hold(mark.why) end
-- what is about to be deleted is not looked for the next time
if mark.clears then redis.call('HDEL', terminal, 'anchor') end
return 1
