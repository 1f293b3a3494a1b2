-- More than 1,024 descriptors are normal: 1,500 connected pairs in one process, all of them waited on, and
-- one select over all. Running out of descriptors is an error of that one call.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

expect.usual_collector()

local pairs_wanted = 1500

-- How many descriptors this process may have; nil where that cannot be told.
local function limit()
  local file = io.open("/proc/self/limits")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return tonumber(text:match("Max open files%s+(%d+)"))
end

-- A shell raises the limit as far as it may, and runs this script again in the same interpreter.
local function again_with_a_higher_limit()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  local function quoted(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
  end
  local command = "ulimit -n " .. pairs_wanted * 2 + 100 .. " 2>/dev/null || exit 77; exec "
    .. quoted(arg[first]) .. " " .. quoted(arg[0]) .. " again"
  local result, _, code = os.execute(command)
  -- 5.1 and LuaJIT give the system's status, later versions three values.
  local status = type(result) == "number" and math.floor(result / 256) or code
  return status
end

local available = limit()
if arg[1] ~= "again" and available and available < pairs_wanted * 2 + 100 then
  local status = again_with_a_higher_limit()
  if status == 77 then
    print("skipped: this process may have no more than " .. available .. " descriptors")
    world.finish()
  else
    assert(status == 0, status)
  end
  os.exit(0)
end

-- Everybody waits in a task of its own and gets what is his; then one task waits for all at once.
expect.tasks(function()
  local server, port = network.listener("127.0.0.1", 128)
  local clients, peers = {}, {}
  for place = 1, pairs_wanted do
    clients[place] = assert(socket.connect("127.0.0.1", port))
    peers[place] = assert(server:accept())
  end
  assert(clients[pairs_wanted]:getfd() > 1024 and peers[pairs_wanted]:getfd() > 2 * 1024)
  local got = 0
  for place = 1, pairs_wanted do
    cosock.spawn(function()
      expect.equal(clients[place]:receive(), "number " .. place)
      got = got + 1
    end, "client")
  end
  socket.sleep(0)
  for place = pairs_wanted, 1, -1 do
    expect.equal((peers[place]:send("number " .. place .. "\n")), #("number " .. place) + 1)
  end
  network.wait_until(function() return got == pairs_wanted end)

  local recvr, _, err = socket.select(clients, nil, 0)
  expect.equal(recvr, nil)
  expect.equal(err, "timeout")
  local chosen = { 1, 700, 1023, 1024, 1025, pairs_wanted }
  for _, place in ipairs(chosen) do
    peers[place]:send("x")
  end
  network.wait_until(function()
    recvr = socket.select(clients, nil, 10)
    return #recvr == #chosen
  end)
  for _, place in ipairs(chosen) do
    assert(recvr[clients[place]], place)
  end
  local _, sendr = socket.select(nil, peers, 10)
  expect.equal(#sendr, pairs_wanted)
  for place = 1, pairs_wanted do
    clients[place]:close()
    peers[place]:close()
  end
  server:close()
end)

-- Out of descriptors: each call that needs one fails by itself, and works again when there are some.
local exhausted = [[
local cosock = require "cosock"
local socket = cosock.socket
cosock.spawn(function()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local waiting = assert(socket.connect("127.0.0.1", port))
  local held = {}
  while true do
    local sock = socket.tcp6()
    if not sock then break end
    held[#held + 1] = sock
  end
  local full = "Too many open files"
  local function check(done, err)
    assert(not done and err == full, tostring(done) .. " " .. tostring(err))
  end
  check(socket.tcp6())
  check(socket.udp6())
  check(socket.bind("127.0.0.1", 0))
  check(socket.connect("127.0.0.1", port))
  check(socket.udp():setsockname("127.0.0.1", 0))
  check(socket.udp():setpeername("127.0.0.1", port))
  check(socket.tcp():bind("127.0.0.1", 0))
  check(socket.tcp():connect("127.0.0.1", port))
  check(server:accept())
  -- What is open works on, and others are not disturbed.
  socket.sleep(0)
  table.remove(held):close()
  local accepted = assert(server:accept())
  waiting:send("line\n")
  assert(accepted:receive() == "line")
  for _, each in ipairs(held) do each:close() end
  local second = assert(socket.connect("127.0.0.1", port))
  print("fine")
end)
cosock.run()
]]
do
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(exhausted)
  file:close()
  local pipe = assert(io.popen("ulimit -n 64; '" .. arg[first] .. "' " .. name .. " 2>&1"))
  local output = pipe:read("*a")
  pipe:close()
  os.remove(name)
  expect.equal(output, "fine\n")
end

world.finish()
