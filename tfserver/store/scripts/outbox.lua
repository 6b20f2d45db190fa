-- Orders: what is asked of them in one turn, in the order it is asked; a mistake in one harms no other.
-- All times are the store's own, so that no process with a wrong clock ends or keeps an order wrongly.
--
-- KEYS 1 deadlines, 2 sequence, 3 events, 4 audit
-- ARGV 1-10 prefixes of: order, orders of a terminal, queue of a terminal, terminal, heartbeat, due terminals of a
--      process, wake-up channel, user, sealed values, idempotency keys
--      11 owner, 12 most open orders of a terminal, 13 most ended ones, 14 life of an ended one (ms),
--      15 most attempts, then for each question one of:
--   "put", id, sn, cmd, args, shown args, danger, subject, ttl (ms), within (ms), actor, person, wrapped data key or
--      "", name of sealed value or "", sealed value, idempotency key or "", digest, "1" when logs must be proven,
--      when it is over (ms) if that was counted from an earlier moment, else 0, "1" if this process wants to hear of
--      its end. Answers {"put", id, created, expires (ms)} {"again", id} or
--      {"reused"|"unknown"|"not approved"|"offline"|"full"|"dirty"|"rekey"|"late", …}
--   "group", sn, how many, backfill, JSON, list of backfills, name there, life (ms), most listed, idempotency key or
--      "", digest. The "put"s behind it in this call are the orders of one backfill: all of them are made or none.
--      Answers as put, with the id that the backfill has in its name
--   "take", sn, connection, "1" for doors only, number of this call among those of the connection or 0, ids of the
--      orders that it knows to have. What an earlier call handed over beside them was never said: nobody heard of it.
--      Answers {"order", id, cmd, args, ms left, attempts, danger, name of sealed value or "", wrapped data key, sealed
--      value} {"later"} {"none"} or {"stale"} when the lease is another's
--   "finish", id, connection, state, reply, error, "1" if it was certainly not sent, "1" to take the next, sn, number
--      and ids as for take. Answers as take, or {"none"}; what another has ended stays as it is
--   "progress", id, connection, reply. It goes on: its deadline moves. Answers {"1"} or {"0"}
--   "cancel", id, actor. Answers {"was", state before} or {"missing"}
--   "sweep", how many. Ends or puts back what is past its deadline. Answers {how many}
local deadlines, sequence, events, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local order_of, orders_of, queue_of, terminal_of, alive_of = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local due_of, wake_of, user_of, sealed_of, key_of = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local owner, most_open, most_ended = ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13])
local ended_life, most_attempts = tonumber(ARGV[14]), tonumber(ARGV[15])
local GRACE, FIRST_BACKOFF, KEY_LIFE = 5000, 5000, 86400
-- before a command whose late reply may still come, another one is said and waited for (wire/exchange.py)
local FENCE, AGAIN = 20000, 10000
local EVENTS, AUDITED, DUE_LIFE = 10000, 100000, 86400
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function whole(number) return string.format('%.0f', number) end

local function tell(id, sn, cmd, state)
  redis.call('XADD', events, 'MAXLEN', '~', EVENTS, '*', 'kind', 'command', 'd',
    cjson.encode({id = id, sn = sn, cmd = cmd, state = state}))
end

local function due(sn, found)
  if found and redis.call('SADD', due_of .. found, sn) == 1 then redis.call('EXPIRE', due_of .. found, DUE_LIFE) end
end

local function forget_old(sn)
  local orders, queue = orders_of .. sn, queue_of .. sn
  local over = redis.call('ZCARD', orders) - most_ended
  if over <= 0 then return end
  over = over - redis.call('ZCARD', queue)
  for _, id in ipairs(redis.call('ZRANGE', orders, 0, over + 20)) do
    if over <= 0 then return end
    if not redis.call('ZSCORE', queue, id) then
      redis.call('ZREM', orders, id)
      redis.call('DEL', order_of .. id)
      over = over - 1
    end
  end
end

-- What an order of a backfill brought is kept with it: orders are forgotten earlier.
local function count(backfill, state, reply)
  if redis.call('EXISTS', backfill) == 0 then return end
  local is_read, told = pcall(cjson.decode, reply)
  if not is_read or type(told) ~= 'table' then told = {} end
  redis.call('HINCRBY', backfill, 'done', 1)
  redis.call('HINCRBY', backfill, 'records', whole(tonumber(told.records) or 0))
  redis.call('HINCRBY', backfill, 'new', whole(tonumber(told.new) or 0))
  if state ~= 'done' or told.complete ~= true then redis.call('HINCRBY', backfill, 'failed', 1) end
end

