/**
 * The Lua scripts of the live tally. Redis runs a script alone and to its end, but does not take back
 * what a script wrote before it failed: so each one reads and checks everything it needs first, and
 * writes absolute values afterwards, with nothing left that could fail.
 *
 * KEYS of each: state, counts, books, closes, acts, met (the acts' names); one hash slot a partition.
 * Hash fields are JSON arrays; numbers travel as decimal strings, exact up to 2^53.
 *
 * What moves counts is told on a channel inside the script that moves them, so that no reader sees the
 * one without the other. Telling may fail, moving may not: readers find by the offsets what they missed.
 */

/** Checks that each key is of its type or absent: a wrong one must fail before the first write. */
const CHECK_TYPES = `
local kinds = {'hash', 'hash', 'hash', 'hash', 'list', 'set'}
for i, kind in ipairs(kinds) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('APURA_CORRUPT key ' .. KEYS[i] .. ' is a ' .. found)
  end
end
`;

/** `sums(key, pairs)`: the absolute values that the increments lead to, read before any write. */
const SUMS = `
local CHUNK = 1000
local function sums(key, pairs)
  local result = {}
  for first = 1, #pairs, CHUNK do
    local fields = {}
    local last = math.min(first + CHUNK - 1, #pairs)
    for i = first, last do fields[#fields + 1] = pairs[i][1] end
    local current = redis.call('HMGET', key, unpack(fields))
    for i = first, last do
      local before = current[i - first + 1]
      local number = 0
      if before then number = tonumber(before) end
      if not number then
        return nil, 'APURA_CORRUPT ' .. key .. ' holds ' .. tostring(before)
      end
      result[#result + 1] = {pairs[i][1], string.format('%.0f', number + tonumber(pairs[i][2]))}
    end
  end
  return result
end
local function put(key, values)
  for first = 1, #values, CHUNK do
    local flat = {}
    for i = first, math.min(first + CHUNK - 1, #values) do
      flat[#flat + 1] = values[i][1]
      flat[#flat + 1] = values[i][2]
    end
    redis.call('HSET', key, unpack(flat))
  end
end
`;

/** Writes a step's or a replacement's content: \`content\` is decoded, \`counts\` and \`books\` are summed. */
const WRITE_CONTENT = `
put(KEYS[2], counts)
put(KEYS[3], books)
for _, close in ipairs(content.closes) do
  local known = redis.call('HGET', KEYS[4], close[1])
  if not known or tonumber(close[2]) < tonumber(known) then
    redis.call('HSET', KEYS[4], close[1], close[2])
  end
end
for _, act in ipairs(content.acts) do
  if redis.call('SADD', KEYS[6], act[1]) == 1 then redis.call('RPUSH', KEYS[5], act[2]) end
end
`;

const SET_POSITION = `
redis.call('HSET', KEYS[1], 'nextOffset', ARGV[3], 'logTime', ARGV[4],
  'windowStartOffset', ARGV[5], 'lastBlockCrc', ARGV[6])
`;

/**
 * `raised(epoch)`: an epoch above this one. Epochs follow the server's clock where that is ahead, so that
 * one which was given out before a flush is below every one after it. In microseconds: a client takes
 * over, is flushed away and another takes over within one millisecond. Below 2^53 until the year 2255.
 */
const RAISED = `
local function raised(epoch)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  return string.format('%.0f', math.max(tonumber(epoch or '0') + 1, now))
end
`;

/** → epoch, then the state, closes and acts. */
export const TAKE_OVER = `
${CHECK_TYPES}
${RAISED}
local epoch = raised(redis.call('HGET', KEYS[1], 'epoch'))
redis.call('HSET', KEYS[1], 'epoch', epoch)
return {epoch, redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[4]),
  redis.call('LRANGE', KEYS[5], 0, -1)}
`;

/** Counts of more than this are not told: readers read the partition. Bytes. */
export const CHANGE_BYTES_MAX = 65_536;

/**
 * ARGV: epoch, from, nextOffset, logTime, windowStartOffset, lastBlockCrc, counts, the rest of the
 * content, channel, message of a gap, beginning of the step's message. → CommitOutcome.
 */
export const COMMIT = `
${CHECK_TYPES}
${SUMS}
local state = redis.call('HMGET', KEYS[1], 'epoch', 'nextOffset')
if not state[1] or tonumber(state[1]) ~= tonumber(ARGV[1]) then return 'fenced' end
local at = tonumber(state[2] or '0')
if tonumber(ARGV[3]) <= at then return 'already-applied' end
if tonumber(ARGV[2]) ~= at then return 'misaligned' end
local content = cjson.decode(ARGV[8])
local counts, problem = sums(KEYS[2], cjson.decode(ARGV[7]))
if not counts then return redis.error_reply(problem) end
local books, trouble = sums(KEYS[3], content.books)
if not books then return redis.error_reply(trouble) end
${SET_POSITION}
${WRITE_CONTENT}
local message = ARGV[10]
if #ARGV[7] <= ${CHANGE_BYTES_MAX} then message = ARGV[11] .. ARGV[7] .. ']' end
redis.pcall('PUBLISH', ARGV[9], message)
return 'applied'
`;

/** ARGV: unused, expectedNextOffset, then as COMMIT. → 1, or 0 where the store stands elsewhere. */
export const REPLACE = `
${CHECK_TYPES}
${RAISED}
local state = redis.call('HMGET', KEYS[1], 'epoch', 'nextOffset')
if tonumber(state[2] or '0') ~= tonumber(ARGV[2]) then return 0 end
local content = cjson.decode(ARGV[8])
local added = cjson.decode(ARGV[7])
local epoch = raised(state[1])
${SUMS}
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
local counts = sums(KEYS[2], added)
local books = sums(KEYS[3], content.books)
redis.call('HSET', KEYS[1], 'epoch', epoch)
${SET_POSITION}
${WRITE_CONTENT}
redis.pcall('PUBLISH', ARGV[9], ARGV[10])
return 1
`;

/** → state, counts, books: all of one instant. */
export const READ = `
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}
`;
