-- Admit a terminal and, when it is approved, give its lease to this connection: the newest admitted one wins.
--
-- KEYS 1 terminal, 2 pending, 3 claimants, 4 all terminals
-- ARGV 1 sn (canonical), 2 sn as sent, 3 cpusn, 4 mac, 5 devinfo (JSON), 6 now (ms), 7 "1" to approve unknown ones,
--      8 bound of pending, 9 field of the claimant, 10 claimant (JSON), 11 bound of claimants, 12 connection id,
--      13 owner, 14 prefix of wake-up channels, 15 clock ahead of UTC (ms) or ""
-- Returns {"approved"|"pending"|"denied"|"quarantined"|"full", site, timezone, profile, clock, echoed offset,
--          previous connection, previous owner}
local terminal, pending, claimants, terminals = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sn, cpusn, mac, now = ARGV[1], ARGV[3], ARGV[4], ARGV[6]
local auto = ARGV[7] == '1'
local admission = redis.call('HGET', terminal, 'admission')

local function differs(pinned, told)
  return pinned ~= '' and told ~= '' and pinned ~= told
end

local function is_other()
  local pins = redis.call('HMGET', terminal, 'cpusn', 'mac')
  local pinned_cpusn, pinned_mac = pins[1] or '', pins[2] or ''
  if pinned_cpusn == '' and pinned_mac == '' then return false end
  if differs(pinned_cpusn, cpusn) or differs(pinned_mac, mac) then return true end
  local same = (pinned_cpusn ~= '' and pinned_cpusn == cpusn) or (pinned_mac ~= '' and pinned_mac == mac)
  return not same
end

if not admission then
  if not auto and redis.call('ZCARD', pending) >= tonumber(ARGV[8]) then return {'full'} end
  admission = auto and 'approved' or 'pending'
  redis.call('HSET', terminal, 'admission', admission, 'first_seen', now)
  redis.call('ZADD', terminals, 0, sn)
  if not auto then redis.call('ZADD', pending, now, sn) end
elseif is_other() then
  if redis.call('HEXISTS', claimants, ARGV[9]) == 0
      and redis.call('HLEN', claimants) >= tonumber(ARGV[11]) then return {'full'} end
  redis.call('HSET', claimants, ARGV[9], ARGV[10])
  return {'quarantined'}
elseif admission == 'pending' and auto then
  admission = 'approved'
  redis.call('HSET', terminal, 'admission', admission)
  redis.call('ZREM', pending, sn)
end

if cpusn ~= '' then redis.call('HSET', terminal, 'cpusn', cpusn) end
if mac ~= '' then redis.call('HSET', terminal, 'mac', mac) end
redis.call('HSET', terminal, 'sn', ARGV[2], 'devinfo', ARGV[5], 'reg_at', now, 'ahead', ARGV[15])
redis.call('HDEL', terminal, 'clock_state', 'frozen', 'frozen_at')
if admission ~= 'approved' then return {admission} end

local found = redis.call('HMGET', terminal, 'site', 'timezone', 'model_profile', 'clock', 'echo', 'conn', 'owner')
redis.call('HSET', terminal, 'conn', ARGV[12], 'owner', ARGV[13])
if found[6] ~= ARGV[12] then
  redis.call('HSET', terminal, 'connected_at', now)
  if found[6] then redis.call('PUBLISH', ARGV[14] .. (found[7] or ''), 'lease ' .. sn) end
end
for n = 1, 7 do found[n] = found[n] or '' end
return {admission, unpack(found)}
