-- Orders that are handed over.
local function is_blocked(blocked, subject)
  return blocked[subject] or subject == 'users' and blocked.somebody
    or blocked.users and string.sub(subject, 1, 5) == 'user '
end

local function hand_over(id, told, connection, call)
  local left, attempts = told.expires - now, told.attempts + 1
  run('HSET', order_of .. id, 'state', 'sent', 'conn', connection, 'sent', present, 'attempts', attempts, 'call', call)
  -- a door's end is at its expiry, whatever its answer takes
  moved[id] = now + (told.danger == 'door' and left or told.within + FENCE) + GRACE
  local wrapped, sealed = sealed_value(told.sealed)
  tell(id, told.sn, told.cmd, 'sent')
  return {'order', id, told.cmd, told.args, left, attempts, told.danger, told.sealed or '', wrapped, sealed}
end

-- The next one, and else whether others wait. Nearly always it is the first: only behind it many are read at once.
local function chosen(sn, connection, doors, call, in_hand)
  local blocked, later, from, many = {}, false, 0, 1
  while true do
    local page = run('ZRANGE', queue_of .. sn, from, from + many - 1)
    for _, id in ipairs(page) do
      local told = read(id, 'ready', 'created', 'call', 'args')
      local is_in_hand = told.conn == connection and string.find(in_hand, id, 1, true)
      if told.state and is_doubtful(told) and not is_in_hand then
        finish(id, told, 'unknown', '', FAILED_OVER)
      elseif told.state == 'sent' and told.conn ~= connection then
        -- of a connection before this one: its answer will not come any more
        unlearned(id, told, LOST)
      elseif told.state == 'sent' and tonumber(told.call or 0) < call and not is_in_hand then
        put_back(id, told, told.attempts - 1, '')
      elseif not told.state then
        run('ZREM', queue_of .. sn, id)
      end
      -- doors stand before all others
      if doors and told.state and told.danger ~= 'door' then return nil, true end
      local is_queued, ready = told.state == 'queued', tonumber(told.ready or told.created or 0)
      -- a door never waits for another try: one that is not ready was put before the clock was set back
      if is_queued and (told.expires <= now or told.danger == 'door' and ready > now) then
        unsent(id, told, told.attempts, 'expired', WAITED)
      elseif is_queued or told.state == 'sent' then
        if is_queued and ready <= now and not is_blocked(blocked, told.subject) then return id, told end
        later, from = true, from + 1
        blocked[told.subject] = told.subject ~= ''
        blocked.somebody = blocked.somebody or string.sub(told.subject, 1, 5) == 'user '
      end
    end
    if #page < many then return nil, later end
    many = 50
  end
end

local function take(sn, connection, doors, at)
  local call, in_hand = tonumber(ARGV[at]), ARGV[at + 1]
  local lease = run('HMGET', terminal_of .. sn, 'conn', 'admission', 'busy')
  if lease[1] ~= connection or lease[2] ~= 'approved' then return {'stale'} end
  local id, found = chosen(sn, connection, doors, call, in_hand)
  if id and lease[3] ~= connection then
    run('HSET', terminal_of .. sn, 'busy', connection)
    due(sn, owner)
  end
  if id then return hand_over(id, found, connection, call) end
  -- a look for doors is one beside the work: whoever is at work comes again, or is due
  if found or not doors then run(found and 'SADD' or 'SREM', due_of .. owner, sn) end
  if lease[3] and not doors then run('HDEL', terminal_of .. sn, 'busy') end
  return {found and 'later' or 'none'}
end
