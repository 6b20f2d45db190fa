-- How orders end, and how they are put back.
local function forget_old(sn)
  local orders, queue = orders_of .. sn, queue_of .. sn
  local over = run('ZCARD', orders) - most_ended
  if over > 0 then over = over - run('ZCARD', queue) end
  for _, id in ipairs(over > 0 and run('ZRANGE', orders, 0, over + 20) or {}) do
    if over > 0 and not run('ZSCORE', queue, id) then
      run('DEL', order_of .. id)
      over = over - run('ZREM', orders, id)
    end
  end
end

-- What an order of a backfill brought is kept with it: orders are forgotten earlier.
local function count(backfill, state, reply)
  if run('EXISTS', backfill) == 0 then return end
  local is_read, told = pcall(cjson.decode, reply)
  if not is_read or type(told) ~= 'table' then told = {} end
  run('HINCRBY', backfill, 'done', 1)
  run('HINCRBY', backfill, 'records', math.floor(tonumber(told.records) or 0))
  run('HINCRBY', backfill, 'new', math.floor(tonumber(told.new) or 0))
  if state ~= 'done' or told.complete ~= true then run('HINCRBY', backfill, 'failed', 1) end
end

-- Also one that is refused may have been carried out when it was said before.
local function is_in_doubt(told, state) return state == 'unknown' or state == 'refused' and told.attempts > 1 end

-- What it needed on the terminal is given up, unless nobody knows whether it came, or somebody still enrols there
-- (holdings/1_kept.lua).
local function give_up(told, state)
  local places = told.places
  local stays = is_in_doubt(told, state) or state == 'done' and told.cmd == 'adduser'
  for place = 2, #places do
    local score = run('ZSCORE', places[1], places[place])
    if score then run('ZADD', places[1], stays and -math.abs(score) or 0, places[place]) end
  end
end

local function finish(id, told, state, reply, why)
  local key, cmd, sn, name = order_of .. id, told.cmd, told.sn, told.sealed
  if told.places then give_up(told, state) end
  if is_in_doubt(told, state) then leave_unsure(id, told) end
  if told.backfill then count(told.backfill, state, reply) end
  run('HSET', key, 'state', state, 'finished', present, 'reply', reply, 'error', why)
  run('PEXPIRE', key, ended_life)
  run('ZREM', queue_of .. sn, id)
  moved[id], told.state = false, state
  if name then let_go[name] = let_go[name] or {} end
  if name then table.insert(let_go[name], id) end
  forget_old(sn)
  tell(id, sn, cmd, state)
  run('XADD', audit, '*', 'a', '{"at":' .. present .. ',"actor":' .. quoted(told.actor) .. ',"what":' .. quoted(cmd)
    .. ',"sn":' .. quoted(sn) .. ',"outcome":"' .. state .. '","detail":{"order":"' .. id .. '"}}')
  if not told.asker then return end
  local sent, so = run('HGET', key, 'sent'), ''
  -- who waits for it need not look; of a long reply it is only said that it came
  if #reply + #why <= MOST_TOLD then
    so = ' {"state":"' .. state .. '","finished":' .. present .. ',"attempts":' .. told.attempts .. ',"sent":'
      .. (sent or 'null') .. ',"reply":' .. (reply ~= '' and reply or 'null') .. ',"error":'
      .. (why ~= '' and why or 'null') .. '}'
  end
  redis.pcall('PUBLISH', wake_of .. told.asker, 'ended ' .. id .. so)
end

local function put_back(id, told, attempts, why)
  local key, ready = order_of .. id, now + (why == '' and 0 or FIRST_BACKOFF * 4 ^ (attempts - 1))
  run('HSET', key, 'state', 'queued', 'ready', ready, 'attempts', attempts)
  if why ~= '' then run('HSET', key, 'error', why) end
  if attempts == 0 then run('HDEL', key, 'conn', 'sent') else run('HDEL', key, 'conn') end
  moved[id], told.state, told.attempts, told.ready = told.expires, 'queued', attempts, ready
  tell(id, told.sn, told.cmd, 'queued')
  -- nobody is woken: who can't say it now would get it again at once, and again
  due(told.sn, run('HGET', terminal_of .. told.sn, 'owner'))
end

-- Put before a failover, which may have forgotten that it was sent: never said again, unless that is harmless.
local function is_doubtful(told)
  return told.danger ~= 'ordinary' and told.generation and told.generation ~= generation
end

-- It was not sent, and will not be; was it sent before, nobody learned what came of that.
local function unsent(id, told, earlier, state, why)
  if earlier > 0 then state, why = 'unknown', run('HGET', order_of .. id, 'error') or '' end
  finish(id, told, state, '', why)
end

-- What was in flight to a terminal that was deleted must not wait for one that comes anew.
local function is_deleted(sn) return run('HEXISTS', terminal_of .. sn, 'admission') == 0 end

-- Sent, and what came of it was not learned: only what is harmless is tried again.
local function unlearned(id, told, why)
  local is_over = told.attempts >= most_attempts or now >= told.expires or is_deleted(told.sn)
  if told.danger == 'ordinary' and not is_over then
    return put_back(id, told, told.attempts, why)
  end
  finish(id, told, 'unknown', '', why)
end
