-- Sum up how far the records of terminals are whole.
-- KEYS the terminals
-- Returns the earliest mark (UTC, ms) or "", how many terminals have none, and how many gaps there are.
local earliest, without, gaps = nil, 0, 0
for _, key in ipairs(KEYS) do
  local told = redis.call('HMGET', key, 'until', 'gaps')
  local mark = tonumber(told[1] or '')
  if not mark then
    without = without + 1
  elseif not earliest or mark < earliest then
    earliest = mark
  end
  if told[2] then gaps = gaps + #cjson.decode(told[2]) end
end
return {earliest and string.format('%.0f', earliest) or '', without, gaps}
