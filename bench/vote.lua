-- Makes wrk send votes: each with an Idempotency-Key of its own, a UUIDv7 in this machine's time, and
-- the options in turn. Arguments: 9 hex digits drawn for the run, the poll, the options.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } apura_time;
  int clock_gettime(int clock, apura_time *time);
]]

local format, floor = string.format, math.floor
local now = ffi.new("apura_time")
local head, middle, tails
local sent, shown_at, shown = 0, -1, ""

local function milliseconds()
  ffi.C.clock_gettime(0, now)
  return tonumber(now.seconds) * 1000 + floor(tonumber(now.nanoseconds) / 1e6)
end

function init(args)
  local run, poll = args[1], args[2]
  middle = format("7%s-8%s-%s", run:sub(1, 3), run:sub(4, 6), run:sub(7, 9))
  head = "POST /v1/polls/" .. poll .. "/votes HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nContent-Type: application/json\r\nIdempotency-Key: "
  tails = {}
  for at = 3, #args do
    local body = format('{"option":"%s"}', args[at])
    tails[#tails + 1] = "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  end
end

function request()
  local ms = milliseconds()
  if ms ~= shown_at then
    shown_at = ms
    local high = floor(ms / 65536)
    shown = format("%08x-%04x-", high, ms - high * 65536) .. middle
  end
  sent = sent + 1
  return head .. shown .. format("%09x", sent) .. tails[sent % #tails + 1]
end

-- One line of JSON instead of wrk's rounded words. Times in microseconds.
function done(summary, latency)
  local errors = summary.errors
  print(format(
    'bench {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d,' ..
    '"failed":%d,"refused":%d}',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
