-- What is kept of a person beside the directory: looked for, and taken out.
-- ARGV 1 verb, then
--   "orders", prefix of orders, person's number, from, how many: KEYS 1 orders of a terminal. Answers {how many there
--      were, id, state, told, shown, args, reply, …} of those that name the person
--   "redact", shown, args, reply: KEYS 1 order. Only of one that has ended. Answers 1, or 0
--   "unquarantine", place, sn: KEYS 1 quarantine, 2 how much of it is whose. Answers 1, or 0
--   "expire", life (ms): KEYS are people. Those whom the directory does not know go after so long, unless a terminal tells
--      of them again. Answers how many that are
local run, verb = redis.call, ARGV[1]
local does = {}

function does.orders()
  local ids = run('ZRANGE', KEYS[1], ARGV[4], ARGV[4] + ARGV[5] - 1)
  local found, name = {#ids}, '"enrollid":' .. ARGV[3] .. '%f[^0-9]'
  for _, id in ipairs(ids) do
    -- of packets only the size is shown
    local seen = run('HMGET', ARGV[2] .. id, 'shown', 'args')
    local shown, args = seen[1] or '', seen[2] or ''
    if string.find(shown, name) or string.find(args, name) then
      local rest = run('HMGET', ARGV[2] .. id, 'state', 'told', 'reply')
      for _, part in ipairs({id, rest[1] or '', rest[2] or '', shown, args, rest[3] or ''}) do
        found[#found + 1] = part
      end
    end
  end
  return found
end

function does.redact()
  if run('HEXISTS', KEYS[1], 'finished') == 0 then return 0 end
  run('HSET', KEYS[1], 'shown', ARGV[2], 'args', ARGV[3], 'reply', ARGV[4])
  return 1
end

function does.unquarantine()
  if run('XDEL', KEYS[1], ARGV[2]) == 0 then return 0 end
  if ARGV[3] ~= '' and run('HINCRBY', KEYS[2], ARGV[3], -1) <= 0 then run('HDEL', KEYS[2], ARGV[3]) end
  return 1
end

function does.expire()
  local found = 0
  for _, user in ipairs(KEYS) do
    if run('HEXISTS', user, 'person') == 0 and run('PTTL', user) == -1 then
      found = found + run('PEXPIRE', user, ARGV[2])
    end
  end
  return found
end

return does[verb]()
