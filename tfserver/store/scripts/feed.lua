-- A page of the stream, and from where on the stream is whole: both of one moment, so that no trimming comes between.
-- KEYS 1 hash of the archive, 2 stream of punches · ARGV 1 from this place on, 2 how many at most
-- Returns {trimmed, id of the archive or "", entries}; no entries when the stream is not whole from the place on:
-- before "trimmed", what there is may be in the archive only.
local told = redis.call('HMGET', KEYS[1], 'trimmed', 'archive')
local trimmed, archive = told[1] or '0-0', told[2] or ''
local function split(place)
  local ms, seq = string.match(place, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local ms, seq = split(ARGV[1])
local whole_ms, whole_seq = split(trimmed)
if ms < whole_ms or (ms == whole_ms and seq < whole_seq) then return { trimmed, archive } end
return { trimmed, archive, redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2]) }
