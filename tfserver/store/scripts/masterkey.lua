-- Master keys: a change to another, and going on without one that was lost. Each step looks first whether it still fits,
-- so that what is done twice, or by two at once, or was broken off, does no harm.
--
-- KEYS 1 meta, then hashes · ARGV 1 verb, then
--   "begin", id: it is the next one. Answers the id of the one that is
--   "switch", from, to, key of versions, key of pictures (both wrapped by ``to``): ``to`` seals from now on. Answers the
--      id of the one that seals
--   "rewrap", for each hash: data key, the same wrapped anew. Answers how many were still as told
--   "done", id: all that was left is sealed under it. Answers the id of the one that seals
--   "lose", id: forget what is sealed under it: in each hash the data key and all credentials. Answers how many
--   "mend", data key, the same anew, secret sealed under that, why: one webhook gets a secret that nobody knows, and waits
--      for people. Answers 1, or 0 when it was mended already
--   "lost", id, instead: nothing is sealed under it any more; ``instead`` seals where it did. Answers the id of the one
--      that seals
--   "drop", id: it is remembered no longer
local meta, call = KEYS[1], redis.call
local does = {}

local function ids(field)
  local found = {}
  for id in string.gmatch(call('HGET', meta, field) or '', '%S+') do found[#found + 1] = id end
  return found
end

local function set(field, list)
  if #list == 0 then call('HDEL', meta, field) else call('HSET', meta, field, table.concat(list, ' ')) end
end

local function without(list, id)
  local rest = {}
  for _, one in ipairs(list) do
    if one ~= id then rest[#rest + 1] = one end
  end
  return rest
end

local function with(list, id)
  local more = without(list, id)
  more[#more + 1] = id
  return more
end

local function is_under(wrapped, id) return wrapped and string.sub(wrapped, 1, #id + 1) == id .. ':' end

function does.begin()
  call('HSET', meta, 'next_key', ARGV[2])
  return ARGV[2]
end

function does.switch()
  local seals, from, to = call('HGET', meta, 'master_key'), ARGV[2], ARGV[3]
  if seals ~= from or call('HGET', meta, 'next_key') ~= to then return seals end
  set('leaving_keys', without(with(ids('leaving_keys'), from), to))
  set('retired_keys', without(ids('retired_keys'), to))
  call('HSET', meta, 'master_key', to, 'versions_key', ARGV[4], 'pictures_key', ARGV[5])
  call('HDEL', meta, 'next_key')
  return to
end

function does.rewrap()
  local changed = 0
  for n = 2, #KEYS do
    if call('HGET', KEYS[n], 'key') == ARGV[2 * n - 2] then
      call('HSET', KEYS[n], 'key', ARGV[2 * n - 1])
      changed = changed + 1
    end
  end
  return changed
end

function does.done()
  local seals = call('HGET', meta, 'master_key')
  if seals ~= ARGV[2] then return seals end
  local retired = ids('retired_keys')
  for _, id in ipairs(ids('leaving_keys')) do retired = with(retired, id) end
  set('retired_keys', retired)
  set('leaving_keys', {})
  return seals
end

function does.lose()
  local lost = 0
  for n = 2, #KEYS do
    if is_under(call('HGET', KEYS[n], 'key'), ARGV[2]) then
      local gone = {'key'}
      for _, field in ipairs(call('HKEYS', KEYS[n])) do
        if field == 'k' or string.match(field, '^[crn]:') then gone[#gone + 1] = field end
      end
      for from = 1, #gone, 1000 do
        call('HDEL', KEYS[n], unpack(gone, from, math.min(from + 999, #gone)))
      end
      lost = lost + 1
    end
  end
  return lost
end

function does.mend()
  local webhook = KEYS[2]
  if call('HGET', webhook, 'key') ~= ARGV[2] then return 0 end
  call('HSET', webhook, 'key', ARGV[3], 'secret', ARGV[4], 'state', 'paused', 'last_error', ARGV[5])
  call('HDEL', webhook, 'previous', 'previous_until', 'holder', 'until', 'next_try')
  call('HINCRBY', webhook, 'version', 1)
  return 1
end

function does.lost()
  local id, instead, seals = ARGV[2], ARGV[3], call('HGET', meta, 'master_key')
  if seals == id then
    call('HSET', meta, 'master_key', instead)
    seals = instead
  end
  for _, own in ipairs({'versions_key', 'pictures_key'}) do
    if is_under(call('HGET', meta, own), id) then call('HDEL', meta, own) end
  end
  for _, field in ipairs({'leaving_keys', 'retired_keys', 'next_key'}) do set(field, without(ids(field), id)) end
  return seals
end

function does.drop()
  for _, field in ipairs({'leaving_keys', 'retired_keys'}) do set(field, without(ids(field), ARGV[2])) end
  return 'ok'
end

return does[ARGV[1]]()
