-- Webhooks: what people ask of them, and the steps of the process that delivers. All times are the store's own, so
-- that no process with a wrong clock delivers too early, or beside another.
--
-- KEYS 1 webhooks (set of ids), 2 stream of punches, 3 stream of news, 4 meta
-- ARGV 1-3 prefixes of: webhook, dead letters, dead letters to be sent again; 4 verb, 5 id of the webhook, then
--   "add": most webhooks, place to begin behind or "", fields and values. Answers "full", "known", "added", or "master"
--      when its data key is wrapped by another master key than the one that seals now
--   "look": (id "" is all; writes nothing) answers for each {id, ms that the oldest waits, waiting to be sent again,
--      fields and values}
--   "change": ms that an old secret still signs, fields and values. Answers "changed" or "missing"
--   "delete": answers "deleted" or "missing"
--   "redeliver": most at once, places (none: the oldest). Answers how many, or "missing"
--   The steps below need the lease: they answer "lost" without it, and when the cursor was moved by somebody else.
--   "tend": (no id) holder, life of a lease (ms). Takes and renews leases of all that are to be delivered to. Answers
--      {now (ms), {id, version, ms until the next try, waiting to be sent again} for each that is the holder's}
--   "release": holder
--   "standing": holder. Answers {ms that the old secret still signs, fields and values}; writes nothing
--   "advance": holder, name of the cursor, from, to, messages accepted, status, most dead letters, for each refused
--      one: why (JSON), message. All in one step: a message is either behind the cursor or still to be sent
--   "failed": holder, version it was read with, ms until the next try, status or "", why. Answers "changed" and does
--      nothing when it is another by now: what is wrong may be right again
--   "stop": holder, version, status, why. Answers as "failed"
--   "missed": holder, name of the cursor. Some of what is behind it is gone
--   "again": holder, place, "sent", status; or "refused", status, most dead letters, why (JSON). A dead letter was
--      sent again
local webhooks, punches, news = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[5]
local webhook, dead, again = ARGV[1] .. id, ARGV[2] .. id, ARGV[3] .. id
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local RENEW = 0.6
-- No wait is so long (ms): such a moment was told before the clock went back.
local TOO_LONG = 18000000

local function whole(number) return string.format('%.0f', number) end

local function newest(stream)
  if call('EXISTS', stream) == 0 then return '0-0' end
  local info = call('XINFO', 'STREAM', stream)
  for n = 1, #info, 2 do
    if info[n] == 'last-generated-id' then return info[n + 1] end
  end
end

-- A place that is still to come would be passed over by nobody but this one.
local function beginning(wanted)
  local last = newest(punches)
  if wanted == '' then return last end
  local ms, number = string.match(wanted, '^(%d+)-(%d+)$')
  local last_ms, last_number = string.match(last, '^(%d+)-(%d+)$')
  ms, number, last_ms, last_number = tonumber(ms), tonumber(number), tonumber(last_ms), tonumber(last_number)
  if ms > last_ms or ms == last_ms and number > last_number then return last end
  return wanted
end

local function takes(kinds)
  local some = kinds == ''
  return some or string.find(kinds, 'punch') or string.find(kinds, 'door') or string.find(kinds, 'stranger'),
    some or string.find(kinds, 'terminal')
end

local function waits(stream, cursor)
  local found = call('XRANGE', stream, '(' .. cursor, '+', 'COUNT', 1)[1]
  return found and math.max(0, now - tonumber(string.match(found[1], '^%d+'))) or 0
end

local function look(one)
  local flat = call('HGETALL', ARGV[1] .. one)
  if #flat == 0 then return nil end
  local fields = {}
  for n = 1, #flat, 2 do fields[flat[n]] = flat[n + 1] end
  local wants_punches, wants_news = takes(fields.kinds)
  local behind = wants_punches and waits(punches, fields.punches) or 0
  if wants_news then behind = math.max(behind, waits(news, fields.news)) end
  return {one, whole(behind), whole(call('XLEN', ARGV[3] .. one)), flat}
end

local function left_of(moment, most)
  local left = (tonumber(moment) or 0) - now
  return (left < 0 or left > most) and 0 or left
end

local function is_due(state, holder, until_ms, mine, life)
  return state == 'active' and (not holder or holder == mine or left_of(until_ms, life) == 0)
end

local function is_mine() return call('HGET', webhook, 'holder') == ARGV[6] end

local function is_changed() return call('HGET', webhook, 'version') ~= ARGV[7] end

local function bury(most, why, message)
  call('XADD', dead, 'MAXLEN', most, '*', 'd', why, 'm', message)
  call('HINCRBY', webhook, 'dead', 1)
end

local function accepted(count, status)
  call('HINCRBY', webhook, 'delivered', count)
  call('HSET', webhook, 'last_success', whole(now), 'last_status', status, 'refused', 0)
  call('HDEL', webhook, 'failing_since', 'attempts', 'next_try', 'last_error')
end

local does = {}

function does.add()
  -- the same idempotency key gives the same id
  if call('SISMEMBER', webhooks, id) == 1 then return 'known' end
  if call('SCARD', webhooks) >= tonumber(ARGV[6]) then return 'full' end
  local seals = call('HGET', KEYS[4], 'master_key')
  for n = 8, #ARGV, 2 do
    if ARGV[n] == 'key' and seals and seals ~= string.match(ARGV[n + 1], '^[^:]*') then return 'master' end
  end
  call('HSET', webhook, 'punches', beginning(ARGV[7]), 'news', newest(news), 'state', 'active', 'version', 1,
    'created', whole(now), unpack(ARGV, 8))
  call('SADD', webhooks, id)
  return 'added'
end

function does.look()
  local found = {}
  for _, one in ipairs(id ~= '' and {id} or call('SMEMBERS', webhooks)) do found[#found + 1] = look(one) end
  return found
end

function does.change()
  local before = call('HMGET', webhook, 'kinds', 'secret')
  if not before[1] then return 'missing' end
  local fresh = false
  for n = 7, #ARGV, 2 do
    local field, value = ARGV[n], ARGV[n + 1]
    if field == 'secret' then
      call('HSET', webhook, 'previous', before[2], 'previous_until', whole(now + tonumber(ARGV[6])))
    elseif field == 'kinds' then
      -- what was not asked for until now is not sent from the past
      local had_punches, had_news = takes(before[1])
      local wants_punches, wants_news = takes(value)
      if wants_punches and not had_punches then call('HSET', webhook, 'punches', newest(punches)) end
      if wants_news and not had_news then call('HSET', webhook, 'news', newest(news)) end
    end
    fresh = fresh or field == 'secret' or field == 'url' or field == 'state'
    call('HSET', webhook, field, value)
  end
  if fresh then call('HDEL', webhook, 'attempts', 'next_try') end
  call('HINCRBY', webhook, 'version', 1)
  return 'changed'
end

function does.delete()
  if call('SREM', webhooks, id) == 0 then return 'missing' end
  call('DEL', webhook, dead, again)
  return 'deleted'
end

function does.redeliver()
  if call('EXISTS', webhook) == 0 then return 'missing' end
  local moved = 0
  local function move(entries)
    for _, entry in ipairs(entries) do
      call('XADD', again, '*', unpack(entry[2]))
      call('XDEL', dead, entry[1])
      moved = moved + 1
    end
  end
  for n = 7, #ARGV do move(call('XRANGE', dead, ARGV[n], ARGV[n])) end
  if #ARGV < 7 then move(call('XRANGE', dead, '-', '+', 'COUNT', ARGV[6])) end
  return moved
end

function does.tend()
  local mine, found = ARGV[6], {}
  local life = tonumber(ARGV[7])
  for _, one in ipairs(call('SMEMBERS', webhooks)) do
    local key = ARGV[1] .. one
    local told = call('HMGET', key, 'state', 'holder', 'until', 'version', 'next_try')
    if is_due(told[1], told[2], told[3], mine, life) then
      if told[2] ~= mine or left_of(told[3], life) < life * RENEW then
        call('HSET', key, 'holder', mine, 'until', whole(now + life))
      end
      found[#found + 1] = {one, told[4], whole(left_of(told[5], TOO_LONG)), whole(call('XLEN', ARGV[3] .. one))}
    end
  end
  return {whole(now), found}
end

function does.release()
  if not is_mine() then return 'lost' end
  call('HDEL', webhook, 'holder', 'until')
  return 'ok'
end

function does.standing()
  if not is_mine() then return 'lost' end
  local left = (tonumber(call('HGET', webhook, 'previous_until')) or 0) - now
  return {whole(left), call('HGETALL', webhook)}
end

function does.advance()
  local cursor, from, to, count = ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])
  if not is_mine() then return 'lost' end
  local at = call('HGET', webhook, cursor)
  -- the answer to the same step may have been lost
  if at == to and from ~= to then return 'ok' end
  if at ~= from then return 'lost' end
  local refused = 0
  for n = 13, #ARGV, 2 do
    bury(ARGV[12], ARGV[n], ARGV[n + 1])
    refused = refused + 1
  end
  if refused > 0 then
    call('HINCRBY', webhook, 'refused', refused)
    call('HSET', webhook, 'last_status', ARGV[11])
    call('HDEL', webhook, 'attempts', 'next_try')
  end
  if count > 0 then accepted(count, ARGV[11]) end
  call('HSET', webhook, cursor, to)
  return 'ok'
end

function does.failed()
  if not is_mine() then return 'lost' end
  if is_changed() then return 'changed' end
  call('HINCRBY', webhook, 'attempts', 1)
  call('HSETNX', webhook, 'failing_since', whole(now))
  call('HSET', webhook, 'next_try', whole(now + tonumber(ARGV[8])), 'last_failure', whole(now),
    'last_status', ARGV[9], 'last_error', ARGV[10])
  return 'ok'
end

function does.stop()
  if not is_mine() then return 'lost' end
  if is_changed() then return 'changed' end
  call('HSETNX', webhook, 'failing_since', whole(now))
  call('HSET', webhook, 'state', 'stopped', 'last_failure', whole(now), 'last_status', ARGV[8], 'last_error', ARGV[9])
  call('HDEL', webhook, 'holder', 'until', 'next_try')
  call('HINCRBY', webhook, 'version', 1)
  return 'ok'
end

function does.missed()
  if not is_mine() then return 'lost' end
  call('HSET', webhook, 'missed_' .. ARGV[7], whole(now))
  return 'ok'
end

function does.again()
  if not is_mine() then return 'lost' end
  local entry = call('XRANGE', again, ARGV[7], ARGV[7])[1]
  if not entry then return 'ok' end
  if ARGV[8] == 'sent' then
    accepted(1, ARGV[9])
  else
    bury(ARGV[10], ARGV[11], entry[2][4])
    call('HSET', webhook, 'last_status', ARGV[9])
  end
  call('XDEL', again, ARGV[7])
  return 'ok'
end

return does[ARGV[4]]()
