-- Do what one process asks of the registry in one turn, in the order it asks; a mistake in one harms no other.
-- A script has no rollback: who loses a lease is noted before the lease moves.
--
-- KEYS 1 pending, 2 claimants, 3 all terminals, 4 events, 5 news
-- ARGV 1 prefix of terminals, 2 prefix of the sets of lost leases, 3 their life (s), 4 prefix of wake-up channels,
--      5 owner, 6 bound of pending, 7 bound of claimants, 8 prefix of queues, 9 prefix of due terminals, 10 prefix
--      of heartbeats, 11 channel of all processes, 12 how long twins are held at first (s), 13 sites whose
--      terminals come from known networks, each between two line ends, 14 prefix of errands, 15 prefix of who does
--      them, then for each question one of:
--   "claim", sn (canonical), sn as sent, cpusn, mac, devinfo (JSON), now (ms), "1" to approve unknown ones,
--      connection id, clock ahead of UTC (ms) or "", address, timeline (JSON) and echoed offset or "" for a clock
--      of which nothing is known, how full its memory of logs is (%) or "", those sites whose networks the address
--      is in, hash of the secret path it said or "", what it says it is (JSON, names and texts) or "". Admits a terminal and, when it is approved, gives its lease to
--      this connection: the newest admitted one wins. Answers {"approved", site, timezone, profile, clock, echoed offset, "1" when
--      the clock is the one sent, "1" when orders wait, dirty since, disabled since,
--      rule of direction (JSON)} or {"pending"|"denied"|"quarantined"|"full"|"elsewhere"|"path"} or, while another device holds the
--      lease that took it in turns with this one, {"held", where that is, for how long (s), 1 when that begins}
--   "clock", sn, timeline (JSON), echoed offset or "". Answers 1, or 0 when there is no such terminal
--   "disable", sn, now (ms). People may not be able to use it; an earlier moment stays. Answers as clock
--   "bury", owner that is gone, cursor among all terminals, how many. What it held is given back. Answers the next
--      cursor, "" at the end
--   "release", sn, connection id. Gives a lease back. Answers 1, or 0 when it was not this connection's any more
-- Returns an answer each; {"failed", error} for one that could not be done.
local pending, claimants, terminals, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local terminal_of, lost_of, lost_life, wake_of, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local most_pending, most_claimants = tonumber(ARGV[6]), tonumber(ARGV[7])
local queue_of, due_of, news = ARGV[8], ARGV[9], KEYS[5]
local alive_of, everybody, twins_seconds = ARGV[10], ARGV[11], tonumber(ARGV[12])
local FULL, FAST, RETURNS, MOST_SEEN, A_MINUTE, AN_HOUR = 80, 120000, 2, 8, 60000, 3600
local AT_HOME, sites, errands_of, errand_holders_of, TELL_AGAIN = 600000, ARGV[13], ARGV[14], ARGV[15], 600000
local losers, MOST_CHANGES = {}, 20

local function tell(sn, event)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'kind', 'terminal', 'd',
    cjson.encode({sn = sn, event = event}))
end

-- What webhooks tell of: bounded apart from the events, of which orders make many.
local function report(sn, site, event, more)
  local told = more or {}
  told.event, told.sn, told.site = event, sn, site or ''
  redis.call('XADD', news, 'MAXLEN', '~', 100000, '*', 'd', cjson.encode(told))
end

-- Say once when something begins, and once when it is over.
local function watch(key, sn, site, event, is_on, was_on, more)
  if is_on == (was_on and true or false) then return end
  if is_on then redis.call('HSET', key, event .. '_alarm', '1') else redis.call('HDEL', key, event .. '_alarm') end
  more.over = not is_on
  report(sn, site, event, more)
end

local function is_alive(process) return process and redis.call('EXISTS', alive_of .. process) == 1 end

-- Where a claim comes from: its address, and its identity where that is not what is pinned.
local function source_of(address, cpusn, mac, pinned_cpusn, pinned_mac)
  local source = address
  if pinned_cpusn ~= '' and cpusn ~= pinned_cpusn then source = source .. ' cpusn ' .. cpusn end
  if pinned_mac ~= '' and mac ~= pinned_mac then source = source .. ' mac ' .. mac end
  return source
end

-- How often within a minute the lease came back to a source that had lost it; whose link only breaks comes from
-- where it was, and never gets here.
local function count_return(key, kept, holder, source, now)
  local swaps = kept and cjson.decode(kept)
  if not swaps or now - swaps.since > A_MINUTE then
    swaps = {since = now, returns = 0, seen = {[holder] = 1}, many = 1}
  end
  if swaps.seen[source] then
    swaps.returns = swaps.returns + 1
  elseif swaps.many < MOST_SEEN then
    swaps.seen[source], swaps.many = 1, swaps.many + 1
  end
  redis.call('HSET', key, 'swaps', cjson.encode(swaps))
  return swaps.returns
