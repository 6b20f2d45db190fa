-- What terminals tell.
-- Whether it is known: from this terminal, or because it was taken out of the directory as it is told now.
local function is_news(known_profile, known_version)
  if known_profile == asked.profile and known_version == asked.version then return false end
  local left = decoded(field('left'))
  if not left.name then return true end
  local is_left = not asked.slot or (left.slots or {})[asked.slot] == asked.version
  return not (is_left and is_same_name(left.name, asked.folded))
end

local function keep_theirs(slot, version, before)
  if before.version == version then return end
  take(slot, version)
  if before.version then let_go(slot, before.version) end
  run('HSET', user, 'c:' .. slot .. ':' .. asked.sn,
    cjson.encode({version = version, bytes = asked.bytes, origin = asked.origin}))
end

local function judge_credential()
  local slot, label, entry = asked.slot, asked.label, {version = asked.version, bytes = asked.bytes, made = asked.made}
  local mine, left = decoded(field('k'))[slot], decoded(field('left')).slots
  if not mine then
    local is_left = left and left[slot] == asked.version
    if asked.person and not is_left then
      set_credential(slot, entry)
      settle()
    end
  elseif mine.version == asked.version or mine.was == asked.version then
    -- what it had before: the terminal is only behind
    agree(asked.sn, label)
  elseif mine.made.sn == asked.sn and asked.person then
    set_credential(slot, entry)
    settle()
  else
    collide(asked.sn, label, slot, asked.name)
  end
end

-- Whether this person is the one of the directory; another, and a credential of another, never gets into it.
local function judge()
  local folded, was = field('folded'), field('was')
  local is_known = is_same_name(folded, asked.folded) or was and was == asked.folded
  if not is_known then return collide(asked.sn, 'name', nil, asked.name) end
  agree(asked.sn, 'name')
  if folded == '' and asked.folded ~= '' and asked.person then
    rename(asked.name, asked.folded)
    changed_now()
    settle()
  end
  if asked.slot and asked.is_defined then judge_credential() end
end

function does.told()
  -- nothing of somebody who is being forgotten comes back by a terminal that was not told yet
  if run('HEXISTS', erased, id) == 1 then return 2 end
  local slot, version = asked.slot, asked.version
  if slot and is_missing(slot, version) then return -2 end
  local refused = refused_key()
  if refused then return refused end
  -- a key that was made for an order lives no longer than orders do; a person's stays
  run('PERSIST', user)
  if slot and is_missing(slot, version) then return -2 end
  local profile, before = field('p:' .. asked.sn), slot and theirs(slot, asked.sn) or {}
  local is_new = is_news(profile, slot and before.version)
  if profile ~= asked.profile then run('HSET', user, 'p:' .. asked.sn, asked.profile) end
  if slot then keep_theirs(slot, version, before) end
  if not field('person') then
    local is_left = decoded(field('left')).name
    if not asked.person or is_left and not is_new then return 1 end
    enter(asked.person, asked.name, asked.folded)
  end
  judge()
  return 1
end