local function finish(id, sn, state, reply, why)
  local told = redis.call('HMGET', order_of .. id, 'cmd', 'actor', 'asker', 'backfill')
  if told[4] then count(told[4], state, reply) end
  redis.call('HSET', order_of .. id, 'state', state, 'finished', now, 'reply', reply, 'error', why)
  redis.call('PEXPIRE', order_of .. id, whole(ended_life))
  redis.call('ZREM', queue_of .. sn, id)
  redis.call('ZREM', deadlines, id)
  forget_old(sn)
  tell(id, sn, told[1], state)
  redis.call('XADD', audit, 'MAXLEN', '~', AUDITED, '*', 'a', cjson.encode({
    at = now, actor = told[2], what = told[1], sn = sn, outcome = state, detail = {order = id}}))
  if told[3] ~= '' then redis.pcall('PUBLISH', wake_of .. told[3], 'ended ' .. id) end
end

local function put_back(id, sn, attempts, why)
  local wait = why == '' and 0 or FIRST_BACKOFF * 4 ^ (attempts - 1)
  local expires = redis.call('HGET', order_of .. id, 'expires')
  redis.call('HSET', order_of .. id, 'state', 'queued', 'ready', whole(now + wait), 'attempts', attempts)
  if why ~= '' then redis.call('HSET', order_of .. id, 'error', why) end
  redis.call('HDEL', order_of .. id, 'conn')
  if attempts == 0 then redis.call('HDEL', order_of .. id, 'sent') end
  redis.call('ZADD', deadlines, expires, id)
  local cmd = redis.call('HGET', order_of .. id, 'cmd')
  tell(id, sn, cmd, 'queued')
  -- nobody is woken: who can't say it now would get it again at once, and again
  due(sn, redis.call('HGET', terminal_of .. sn, 'owner'))
end

-- It was not sent, and will not be; was it sent before, nobody learned what came of that.
local function unsent(id, sn, earlier, state, why)
  if earlier > 0 then
    finish(id, sn, 'unknown', '', redis.call('HGET', order_of .. id, 'error') or '')
  else
    finish(id, sn, state, '', why)
  end
end

local WAITED = '{"message":"it waited until its seconds were over"}'

-- Sent, and what came of it was not learned: only what is harmless is tried again.
local function unlearned(id, sn, why)
  local told = redis.call('HMGET', order_of .. id, 'danger', 'attempts', 'expires')
  local attempts = tonumber(told[2])
  if told[1] == 'ordinary' and attempts < most_attempts and now < tonumber(told[3]) then
    put_back(id, sn, attempts, why)
  else
    finish(id, sn, 'unknown', '', why)
  end
end

local LOST = '{"message":"the process or the connection that sent it is gone, and no answer was seen"}'

local function sealed_value(person, name)
  if not name or name == '' then return '', '' end
  return redis.call('HGET', user_of .. person, 'key') or '', redis.call('GET', sealed_of .. name) or ''
end

local function asked_before(key, digest)
  local known = key ~= '' and redis.call('GET', key_of .. key)
  if not known then return nil end
  local seen, of = string.match(known, '^(%S+) (%S+)$')
  return seen == digest and {'again', of} or {'reused'}
end

-- of the backfill whose orders are put: why not, and where it is kept
local refused, backfill

