-- Orders: what is asked of them in one turn, in the order it is asked; a mistake in one harms no other. All times are
-- the store's own, so that no process with a wrong clock ends or keeps an order wrongly.
-- To run a command costs several times what it does, and each field half as much again: hence few commands, what never
-- changes of an order in one field, and what can wait for the end of the call is done there for all together.
--
-- KEYS 1 deadlines, 2 sequence, 3 events, 4 audit, 5 meta, 6 erased
-- ARGV 1-10 prefixes of: order, orders of a terminal, queue of a terminal, terminal, heartbeat, due terminals of a
--      process, wake-up channel, user, sealed values, idempotency keys · 11 owner, 12 most open orders of a terminal,
--      13 the same for doors, 14 most ended ones, 15 life of an ended one (ms), 16 most attempts, 17 generation of the store,
--      18 prefix of what terminals have, then the questions:
--   "put", id, sn, cmd, danger, ttl (ms), what never changes of it (JSON, outbox.py), args, shown args, person, wrapped
--      data key or "", "1" if that was made now, name of sealed value or "", sealed value, idempotency key or "",
--      digest, "1" when logs must be proven, when it is over (ms) if counted from an earlier moment, else 0, what the
--      audit is told (JSON, without how it stands) or "", the people whom it would bring or name there (with spaces).
--      Answers
--      {"put", id, created, expires} {"again", id} {"rekey"} or {"rekey", "master"} when the new data key is wrapped by
--      another master key than the one that seals now {reused|unknown|erased|not approved|offline|full|dirty|place|late, …}
--   "group", sn, how many, backfill, JSON, list of backfills, name there, life (ms), most listed, idempotency key or
--      "", digest. The "put"s behind it in this call are the orders of one backfill: all of them are made or none.
--      Answers as put, with the id that the backfill has in its name
--   "take", sn, connection, "1" for doors only, number of this call among those of the connection or 0, ids of the
--      orders that it knows to have. What an earlier call handed over beside them was never said: nobody heard of it.
--      Answers {"order", id, cmd, args, ms left, attempts, danger, name of sealed value or "", wrapped data key, sealed
--      value} {"later"} {"none"} or {"stale"} when the lease is another's
--   "finish", id, connection, state, reply, error, "1" if it was certainly not sent, "1" to take the next, sn, number
--      and ids as for take. Answers as take, or {"none"}; what another has ended stays as it is
--   "progress", id, connection, reply: its deadline moves. Answers {"1"} or {"0"}
--   "cancel", id, actor: what was sent once without an answer ends unknown. Answers {"was", state before} or {"missing"}
--   "sweep", how many: ends or puts back what is past its deadline. Answers {how many}
--   "doubt", how many to pass over, how many to look at: of open orders, those for once that were put before a failover
--      end unknown. Answers {how many were there, how many of these have ended}
local deadlines, sequence, events, audit, meta, erased = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local order_of, orders_of, queue_of, terminal_of, alive_of = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local due_of, wake_of, user_of, sealed_of, key_of = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local owner, most_open, most_doors = ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13])
local most_ended, ended_life, most_attempts = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local GRACE, FIRST_BACKOFF, KEY_LIFE, HOUR, DAY = 5000, 5000, 86400, 3600000, 86400000
local AGAIN, EVENTS, AUDITED, DUE_LIFE, NUMBERS = 10000, 10000, 100000, 86400, 16
-- places on a terminal are kept somewhat longer than an order can live: its end, which gives them up, may come late
local SPARE = 120000
-- before a command whose late reply may still come, another one is said and waited for (wire/exchange.py)
local FENCE, MOST_TOLD = 20000, 4096
local WAITED = '{"message":"it waited until its seconds were over"}'
local LOST = '{"message":"the process or the connection that sent it is gone, and no answer was seen"}'
local FAILED_OVER =
  '{"message":"the store failed over after it was put, and may not know whether it was sent and done before that"}'
