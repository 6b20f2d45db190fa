-- What an order leaves unsure that may have been carried out or not. What is known of the terminal is not believed any
-- more, so that the next plan puts it right: a credential is another one than any (person.UNSURE), a lock is none that
-- anybody wants (locks.DOUBTFUL), and somebody whom this server put there has no known name.
local FINGERS, EVERYTHING, UNSURE, DOUBTFUL = 12, 13, '?', 'doubtful'

local function unsure_slot(holds, name)
  local text = run('HGET', holds, name)
  local held = text and cjson.decode(text)
  if not held or held[1] == 'known' or held[1] == 'sent' then return end
  run('HSET', holds, name, cjson.encode({'listed', UNSURE, held[3], held[4]}))
end

local function unsure_person(holds, id, change)
  local text = run('HGET', holds, id)
  if not text then return end
  local person = cjson.decode(text)
  change(person)
  run('HSET', holds, id, cjson.encode(person))
end

local function forget_lock(person)
  if person[4] ~= '' then person[4] = DOUBTFUL end
end

local function forget_name(person)
  if person[1] then person[2] = cjson.null end
end

-- By the word that was said.
local unsure = {}

function unsure.setuserinfo(holds, args)
  unsure_slot(holds, args.enrollid .. '/' .. args.backupnum)
  unsure_person(holds, args.enrollid, forget_name)
end

function unsure.deleteuser(holds, args)
  local what = tonumber(args.backupnum)
  if what ~= FINGERS and what ~= EVERYTHING then
    unsure_slot(holds, args.enrollid .. '/' .. args.backupnum)
  end
  unsure_person(holds, args.enrollid, function(person)
    local slots = person[6]
    for n in string.gmatch(slots, '%d+') do
      if what == EVERYTHING or what == FINGERS and tonumber(n) < 10 then unsure_slot(holds, args.enrollid .. '/' .. n) end
    end
    local is_last = string.match(slots, '^%s*(%d+)%s*$') == tostring(what)
    if what == EVERYTHING or what == FINGERS or is_last then forget_lock(person) end
  end)
end

function unsure.setusername(holds, args)
  for _, one in ipairs(args.record) do unsure_person(holds, one.enrollid, forget_name) end
end

function unsure.setuserlock(holds, args)
  for _, one in ipairs(args.record) do
    unsure_person(holds, one.enrollid, function(person) person[4] = DOUBTFUL end)
  end
end

function unsure.deleteuserlock(holds, args) unsure_person(holds, args.enrollid, forget_lock) end

function unsure.cleanuserlock(holds)
  for _, name in ipairs(run('HKEYS', holds)) do
    if string.find(name, '^%d+$') then unsure_person(holds, name, forget_lock) end
  end
end

-- Its list is read again before anything is planned there.
function unsure.cleanuser(holds) run('HDEL', holds, 'reading') end
unsure.initsys, unsure.cleandatebase, unsure.cleanadmin = unsure.cleanuser, unsure.cleanuser, unsure.cleanuser

local function leave_unsure(id, told)
  local does = unsure[told.cmd]
  if not does then return end
  local is_read, args = pcall(cjson.decode, run('HGET', order_of .. id, 'args') or '')
  if is_read and type(args) == 'table' then pcall(does, holds_of .. told.sn, args) end
end