local function put(at)
  if refused then return refused end
  local id, sn, cmd, danger = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 5]
  local ttl, person, wrapped, name = tonumber(ARGV[at + 7]), ARGV[at + 10], ARGV[at + 11], ARGV[at + 12]
  local key, digest, expires = ARGV[at + 14], ARGV[at + 15], tonumber(ARGV[at + 17])
  local again = asked_before(key, digest)
  if again then return again end
  if expires == 0 then expires = now + ttl end
  if now >= expires then return {'late'} end
  local told = redis.call('HMGET', terminal_of .. sn, 'admission', 'conn', 'owner', 'dirty', 'busy')
  if not told[1] then return {'unknown'} end
  if told[1] ~= 'approved' then return {'not approved', told[1]} end
  local is_online = told[2] and redis.call('EXISTS', alive_of .. (told[3] or '')) == 1
  if danger == 'door' and not is_online then return {'offline'} end
  if ARGV[at + 16] == '1' and told[4] then return {'dirty', told[4]} end
  if redis.call('ZCARD', queue_of .. sn) >= most_open then return {'full'} end
  if name ~= '' then
    redis.call('HSETNX', user_of .. person, 'key', wrapped)
    if redis.call('HGET', user_of .. person, 'key') ~= wrapped then return {'rekey'} end
    -- also over one that is there: it may be sealed under a data key that was forgotten
    local life = math.max(redis.call('PTTL', sealed_of .. name), ttl + 86400000)
    redis.call('SET', sealed_of .. name, ARGV[at + 13], 'PX', whole(life))
  end

  local number = redis.call('INCR', sequence)
  redis.call('HSET', order_of .. id, 'sn', sn, 'cmd', cmd, 'args', ARGV[at + 3], 'shown', ARGV[at + 4],
    'danger', danger, 'subject', ARGV[at + 6], 'within', ARGV[at + 8], 'actor', ARGV[at + 9],
    'asker', ARGV[at + 18] == '1' and owner or '',
    'person', person, 'sealed', name, 'state', 'queued', 'created', now, 'expires', whole(expires), 'ready', now,
    'attempts', 0, 'number', number)
  if backfill then redis.call('HSET', order_of .. id, 'backfill', backfill) end
  -- so far beyond its expiry that a process that is paused can't lose its end
  redis.call('PEXPIRE', order_of .. id, whole(ttl + ended_life + 86400000))
  redis.call('ZADD', queue_of .. sn, danger == 'door' and number - 1e15 or number, id)
  redis.call('ZADD', orders_of .. sn, number, id)
  redis.call('PEXPIRE', orders_of .. sn, whole(ended_life + 8 * 86400000))
  redis.call('ZADD', deadlines, whole(expires), id)
  if key ~= '' then redis.call('SET', key_of .. key, digest .. ' ' .. id, 'EX', KEY_LIFE) end
  tell(id, sn, cmd, 'queued')
  due(sn, told[3])
  local is_door = danger == 'door'
  -- only a hint: every process sweeps its own. Who has an order in hand comes for the next by itself.
  if told[3] and (is_door or not told[2] or told[5] ~= told[2]) then
    redis.pcall('PUBLISH', wake_of .. told[3], (is_door and 'door ' or 'order ') .. sn)
  end
  return {'put', id, now, whole(expires)}
end

local function is_blocked(blocked, subject)
  if subject == '' then return false end
  if blocked[subject] then return true end
  if subject == 'users' then return blocked.somebody end
  return blocked.users and string.sub(subject, 1, 5) == 'user '
end

local function block(blocked, subject)
  if subject == '' then return end
  blocked[subject] = true
  if subject == 'users' or string.sub(subject, 1, 5) == 'user ' then blocked.somebody = true end
end

local function looked_up(id)
  return redis.call('HMGET', order_of .. id, 'state', 'danger', 'subject', 'expires', 'ready', 'conn', 'attempts',
    'cmd', 'within', 'person', 'sealed', 'sn', 'call')
end

local function hand_over(id, told, connection, call)
  local left = tonumber(told[4]) - now
  local attempts = tonumber(told[7]) + 1
  redis.call('HSET', order_of .. id, 'state', 'sent', 'conn', connection, 'sent', now, 'attempts', attempts,
    'call', call)
  local within = tonumber(told[9])
  -- a door's end is at its expiry, whatever its answer takes
  local most = told[2] == 'door' and left or within + FENCE
  redis.call('ZADD', deadlines, whole(now + most + GRACE), id)
  local wrapped, sealed = sealed_value(told[10], told[11])
  tell(id, told[12], told[8], 'sent')
  return {'order', id, told[8], redis.call('HGET', order_of .. id, 'args'), left, attempts, told[2], told[11], wrapped,
    sealed}
end

local function take(sn, connection, doors, call, in_hand)
  local lease = redis.call('HMGET', terminal_of .. sn, 'conn', 'admission', 'busy')
  if lease[1] ~= connection or lease[2] ~= 'approved' then return {'stale'} end
  local blocked, later = {}, false
  for _, id in ipairs(redis.call('ZRANGE', queue_of .. sn, 0, -1)) do
    local told = looked_up(id)
    if told[1] == 'sent' and told[6] ~= connection then
      -- of a connection before this one: its answer will not come any more
      unlearned(id, sn, LOST)
      told = looked_up(id)
    elseif told[1] == 'sent' and (tonumber(told[13]) or 0) < call and not string.find(in_hand, id, 1, true) then
      put_back(id, sn, tonumber(told[7]) - 1, '')
      told = looked_up(id)
    end
    if not told[1] then
      redis.call('ZREM', queue_of .. sn, id)
    elseif told[1] == 'queued' and (tonumber(told[4]) <= now or (told[2] == 'door' and tonumber(told[5]) > now)) then
      -- a door never waits for another try: one that is not ready was put before the clock was set back
      unsent(id, sn, tonumber(told[7]), 'expired', WAITED)
    elseif told[1] == 'queued' then
      local is_ready = tonumber(told[5]) <= now and not is_blocked(blocked, told[3])
      if is_ready and (not doors or told[2] == 'door') then
        if lease[3] ~= connection then redis.call('HSET', terminal_of .. sn, 'busy', connection) end
        return hand_over(id, told, connection, call)
      end
      later = true
      block(blocked, told[3])
    elseif told[1] == 'sent' then
      later = true
      block(blocked, told[3])
    end
  end
  redis.call(later and 'SADD' or 'SREM', due_of .. owner, sn)
  if lease[3] and not doors then redis.call('HDEL', terminal_of .. sn, 'busy') end
  return {later and 'later' or 'none'}
