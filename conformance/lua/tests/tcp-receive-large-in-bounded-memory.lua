-- Large reads: everything of a 64 MiB stream in one string, and many counts of a million bytes, in
-- memory bounded by a small multiple of what is asked for.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"

expect.usual_collector()

-- A line of /proc/self/status in bytes, or nil where there is none.
local function status(name)
  local file = io.open("/proc/self/status")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  local kilobytes = text:match(name .. ":%s*(%d+) kB")
  return kilobytes and tonumber(kilobytes) * 1024
end

-- Sets the highest resident size back to the current one; tells whether the system can.
local function reset_peak()
  local file = io.open("/proc/self/clear_refs", "w")
  if not file then
    return false
  end
  local done = file:write("5")
  return file:close() and done and true
end

local function peak_growth(work)
  collectgarbage()
  collectgarbage()
  local measured = reset_peak()
  local before = status("VmRSS")
  work()
  local peak = status("VmHWM")
  return measured and before and peak and peak - before or 0
end

local mebibyte = 1024 * 1024
local part = network.bytes(mebibyte)

local growth = peak_growth(function()
  local got
  expect.tasks(function()
    local sock, peer = network.pair()
    cosock.spawn(function()
      for _ = 1, 64 do
        assert(peer:send(part))
      end
      peer:close()
    end, "writer")
    got = sock:receive("*a")
    sock:close()
  end)
  expect.equal(#got, 64 * mebibyte)
  for place = 0, 63 do
    local first = place * mebibyte
    assert(got:sub(first + 1, first + mebibyte) == part, "a byte was lost or repeated")
  end
end)
-- The string, the buffer it was read into, and that buffer once more while it grew.
assert(growth < 64 * mebibyte * 4, "64 MiB took " .. growth / mebibyte .. " MiB")

local data = part:rep(50)
growth = peak_growth(function()
  expect.tasks(function()
    local sock, peer = network.pair()
    cosock.spawn(function()
      assert(peer:send(data))
      peer:close()
    end, "writer")
    local place = 1
    while true do
      local got, err, rest = sock:receive(1e6)
      got = got or rest
      assert(got == data:sub(place, place + 999999), "a byte was lost or repeated")
      place = place + #got
      if err then
        expect.equal(err, "closed")
        break
      end
      if place % 5000000 == 1 then
        collectgarbage()
      end
    end
    expect.equal(place, #data + 1)
    sock:close()
  end)
end)
assert(growth < 50 * mebibyte, "counts of a million bytes took " .. growth / mebibyte .. " MiB")

-- A huge count reserves nothing that does not come.
growth = peak_growth(function()
  expect.tasks(function()
    local sock, peer = network.pair()
    peer:send("little")
    peer:close()
    expect.list(expect.pack(sock:receive(1e12)), { n = 3, nil, "closed", "little" })
    expect.list(expect.pack(sock:receive(2 ^ 62)), { n = 3, nil, "closed", "" })
    expect.list(expect.pack(sock:receive(1e300)), { n = 3, nil, "closed", "" })
    expect.list(expect.pack(sock:receive(math.huge)), { n = 3, nil, "closed", "" })
    sock:close()
  end)
end)
assert(growth < 20 * mebibyte, "a huge count took " .. growth / mebibyte .. " MiB")

world.finish()
