-- One question after another.
local does, length = {put = put}, {put = 19, group = 10, take = 5, finish = 10, progress = 3, cancel = 2, sweep = 1, doubt = 2}

function does.take(at) return take(ARGV[at], ARGV[at + 1], ARGV[at + 2] == '1', at + 3) end
function does.finish(at)
  local id, connection, state, told = ARGV[at], ARGV[at + 1], ARGV[at + 2], read(ARGV[at])
  local is_ours, why = told.state == 'sent' and told.conn == connection, ARGV[at + 4]
  if is_ours and (state == 'expired' or state == 'failed') then
    unsent(id, told, told.attempts - 1, state, why)
  elseif is_ours and state ~= 'queued' then
    finish(id, told, state, ARGV[at + 3], why)
  elseif is_ours and ARGV[at + 5] == '1' and is_deleted(told.sn) then
    unsent(id, told, told.attempts - 1, 'failed', '{"message":"the terminal was deleted"}')
  elseif is_ours and ARGV[at + 5] == '1' then
    put_back(id, told, told.attempts - 1, '')
  elseif is_ours then
    unlearned(id, told, why)
  end
  if ARGV[at + 6] == '1' then return take(ARGV[at + 7], connection, false, at + 8) end
  return {'none'}
end

function does.group(at)
  local name, list, member, key = ARGV[at + 2], ARGV[at + 4], ARGV[at + 5], ARGV[at + 8]
  local life, most, admission = ARGV[at + 6], tonumber(ARGV[at + 7]), run('HGET', terminal_of .. ARGV[at], 'admission')
  refused = asked_before(key, ARGV[at + 9])
    or not admission and {'unknown'}
    or admission ~= 'approved' and {'not approved', admission}
    or run('ZCARD', queue_of .. ARGV[at]) + ARGV[at + 1] > most_open and {'full'}
  if refused then return refused end
  run('HSET', name, 'b', ARGV[at + 3], 'created', now)
  run('PEXPIRE', name, life)
  -- no two have the same place
  local newest = run('ZREVRANGE', list, 0, 0, 'WITHSCORES')[2]
  run('ZADD', list, math.max(now, (tonumber(newest) or 0) + 1), member)
  run('ZREMRANGEBYSCORE', list, '-inf', now - life)
  run('ZREMRANGEBYRANK', list, 0, -most - 1)
  local id = string.match(member, '%S+$')
  if key ~= '' then run('SET', key_of .. key, ARGV[at + 9] .. ' ' .. id, 'EX', KEY_LIFE) end
  return {'put', id}
end

function does.progress(at)
  local id, told = ARGV[at], read(ARGV[at])
  if told.state ~= 'sent' or told.conn ~= ARGV[at + 1] then return {'0'} end
  run('HSET', order_of .. id, 'reply', ARGV[at + 2])
  moved[id] = now + told.within + FENCE + GRACE
  return {'1'}
end

function does.cancel(at)
  local id, told = ARGV[at], read(ARGV[at])
  local before = told.state
  if before == 'queued' then
    local message, state = 'taken back by ' .. ARGV[at + 1], 'cancelled'
    if told.attempts > 0 or is_doubtful(told) then message, state = message .. '; it was sent before, and no answer came', 'unknown' end
    finish(id, told, state, '', '{"message":' .. quoted(message) .. '}')
  end
  return before and {'was', before} or {'missing'}
end

local function overdue(id)
  local told = read(id)
  moved[id] = false
  if told.state and is_doubtful(told) then
    finish(id, told, 'unknown', '', FAILED_OVER)
  elseif told.state == 'queued' then
    unsent(id, told, told.attempts, 'expired', WAITED)
  elseif told.state == 'sent' then
    unlearned(id, told, LOST)
  end
end

function does.sweep(at)
  settle()
  local found = run('ZRANGEBYSCORE', deadlines, '-inf', now, 'LIMIT', 0, ARGV[at])
  for _, id in ipairs(found) do
    -- one that can't be ended is looked at again later: it must not keep all others from their ends
    if not pcall(overdue, id) then
      moved[id] = now + AGAIN
      -- not for ever
      if run('PTTL', order_of .. id) < 0 then run('PEXPIRE', order_of .. id, ended_life) end
    end
  end
  return {#found}
end

function does.doubt(at)
  settle()
  local found, ended = run('ZRANGE', deadlines, ARGV[at], ARGV[at] + ARGV[at + 1] - 1), 0
  for _, id in ipairs(found) do
    local told = read(id)
    -- of what is under way somebody may still tell the end
    if told.state == 'queued' and is_doubtful(told) then
      finish(id, told, 'unknown', '', FAILED_OVER)
      ended = ended + 1
    end
  end
  return {#found, ended}
end

local answers, at = {}, 19
while at <= #ARGV do
  local done, answer = pcall(does[ARGV[at]], at + 1)
  if not done then
    local text = type(answer) == 'table' and answer.err or tostring(answer)
    answer = {'failed', (string.gsub(text, '^@?user_script: ?%d+: ?%-?', ''))}
  end
  answers[#answers + 1] = answer
  at = at + 1 + length[ARGV[at]]
end
settle()
for name, ids in pairs(let_go) do
  local key = sealed_of .. name
  if run('HDEL', key, unpack(ids)) > 0 and run('HLEN', key) <= 3 then run('DEL', key) end
end
if is_told then redis.pcall('XTRIM', events, 'MAXLEN', '~', EVENTS) end
if is_told then redis.pcall('XTRIM', audit, 'MAXLEN', '~', AUDITED) end
return answers