end

local does, length = {put = put}, {put = 19, group = 10, take = 5, finish = 10, progress = 3, cancel = 2, sweep = 1}

function does.take(at)
  return take(ARGV[at], ARGV[at + 1], ARGV[at + 2] == '1', tonumber(ARGV[at + 3]), ARGV[at + 4])
end

function does.finish(at)
  local id, connection, state, sn = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 7]
  local told = redis.call('HMGET', order_of .. id, 'state', 'conn', 'attempts')
  if told[1] == 'sent' and told[2] == connection then
    if state == 'expired' or state == 'failed' then
      unsent(id, sn, tonumber(told[3]) - 1, state, ARGV[at + 4])
    elseif state ~= 'queued' then
      finish(id, sn, state, ARGV[at + 3], ARGV[at + 4])
    elseif ARGV[at + 5] == '1' then
      put_back(id, sn, tonumber(told[3]) - 1, '')
    else
      unlearned(id, sn, ARGV[at + 4])
    end
  end
  if ARGV[at + 6] == '1' then return take(sn, connection, false, tonumber(ARGV[at + 8]), ARGV[at + 9]) end
  return {'none'}
end

local function why_not(sn, many)
  local admission = redis.call('HGET', terminal_of .. sn, 'admission')
  if not admission then return {'unknown'} end
  if admission ~= 'approved' then return {'not approved', admission} end
  return redis.call('ZCARD', queue_of .. sn) + many > most_open and {'full'} or nil
end

function does.group(at)
  local name, list, member, key = ARGV[at + 2], ARGV[at + 4], ARGV[at + 5], ARGV[at + 8]
  local life, most = ARGV[at + 6], tonumber(ARGV[at + 7])
  refused = asked_before(key, ARGV[at + 9]) or why_not(ARGV[at], tonumber(ARGV[at + 1]))
  if refused then return refused end
  backfill = name
  redis.call('HSET', name, 'b', ARGV[at + 3], 'created', now)
  redis.call('PEXPIRE', name, life)
  -- no two have the same place
  local newest = redis.call('ZREVRANGE', list, 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', list, whole(math.max(now, (tonumber(newest) or 0) + 1)), member)
  redis.call('ZREMRANGEBYSCORE', list, '-inf', whole(now - life))
  redis.call('ZREMRANGEBYRANK', list, 0, -most - 1)
  local id = string.match(member, '%S+$')
  if key ~= '' then redis.call('SET', key_of .. key, ARGV[at + 9] .. ' ' .. id, 'EX', KEY_LIFE) end
  return {'put', id}
end

function does.progress(at)
  local id = ARGV[at]
  local told = redis.call('HMGET', order_of .. id, 'state', 'conn', 'within')
  if told[1] ~= 'sent' or told[2] ~= ARGV[at + 1] then return {'0'} end
  redis.call('HSET', order_of .. id, 'reply', ARGV[at + 2])
  redis.call('ZADD', deadlines, whole(now + tonumber(told[3]) + FENCE + GRACE), id)
  return {'1'}
end

function does.cancel(at)
  local id = ARGV[at]
  local told = redis.call('HMGET', order_of .. id, 'state', 'sn', 'attempts')
  if not told[1] then return {'missing'} end
  if told[1] == 'queued' then
    local message = 'taken back by ' .. ARGV[at + 1]
    if tonumber(told[3]) > 0 then message = message .. '; it was sent before, and no answer came' end
    finish(id, told[2], 'cancelled', '', cjson.encode({message = message}))
  end
  return {'was', told[1]}
end

local function overdue(id)
  local told = redis.call('HMGET', order_of .. id, 'state', 'sn', 'attempts')
  if told[1] == 'queued' then
    unsent(id, told[2], tonumber(told[3]), 'expired', WAITED)
  elseif told[1] == 'sent' then
    unlearned(id, told[2], LOST)
  else
    redis.call('ZREM', deadlines, id)
  end
end

function does.sweep(at)
  local found = redis.call('ZRANGEBYSCORE', deadlines, '-inf', now, 'LIMIT', 0, ARGV[at])
  for _, id in ipairs(found) do
    -- one that can't be ended is looked at again later: it must not keep all others from their ends
    if not pcall(overdue, id) then redis.call('ZADD', deadlines, whole(now + AGAIN), id) end
  end
  return {#found}
end

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
return answers
