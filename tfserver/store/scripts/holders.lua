-- What some terminals have of one person.
-- KEYS the holdings of these terminals · ARGV 1 enrollid, then the slots that are looked for; what a person has beside
-- them stands in its sixth field.
-- Returns for each {person (JSON) or "", slot, JSON, …}.
local found = {}
for place, key in ipairs(KEYS) do
  local text = redis.call('HGET', key, ARGV[1]) or ''
  local names, slots = {}, {}
  for n = 2, #ARGV do names[#names + 1], slots[#slots + 1] = ARGV[1] .. '/' .. ARGV[n], ARGV[n] end
  for n in string.gmatch(text ~= '' and cjson.decode(text)[6] or '', '%d+') do
    names[#names + 1], slots[#slots + 1] = ARGV[1] .. '/' .. n, n
  end
  local row = {text}
  for n, value in ipairs(redis.call('HMGET', key, unpack(names))) do
    if value then row[#row + 1], row[#row + 2] = slots[n], value end
  end
  found[place] = row
end
return found
