-- A number that a method wants as a text becomes one, and a string is made of what it receives: that may run
-- finalizers, and among them that of the method's own inner socket, where a finalizer has the collector go on and
-- calls the method. The method then answers as for a closed socket, and touches nothing of what is gone.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local NUMBER = 1234567

local function connected_datagram()
  local object = network.datagram()
  assert(object:setpeername("127.0.0.1", 9))
  return object
end

-- How each object is made, and the method with its arguments.
local calls = {
  ["send of all"] = { network.pair, "send", NUMBER },
  ["send of a part"] = { network.pair, "send", NUMBER, 1, 3 },
  ["connect"] = { socket.tcp, "connect", "127.0.0.1", 1 },
  ["bind"] = { socket.tcp, "bind", NUMBER, 0 },
  ["send of a datagram"] = { connected_datagram, "send", NUMBER },
  ["sendto of a number"] = { network.datagram, "sendto", NUMBER, "127.0.0.1", 9 },
  ["sendto a number"] = { network.datagram, "sendto", "data", NUMBER, 9 },
  ["sendto a port that is none"] = { network.datagram, "sendto", "data", "127.0.0.1", 9.5 },
  ["setsockname"] = { socket.udp, "setsockname", NUMBER, 0 },
  ["setpeername"] = { network.datagram, "setpeername", NUMBER, 9 },
  -- On LuaJIT such a receive lends what it leaves.
  ["receive"] = { function()
    local object, peer = network.pair()
    assert(peer:send(("a line\n"):rep(200)))
    expect.equal(object:receive(1), "a")
    return object, peer
  end, "receive", 9 },
}

local function with_finalizer(finalize)
  if newproxy then
    getmetatable(newproxy(true)).__gc = finalize
  else
    setmetatable({}, { __gc = finalize })
  end
end

local results, peers = {}, {}

-- Apart, so that nothing of the object stays on the stack.
local function make(name, maker, method, first, second, third)
  local object, peer = maker()
  -- A datagram socket comes with its port.
  peers[#peers + 1] = type(peer) == "table" and peer or nil
  -- Made after the object, and so finalized before it.
  with_finalizer(function()
    local result = { descriptor = object:getfd() }
    local call = object[method]
    -- From here on nothing is made but by the method. Finalizers stop the collector; since 5.4.4 this does not
    -- change that.
    collectgarbage("restart")
    local fine, value, why = pcall(call, object, first, second, third)
    result.fine, result.value, result.why = fine, value, why
    result.closed = object:getfd() == -1
    results[name] = result
  end)
end

cosock.spawn(function()
  for name, call in pairs(calls) do
    make(name, call[1], call[2], call[3], call[4], call[5])
    for _ = 1, 4 do
      collectgarbage()
    end
  end
end, "makes")
cosock.run()
collectgarbage("restart")

local ended = 0
for name in pairs(calls) do
  local result = assert(results[name], name)
  if result.closed and result.descriptor >= 0 then
    ended = ended + 1
    -- What it had received before it was closed it may still tell, and no finalizer may wait.
    local is_told = name == "receive" and result.value
    local is_refused = not result.fine and result.value:find("attempt to yield", 1, true)
    assert(is_told or is_refused or (result.fine and not result.value), name .. ": " .. tostring(result.value))
  end
end
-- In the newest LuaJIT and since 5.4 it cannot come to that.
local nests = expect.version == "5.1" or expect.version == "5.2" or expect.version == "5.3"
assert(ended > 5 or not nests, "only " .. ended .. " sockets were finalized under their methods")

for _, peer in ipairs(peers) do
  peer:close()
end
peers = nil
world.finish()