local generation, holds_of = tonumber(ARGV[17]), ARGV[18]
local run = redis.call
local clock, is_told = run('TIME'), false
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local present = string.format('%.0f', now)

local function read(id, ...)
  local found = run('HMGET', order_of .. id, 'told', 'state', 'conn', 'attempts', 'expires', ...)
  if not found[1] then return {} end
  local told = cjson.decode(found[1])
  told.state, told.conn, told.attempts, told.expires = found[2], found[3], tonumber(found[4] or 0), tonumber(found[5])
  for place = 1, select('#', ...) do told[select(place, ...)] = found[5 + place] end
  return told
end

-- as the encoder writes it, which takes far longer
local written = {}
local function quoted(text)
  written[text] = written[text] or string.find(text, '[%c"\\]') and cjson.encode(text) or '"' .. text .. '"'
  return written[text]
end

local function tell(id, sn, cmd, state)
  is_told = true
  run('XADD', events, '*', 'kind', 'command', 'd',
    '{"id":"' .. id .. '","sn":' .. quoted(sn) .. ',"cmd":' .. quoted(cmd) .. ',"state":"' .. state .. '"}')
end

-- deadlines that moved in this call, false for those that are no more; ids of orders that let a sealed value go
local moved, let_go = {}, {}
local function settle()
  local over, open = {}, {}
  for id, deadline in pairs(moved) do
    if deadline then open[#open + 1], open[#open + 2] = deadline, id else over[#over + 1] = id end
  end
  moved = {}
  if #over > 0 then run('ZREM', deadlines, unpack(over)) end
  if #open > 0 then run('ZADD', deadlines, unpack(open)) end
end

local function due(sn, found)
  if found and run('SADD', due_of .. found, sn) == 1 then run('EXPIRE', due_of .. found, DUE_LIFE) end
end

-- A sealed value is kept with the ids of the open orders that bring it, and is gone with the last of them. Ids, no
-- number of them: whatever is done twice or half, it is not gone before. What was half done ends with its life.
local held, values, data_keys = {}, {}, {}
local function hold(name, id, wrapped, sealed, ttl)
  -- the beginning tells which data key it is, and is not enough to be it
  local key, mark, last = sealed_of .. name, string.sub(wrapped, 1, 25), now + ttl + DAY
  local kept = held[name] or run('HMGET', key, 'key', 'until')
  if kept[1] == mark then
    run('HSET', key, id, '')
  else
    -- also over one that is there: it is sealed under a data key that was forgotten
    run('HSET', key, 'key', mark, 'value', sealed, id, '')
  end
  local person = user_of .. string.match(name, '^[^/]*')
  -- of somebody of whom no terminal told only the key is there: it goes some time after all that is sealed with it
  if (kept[1] ~= mark or tonumber(kept[2] or 0) < last) and run('HLEN', person) == 1 then
    run('PEXPIRE', person, 8 * DAY + 2 * HOUR)
  end
  if tonumber(kept[2] or 0) < last then
    -- somewhat longer, so that not each of many orders moves it
    run('PEXPIRE', key, last + HOUR - now)
    kept[2] = last + HOUR
    run('HSET', key, 'until', kept[2])
  end
  held[name], values[name] = {mark, kept[2]}, nil
end

local function sealed_value(name)
  if not name then return '', '' end
  local key_of_user = user_of .. string.match(name, '^[^/]*')
  values[name] = values[name] or {run('HGET', key_of_user, 'key') or '', run('HGET', sealed_of .. name, 'value') or ''}
  return unpack(values[name])
end

-- A key that was remembered must not come back here after it was forgotten on purpose: only a new one is kept.
local function has_key(person, wrapped, is_new)
  local kept = data_keys[person] or run('HGET', user_of .. person, 'key')
  if not kept and is_new then
    local seals = run('HGET', meta, 'master_key')
    if seals and seals ~= string.match(wrapped, '^[^:]*') then return false, 'master' end
    run('HSET', user_of .. person, 'key', wrapped)
    kept = wrapped
  end
  data_keys[person] = kept
  return kept == wrapped
end
