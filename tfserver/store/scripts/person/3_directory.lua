-- What people say.
local function outdated()
  local version = tonumber(field('version') or 0)
  if asked.expected and asked.expected ~= version then return {'outdated', version} end
end

local function regroup(before, after)
  local kept = {}
  for _, name in ipairs(after) do kept[name] = true end
  for _, name in ipairs(before) do
    if not kept[name] then run('ZREM', members_of .. name, place(id)) end
  end
  for _, name in ipairs(after) do run('ZADD', members_of .. name, 0, place(id)) end
  if #after > 0 then run('HSET', user, 'groups', table.concat(after, ' ')) else run('HDEL', user, 'groups') end
end

-- Every process knows whose external id is whose; who misses a change finds that by the number.
local function tell_external(after)
  local number = run('HINCRBY', meta, 'external_ids', 1)
  redis.pcall('PUBLISH', channel, string.format('external %d %s ', number, id) .. (after or ''))
end

local function set_external(before, after)
  if before and before ~= after then run('HDEL', externals, before) end
  if after then
    run('HSET', externals, after, id)
    run('HSET', user, 'external', after)
  elseif before then
    run('HDEL', user, 'external')
  end
  if before ~= after then tell_external(after) end
end

local function standing() return {'ok', field('version'), field('created'), field('changed'), field('was') or ''} end

-- Terminals that still have the name before are only behind; unless somebody else is known to have the number, so that
-- people may mean that one now.
local function give_another_name()
  local before = field('folded')
  for _, one in pairs(decoded(field('x'))) do
    if not one.slot then before = '' end
  end
  if before == '' then run('HDEL', user, 'was') else run('HSET', user, 'was', before) end
end

function does.put()
  local external, groups = asked.external, words(asked.groups)
  -- once an erasure is over ("-…") whoever is put here has the number again
  local erasure = run('HGET', erased, id)
  if erasure and string.sub(erasure, 1, 1) ~= '-' then return {'erased'} end
  local late = outdated()
  if late then return late end
  local holder = external and run('HGET', externals, external)
  -- it counts while that person says so too: a backup of a running server may have the one without the other
  if holder and holder ~= id and run('HGET', user_of .. holder, 'external') == external then
    return {'taken', holder}
  end
  for _, name in ipairs(groups) do
    if run('HEXISTS', groups_key, name) == 0 then return {'group', name} end
  end
  local before = run('HMGET', user, 'person', 'name', 'external', 'groups')
  local is_same = before[1] == asked.person and before[2] == asked.name and (before[3] or nil) == external
    and (before[4] or '') == table.concat(groups, ' ')
  if erasure then run('HDEL', erased, id) end
  run('PERSIST', user)
  if is_same then
    run('ZADD', people, 0, place(id))
    rename(asked.name, asked.folded)
  elseif before[1] then
    run('HSET', user, 'person', asked.person)
    if field('folded') ~= asked.folded then give_another_name() end
    rename(asked.name, asked.folded)
    changed_now()
  else
    enter(asked.person, asked.name, asked.folded)
  end
  set_external(before[3] or nil, external)
  regroup(words(before[4]), groups)
  settle()
  return standing()
end

function does.credential()
  if run('HEXISTS', erased, id) == 1 then return 2 end
  if not field('person') then return -3 end
  if is_missing(asked.slot, asked.version) then return -2 end
  local refused = refused_key()
  if refused then return refused end
  if is_missing(asked.slot, asked.version) then return -2 end
  run('PERSIST', user)
  set_credential(asked.slot, {version = asked.version, bytes = asked.bytes, made = asked.made})
  settle()
  return 1
end

function does.uncredential()
  if not field('person') then return 0 end
  local dropped = drop_credential(asked.slot)
  settle()
  return dropped
end

-- Another person's credentials must not stay under the new name: those the terminal does not have go with it.
local function adopt_credentials(is_other)
  for n, slot in ipairs(asked.slots) do
    local told = theirs(slot, asked.sn)
    if told.version then
      local origin = told.origin
      set_credential(slot, {version = told.version, bytes = told.bytes, made = {sn = asked.sn, model = origin.model,
        firmware = origin.firmware, fpalgo = origin.fpalgo, at = origin.received}})
      agree(asked.sn, asked.labels[n])
    elseif is_other then
      drop_credential(slot)
    end
  end
end

function does.adopt()
  if run('HEXISTS', erased, id) == 1 then return 2 end
  local profile = field('p:' .. asked.sn)
  if not profile then return 0 end
  local folded = field('person') and field('folded')
  if profile ~= asked.profile or tonumber(field('version') or 0) ~= asked.version then return -1 end
  if not folded then
    enter(asked.person, asked.name, asked.folded)
  elseif field('person') ~= asked.person or field('name') ~= asked.name then
    run('HSET', user, 'person', asked.person)
    run('HDEL', user, 'was')
    rename(asked.name, asked.folded)
    changed_now()
  end
  adopt_credentials(folded and not is_same_name(folded, asked.folded))
  settle()
  return 1
end

function does.remove()
  if not field('person') then return 0 end
  for slot in pairs(decoded(field('k'))) do drop_credential(slot) end
  set_external(field('external'), nil)
  regroup(words(field('groups')), {})
  keep_collisions({})
  local left = decoded(field('left'))
  left.name = field('folded')
  run('ZREM', names, left.name .. '\0' .. id)
  run('ZREM', people, place(id))
  run('HDEL', user, 'person', 'name', 'folded', 'was', 'version', 'created', 'changed')
  for _, name in ipairs(run('HKEYS', user)) do
    if string.match(name, '^[pc]:') then
      keep('left', left)
      return 1
    end
  end
  run('HDEL', user, 'left')
  -- an order that waits may still need the key
  run('PEXPIRE', user, KEY_LIFE)
  return 1
end