end

-- Where a terminal was connected for long, and in peace, is its home. Strangers that take the lease in turns never are, for it comes
-- back within seconds.
local function home_of(key, told, holder, now)
  local since = tonumber(told[26])
  if told[20] or not since or now - since < AT_HOME or told[25] == holder then return told[25] end
  redis.call('HSET', key, 'home', holder)
  return holder
end

-- Two devices under one number would take the lease from each other for ever: the one that has it keeps it for a
-- while, unless the other is at home. Its process looks whether it is still there, so that a dead link keeps nobody
-- out.
local function hold(key, sn, told, source, now)
  local holder, owner = told[19], told[10]
  if not told[9] or not holder or holder == source or not is_alive(owner) then return nil end
  local is_home = home_of(key, told, holder, now) == source
  local twins, is_new = told[20] and cjson.decode(told[20]), 0
  if twins and now >= twins['until'] + math.max(1000 * twins.seconds, A_MINUTE) then
    redis.call('HDEL', key, 'twins')
    twins = nil
  end
  if not twins or now >= twins['until'] then
    local returns = count_return(key, told[21], holder, source, now)
    if is_home or returns < (twins and 1 or RETURNS) then return nil end
    local seconds = twins and math.min(2 * twins.seconds, math.max(AN_HOUR, twins_seconds)) or twins_seconds
    twins = {sources = {holder, source}, seconds = seconds, ['until'] = now + 1000 * seconds}
    redis.call('HDEL', key, 'swaps')
    redis.call('HSET', key, 'twins', cjson.encode(twins))
    report(sn, told[4], 'twins', {sources = twins.sources, seconds = seconds})
    is_new = 1
  elseif is_home then
    return nil
  end
  redis.pcall('PUBLISH', wake_of .. owner, 'held ' .. sn)
  return {'held', holder, math.ceil((twins['until'] - now) / 1000), is_new}
end

-- By how much its clock is off, against the offset that it ran at last.
local function drift_of(clock, now, ahead)
  if not clock or clock == '' or ahead == '' then return nil end
  local offset
  for _, entry in ipairs(cjson.decode(clock)) do
    if entry[1] < tonumber(now) then offset = entry[2] end
  end
  return offset and tonumber(ahead) - offset * 1000
end

local function look_at(key, sn, told, now, ahead, full)
  local drift = drift_of(told[7], now, ahead)
  if drift then
    watch(key, sn, told[4], 'clock', math.abs(drift) >= FAST, told[17], {offset_ms = drift})
  end
  if full ~= '' then
    local more = {kind = 'log', level = FULL, percent = tonumber(full)}
    watch(key, sn, told[4], 'full', more.percent >= FULL, told[18], more)
  end
end

local function is_other(pinned_cpusn, pinned_mac, cpusn, mac)
  if pinned_cpusn == '' and pinned_mac == '' then return false end
  local same_cpusn, same_mac = pinned_cpusn == cpusn, pinned_mac == mac
  if not same_cpusn and pinned_cpusn ~= '' and cpusn ~= '' then return true end
  if not same_mac and pinned_mac ~= '' and mac ~= '' then return true end
  return not (same_cpusn and cpusn ~= '') and not (same_mac and mac ~= '')
end

local function is_among(site, listed) return string.find(listed, '\n' .. site .. '\n', 1, true) ~= nil end

-- Why this can't be the terminal, whatever it says. Both hashes are of what nobody can choose freely, and Lua
-- compares texts by their place in memory: how long it takes tells nothing.
local function stray_of(site, path, here, said)
  if is_among(site, sites) and not is_among(site, here) then return 'elsewhere' end
  if path and path ~= '' and path ~= said then return 'path' end
end

-- It comes again and again, and is told of once in a while. Nothing is kept of one that nobody knows.
local function turn_away(key, sn, told, why, address, now)
  if told[1] and math.abs(now - (tonumber(told[23]) or 0)) > TELL_AGAIN then
    redis.call('HSET', key, 'strayed_at', now)
    tell(sn, why)
    report(sn, told[4], why, {address = address})
  end
  return {why}
end

local function quarantine(sn, cpusn, mac, address, now, devinfo)
  local field = sn .. '|' .. cpusn .. '|' .. mac
  if redis.call('HEXISTS', claimants, field) == 0 and redis.call('HLEN', claimants) >= most_claimants then
    return {'full'}
  end
  redis.call('HSET', claimants, field, '{"sn":' .. cjson.encode(sn) .. ',"cpusn":' .. cjson.encode(cpusn)
    .. ',"mac":' .. cjson.encode(mac) .. ',"address":' .. cjson.encode(address) .. ',"last":' .. now
    .. ',"devinfo":' .. devinfo .. '}')
  return {'quarantined'}
