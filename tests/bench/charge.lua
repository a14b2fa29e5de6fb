-- wrk's requests to charge: each names a car of its own, and has a key of its own if KEYED is set.
local keyed = os.getenv("KEYED") == "1"
local energy = os.getenv("ENERGY_KWH") or "0.1"
local thread = 0
local count = 0
local prefix = tostring(os.time())

function setup(thread_)
  thread = thread + 1
  thread_:set("id", thread)
end

function request()
  count = count + 1
  local name = "EV-" .. prefix .. "-" .. id .. "-" .. count
  local body = '{"vehicle_id": "' .. name .. '", "energy_kwh": ' .. energy .. ', "max_power_kw": 11}'
  wrk.headers["Content-Type"] = "application/json"
  if keyed then wrk.headers["Idempotency-Key"] = "key-" .. name end
  return wrk.format("POST", "/charge", nil, body)
end

function response(status)
  if status ~= 201 then refused = (refused or 0) + 1 end
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %f %f %f %f\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
