-- Which life of the store this is. A replica that was promoted, or a server that came back without the fsync of each
-- write, may lack what was acknowledged last: that is a new generation, and it begins before anything else is written.
-- Then the streams leap: every entry from now on gets an id beyond all that the old primary can have given out, so no
-- cursor anywhere stands beyond an entry that is still to come.
--
-- KEYS 1 meta, 2 news, then all streams
-- ARGV 1 replication id or "" when the store does not tell, 2 the one before its promotion or "", 3 id of this run of the
--      server, 4 where it is, as the sentinels say, 5 "1" when each write is synced, 6 the latest moment (ms) that the
--      asking process knows of, 7 the generation that it knows or 0, 8 how far the streams leap (ms), 9 number of
--      replicas that keep up
-- Returns {generation, lineage, "new" if it began now, "due" if one has to begin and can't, now (ms), "1" if there ever was a replica, why it takes no writes or "", how far
-- the streams leapt last or ""}
local meta, news, call = KEYS[1], KEYS[2], redis.call
local replid, before, run, where, known = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[7])
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local told = call('HMGET', meta, 'generation', 'lineage', 'replid', 'run', 'where', 'seen', 'replicated',
  'leapt')
local number, lineage = tonumber(told[1] or 0), told[2] or ''
local replicated = told[7] or (tonumber(ARGV[9]) > 0 and '1' or '')

local function whole(moment) return string.format('%.0f', moment) end

local leapt = told[8] or ''
local function answer(news_of_it, refused)
  return {number, lineage, news_of_it, whole(now), replicated, refused, leapt}
end

-- nil: it is the same store as before
local function why()
  if replid == '' or replid == told[3] then return nil end
  if not told[3] then return 'restored' end
  if before ~= '' then return 'promoted' end
  -- a primary that was alone for long takes a new id by itself
  if run == told[4] then return nil end
  if where ~= told[5] then return 'promoted' end
  if ARGV[5] ~= '1' then return 'restarted' end
end

local reason = number > 0 and why() or number == 0 and known > 0 and 'emptied' or nil
local seen = math.max(now, tonumber(told[6] or 0))
-- also the question whether it takes writes: what is refused here is done the next time
local wrote = redis.pcall('HSET', meta, 'seen', whole(reason and seen or now), 'replicated', replicated)
if type(wrote) == 'table' and wrote.err then return answer(reason and 'due' or '', wrote.err) end

if not reason then
  if number == 0 then
    number, lineage = 1, replid ~= '' and replid or run
    call('HSET', meta, 'generation', number, 'lineage', lineage)
  end
  if replid ~= '' and (replid ~= told[3] or run ~= told[4] or where ~= told[5]) then
    call('HSET', meta, 'replid', replid, 'run', run, 'where', where)
  end
  return answer('', '')
end

local function last_of(stream)
  if call('EXISTS', stream) == 0 then return nil end
  local info = call('XINFO', 'STREAM', stream)
  for n = 1, #info, 2 do
    if info[n] == 'last-generated-id' then return tonumber(string.match(info[n + 1], '^%d+')) end
  end
end

local top, there = math.max(seen, tonumber(ARGV[6])), {}
for n = 3, #KEYS do
  there[n] = last_of(KEYS[n])
  top = math.max(top, there[n] or 0)
end
local place = whole(top + tonumber(ARGV[8])) .. '-0'
for n = 3, #KEYS do
  if there[n] then
    call('XSETID', KEYS[n], place)
  else
    call('XADD', KEYS[n], place, 'v', '1')
    call('XDEL', KEYS[n], place)
  end
end
number, lineage = math.max(number, known) + 1, replid
call('HSET', meta, 'generation', number, 'lineage', lineage, 'replid', replid, 'run', run, 'where', where,
  'since', whole(now), 'leapt', place)
call('XADD', news, 'MAXLEN', '~', 100000, '*', 'd', cjson.encode({event = 'failover', sn = '', site = '', why = reason,
  generation = number, last_seen_ms = tonumber(told[6] or 0)}))
leapt = place
return answer('new', '')