end

local function note_loss(loser, connection, sn)
  redis.call('SADD', lost_of .. loser, connection .. ' ' .. sn)
  if not losers[loser] then redis.call('EXPIRE', lost_of .. loser, lost_life) end
  losers[loser] = true
end

local function set(fields, name, value)
  local n = #fields
  fields[n + 1], fields[n + 2] = name, value
end

-- Errands that wait for a terminal are due as soon as it is there (errands.lua): one "kind name" in a line.
local function begin_errands(key, awaited)
  local told = {}
  for kind, name in string.gmatch(awaited, '(%S+) ([^\n]+)') do
    if redis.call('HEXISTS', errand_holders_of .. kind, name) == 1 then
      redis.call('HSET', errand_holders_of .. kind, '+' .. name, 0)
    else
      redis.call('ZADD', errands_of .. kind, 'XX', 0, name)
    end
    told[kind] = true
  end
  redis.call('HDEL', key, 'awaited')
  for kind in pairs(told) do redis.pcall('PUBLISH', everybody, 'errand ' .. kind) end
end

-- What it says it is, whatever its memory and its clock: what became different is kept, the newest last.
local function note_changes(key, before, says, now)
  local was, is, kept = cjson.decode(before), cjson.decode(says), redis.call('HGET', key, 'changes')
  local changes, names = kept and cjson.decode(kept) or {}, {}
  for name in pairs(is) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if was[name] and was[name] ~= is[name] then
      changes[#changes + 1] = {at = now, name = name, before = was[name], after = is[name]}
    end
  end
  while #changes > MOST_CHANGES do table.remove(changes, 1) end
  if #changes > 0 then redis.call('HSET', key, 'changes', cjson.encode(changes)) end
end

local function claim(at)
  local sn, cpusn, mac, devinfo, now = ARGV[at], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local auto, connection, key = ARGV[at + 6] == '1', ARGV[at + 7], terminal_of .. sn
  local told = redis.call('HMGET', key, 'admission', 'cpusn', 'mac', 'site', 'timezone', 'model_profile', 'clock',
    'echo', 'conn', 'owner', 'clock_state', 'frozen_at', 'sn', 'dirty', 'disabled', 'direction',
    'clock_alarm', 'full_alarm', 'source', 'twins', 'swaps', 'path', 'strayed_at', 'awaited', 'home', 'connected_at',
    'says')
  local stray = stray_of(told[4] or '', told[22], ARGV[at + 13], ARGV[at + 14])
  if stray then return turn_away(key, sn, told, stray, ARGV[at + 9], tonumber(now)) end
  local admission, pinned_cpusn, pinned_mac, known = told[1], told[2] or '', told[3] or '', told[1]
  if not known then
    if not auto and redis.call('ZCARD', pending) >= most_pending then return {'full'} end
    admission = auto and 'approved' or 'pending'
  elseif is_other(pinned_cpusn, pinned_mac, cpusn, mac) then
    return quarantine(sn, cpusn, mac, ARGV[at + 9], now, devinfo)
  elseif known == 'pending' and auto then
    admission = 'approved'
  end

  local source = source_of(ARGV[at + 9], cpusn, mac, pinned_cpusn, pinned_mac)
  if admission == 'approved' and told[9] ~= connection then
    local held = hold(key, sn, told, source, tonumber(now))
    if held then return held end
  end

  local fields = {'devinfo', devinfo, 'reg_at', now, 'ahead', ARGV[at + 8]}
  if told[13] ~= ARGV[at + 1] then set(fields, 'sn', ARGV[at + 1]) end
  local says = ARGV[at + 15]
  if says ~= '' and says ~= told[27] then
    if told[27] then note_changes(key, told[27], says, tonumber(now)) end
    set(fields, 'says', says)
  end
  if admission ~= known then set(fields, 'admission', admission) end
  if not known then set(fields, 'first_seen', now) end
  -- of one that was approved though it told nothing, whoever comes next and tells something may be another: pinned
  -- by that, it would keep the true one out for ever. One that people forget is pinned when it comes anew
  if known ~= 'approved' or pinned_cpusn ~= '' or pinned_mac ~= '' then
    if cpusn ~= '' and pinned_cpusn == '' then set(fields, 'cpusn', cpusn) end
    if mac ~= '' and pinned_mac == '' then set(fields, 'mac', mac) end
  end
  local clock, echo, is_first = told[7] or '', told[8] or '', ''
  if admission == 'approved' then
    if clock == '' and echo == '' and (told[5] or '') == '' and ARGV[at + 10] ~= '' then
      clock, echo, is_first = ARGV[at + 10], ARGV[at + 11], '1'
      set(fields, 'clock', clock)
      if echo ~= '' then set(fields, 'echo', echo) end
    end
    if told[9] ~= connection then
      set(fields, 'connected_at', now)
      set(fields, 'conn', connection)
      if told[9] then note_loss(told[10] or '', told[9], sn) end
    end
    if told[10] ~= owner then set(fields, 'owner', owner) end
    if told[19] ~= source then set(fields, 'source', source) end
  end

  redis.call('HSET', key, unpack(fields))
  if told[11] or told[12] then redis.call('HDEL', key, 'clock_state', 'frozen', 'frozen_at') end
  if not known then redis.call('ZADD', terminals, 0, sn) end
  if admission == 'pending' and not known then redis.call('ZADD', pending, now, sn) end
  if admission ~= known and known then redis.call('ZREM', pending, sn) end
  if not known then
    tell(sn, admission)
    if admission == 'pending' then report(sn, '', 'pending') end
  end
  if admission ~= 'approved' then return {admission} end
  if told[9] ~= connection then tell(sn, 'online') end
  if not told[9] then report(sn, told[4], 'up') end
  if told[24] then begin_errands(key, told[24]) end
  look_at(key, sn, told, now, ARGV[at + 8], ARGV[at + 12])
  local waits = redis.call('EXISTS', queue_of .. sn)
  if waits == 1 then
    redis.call('SADD', due_of .. owner, sn)
    redis.call('EXPIRE', due_of .. owner, 86400)
  end
  return {admission, told[4] or '', told[5] or '', told[6] or '', clock, echo, is_first, waits, told[14] or '',
    told[15] or '', told[16] or ''}
end

-- Of a terminal that was deleted nothing is kept: half an entry would be one that nobody admitted.
local function is_known(key) return redis.call('HEXISTS', key, 'admission') == 1 end

local function set_clock(at)
  local key, echo = terminal_of .. ARGV[at], ARGV[at + 2]
  if not is_known(key) then return 0 end
  if echo == '' then
    redis.call('HSET', key, 'clock', ARGV[at + 1])
  else
    redis.call('HSET', key, 'clock', ARGV[at + 1], 'echo', echo)
  end
  return 1
end

local function disable(at)
  local key = terminal_of .. ARGV[at]
  if not is_known(key) then return 0 end
  redis.call('HSETNX', key, 'disabled', ARGV[at + 1])
  return 1
end

local function let_go(key, sn)
  redis.call('HDEL', key, 'conn', 'owner', 'connected_at', 'busy')
  tell(sn, 'offline')
  report(sn, redis.call('HGET', key, 'site'), 'down')
  -- whoever was kept out for its sake may come at once
  if redis.call('HEXISTS', key, 'twins') == 1 then redis.pcall('PUBLISH', everybody, 'again ' .. sn) end
end

local function release(at)
  local key = terminal_of .. ARGV[at]
  if redis.call('HGET', key, 'conn') ~= ARGV[at + 1] then return 0 end
  let_go(key, ARGV[at])
  return 1
end

-- A process that is gone gives nothing back: somebody else says that its terminals are offline.
local function bury(at)
  local gone, many = ARGV[at], tonumber(ARGV[at + 2])
  -- it may have come back meanwhile, and hold new ones
  if is_alive(gone) then return '' end
  local page = redis.call('ZRANGE', terminals, '(' .. ARGV[at + 1], '+', 'BYLEX', 'LIMIT', 0, many)
  for _, sn in ipairs(page) do
    local held = redis.call('HMGET', terminal_of .. sn, 'owner', 'conn')
    if held[1] == gone then
      -- it may only have been paused, and has to learn that it lost them
      if held[2] then note_loss(gone, held[2], sn) end
      let_go(terminal_of .. sn, sn)
    end
  end
  return #page == many and page[many] or ''
end

local does = {bury = bury, claim = claim, clock = set_clock, disable = disable, release = release}
local length = {bury = 3, claim = 16, clock = 3, disable = 2, release = 2}
local answers, at = {}, 16
while at <= #ARGV do
  local kind = ARGV[at]
  local done, answer = pcall(does[kind], at + 1)
  if not done then
    local text = type(answer) == 'table' and answer.err or tostring(answer)
    answer = {'failed', (string.gsub(text, '^@?user_script: ?%d+: ?%-?', ''))}
  end
  answers[#answers + 1] = answer
  at = at + 1 + length[kind]
end
-- only a hint: whoever may not publish has said it in the set
for loser in pairs(losers) do redis.pcall('PUBLISH', wake_of .. loser, 'lease') end
return answers
