-- Arguments: the method, then "addresses" to come from another client address with every request, or
-- "parameter=NAME" to ask with another value of a parameter every time.
-- Ends with one line of JSON that load.py reads.
local count = 0

local function from_another_address()
  count = count + 1
  local a, b, c = math.random(1, 223), math.random(0, 255), math.random(0, 255)
  wrk.headers["X-Forwarded-For"] = a .. "." .. b .. "." .. c .. "." .. (count % 254 + 1)
  return wrk.format()
end

function init(arguments)
  wrk.method = arguments[1]
  math.randomseed(os.time())
  local name = string.match(arguments[2] or "", "^parameter=(.+)$")
  if name then
    local path, start = wrk.path .. "?" .. name .. "=", math.random(1, 2 ^ 30)
    request = function()
      count = count + 1
      return wrk.format(nil, path .. (start + count))
    end
  elseif arguments[2] == "addresses" then
    request = from_another_address
  end
end

function done(summary, latency, requests)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "bytes": %d, "failed": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    lost + summary.errors.timeout + summary.errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
