-- Groups and who is in them.
local function in_group(number, is_in)
  id, user = number, user_of .. number
  if not field('person') then
    if not is_in then run('ZREM', members_of .. asked.group, place(id)) end
    return 'unknown'
  end
  local groups, at_place = words(field('groups')), nil
  for n, name in ipairs(groups) do
    if name == asked.group then at_place = n end
  end
  if is_in == (at_place ~= nil) then return nil end
  if is_in and #groups >= MOST_GROUPS then return 'full' end
  local after = words(table.concat(groups, ' '))
  if is_in then
    after[#after + 1] = asked.group
    table.sort(after)
  else
    table.remove(after, at_place)
  end
  regroup(groups, after)
  changed_now()
  return is_in and 'added' or 'removed'
end

function does.members()
  if run('HEXISTS', groups_key, asked.group) == 0 then return false end
  local found = {added = 0, removed = 0, unknown = {}, full = {}}
  for _, way in ipairs({'remove', 'add'}) do
    for _, number in ipairs(asked[way]) do
      local what = in_group(number, way == 'add')
      if what == 'added' or what == 'removed' then
        found[what] = found[what] + 1
      elseif what and way == 'add' then
        found[what][#found[what] + 1] = number
      end
    end
  end
  return {found.added, found.removed, found.unknown, found.full}
end

function does.group()
  if (run('HGET', groups_key, asked.name) or nil) ~= asked.before then return 0 end
  if not asked.before and run('HLEN', groups_key) >= asked.most then return -1 end
  run('HSET', groups_key, asked.name, asked.after)
  return 1
end

function does.ungroup()
  if run('ZCARD', members_of .. asked.name) > 0 then return 0 end
  run('HDEL', groups_key, asked.name)
  return 1
end

return does[verb]()
