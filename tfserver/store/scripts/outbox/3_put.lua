-- Orders that are made.
local function asked_before(key, digest)
  local known = key ~= '' and run('GET', key_of .. key)
  local seen, of = string.match(known or '', '^(%S+) (%S+)$')
  return known and (seen == digest and {'again', of} or {'reused'})
end

-- Who ordered what: with the order itself, so that there is never one without the other.
local function note(told, state)
  if told == '' then return end
  is_told = true
  run('XADD', audit, '*', 'a', '{"outcome":"' .. state .. '",' .. string.sub(told, 2))
end

-- One of these people that was erased, and is not in the directory again; nil when none is.
local function erased_of(people)
  local numbers = {}
  for one in string.gmatch(people, '%d+') do numbers[#numbers + 1] = one end
  local found = #numbers > 0 and run('HMGET', erased, unpack(numbers)) or {}
  for n, one in ipairs(numbers) do
    if found[n] then return one end
  end
end

-- the last number that was given, and the last that was asked for; why the orders of the backfill are not put
local number, numbered, refused = 0, 0, nil
-- Places were reserved for a moment only, so that none is lost with a process that dies before it puts the order; from
-- here on they live as long as it. False: they were given up meanwhile.
local function keep_places(row, expires)
  if not string.find(row, '"places":', 1, true) then return true end
  local told = cjson.decode(row)
  for place = 2, #told.places do
    if tonumber(run('ZSCORE', told.places[1], told.places[place]) or 0) <= now then return false end
  end
  for place = 2, #told.places do
    run('ZADD', told.places[1], expires + told.within + SPARE, told.places[place])
  end
  return true
end

local function put(at)
  if refused then return refused end
  local id, sn, cmd, is_door, ttl = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == 'door', tonumber(ARGV[at + 4])
  local name, key, digest, expires = ARGV[at + 11], ARGV[at + 13], ARGV[at + 14], tonumber(ARGV[at + 16])
  local again = asked_before(key, digest)
  if again and again[2] then
    local told = string.gsub(ARGV[at + 17], id, again[2], 1)
    note(told, run('HGET', order_of .. again[2], 'state') or 'forgotten')
  end
  if again then return again end
  -- what was counted from an earlier moment may come of a clock that was set meanwhile
  expires = expires == 0 and now + ttl or math.min(expires, now + ttl)
  if now >= expires then return {'late'} end
  local told = run('HMGET', terminal_of .. sn, 'admission', 'conn', 'owner', 'dirty', 'busy', 'listed')
  if not told[1] then return {'unknown'} end
  if told[1] ~= 'approved' then return {'not approved', told[1]} end
  if is_door and not (told[2] and run('EXISTS', alive_of .. (told[3] or '')) == 1) then return {'offline'} end
  if ARGV[at + 15] == '1' and told[4] then return {'dirty', told[4]} end
  if run('ZCARD', queue_of .. sn) >= (is_door and most_doors or most_open) then return {'full'} end
  -- nothing of somebody who was erased gets to a terminal, until the directory has such a person again
  local gone = erased_of(ARGV[at + 18])
  if gone then return {'erased', gone} end
  if name ~= '' then
    local is_its, why = has_key(ARGV[at + 8], ARGV[at + 9], ARGV[at + 10] == '1')
    if not is_its then return {'rekey', why} end
  end
  if not keep_places(ARGV[at + 5], expires) then return {'place'} end
  if name ~= '' then
    hold(name, id, ARGV[at + 9], ARGV[at + 12], ttl)
  end

  if number == numbered then
    numbered = run('INCRBY', sequence, NUMBERS)
    number = numbered - NUMBERS
  end
  number = number + 1
  run('HSET', order_of .. id, 'told', ARGV[at + 5], 'args', ARGV[at + 6], 'shown', ARGV[at + 7], 'state', 'queued',
    'created', present, 'expires', expires)
  -- while it is open it lives for ever: it stands among the deadlines, so it has an end, and a life from then on
  moved[id] = expires
  run('ZADD', queue_of .. sn, is_door and number - 1e15 or number, id)
  run('ZADD', orders_of .. sn, number, id)
  local listed = now + ended_life + 8 * DAY
  if tonumber(told[6] or 0) < listed then
    run('PEXPIRE', orders_of .. sn, listed + DAY - now)
    run('HSET', terminal_of .. sn, 'listed', listed + DAY)
  end
  if key ~= '' then run('SET', key_of .. key, digest .. ' ' .. id, 'EX', KEY_LIFE) end
  tell(id, sn, cmd, 'queued')
  note(ARGV[at + 17], 'queued')
  -- who has an order in hand comes for the next by itself, and is due since it got that one
  local is_at_work = told[2] and told[5] == told[2]
  if not is_at_work then due(sn, told[3]) end
  -- only a hint: every process sweeps its own
  if told[3] and (is_door or not is_at_work) then
    redis.pcall('PUBLISH', wake_of .. told[3], (is_door and 'door ' or 'order ') .. sn)
  end
  return {'put', id, now, expires}
end
