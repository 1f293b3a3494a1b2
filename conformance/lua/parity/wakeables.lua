-- claim: whatever has setwaker can be waited on, and is called as documented
-- chapter: waits
-- source: the book: integrations
-- covers: W13 W14 W15 W16 W17 W18 W19 W20 W21 W23 W24 W25 I2 X2 X3 G21 tcp:inner_sock
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local notes = {}
local function recorder(name, on_set)
  local object = trace.hide({}, name)
  function object:setwaker(kind, waker)
    notes[#notes + 1] = ("%s:%s:%s"):format(name, kind, waker and "fn" or "nil")
    self.waker = waker
    if waker and on_set then
      on_set(waker)
    end
  end
  return object
end
local function sequence(claim)
  trace.values(claim .. ".sequence", table.concat(notes, ", "))
  notes = {}
end
local function later(wake)
  cosock.spawn(function()
    socket.sleep(0.005)
    wake()
  end)
end

trace.task("timeout", function()
  return socket.select({ recorder "a", recorder "b" }, nil, 0.01)
end)
sequence "timeout"
trace.task("one-woken", function()
  local a, b = recorder "a", recorder "b"
  later(function() a.waker() end)
  return socket.select({ a, b }, nil, 1)
end)
sequence "one-woken"
trace.task("both-woken", function()
  local a, b = recorder "a", recorder "b"
  later(function() local wake_b = b.waker a.waker() wake_b() end)
  return socket.select({ a, b }, nil, 1)
end)
sequence "both-woken"
trace.task("woken-at-once", function()
  return socket.select({ recorder("a", function(waker) waker() end) }, nil, 1)
end)
sequence "woken-at-once"
trace.task("to-write", function()
  local a = recorder "a"
  later(function() a.waker() end)
  return socket.select(nil, { a }, 1)
end)
sequence "to-write"

-- Wakers are functions that return nothing.
trace.task("waker-returns", function()
  local a = recorder "a"
  later(function() trace.values("waker-returns.values", type(a.waker), a.waker()) end)
  return socket.select({ a }, nil, 1)
end)
notes = {}

-- A waker saved, called when its task is over.
trace.task("waker-of-a-task-that-is-over", function()
  local a = recorder "a"
  local saved
  local handle = cosock.spawn(function() socket.select({ a }, nil, 0.005) end)
  socket.sleep(0)
  saved = a.waker
  socket.sleep(0.02)
  return handle:is_alive(), saved()
end)
notes = {}

-- One object for both kinds.
trace.task("both-lists", function()
  local seen = {}
  local a = trace.hide({}, "a")
  function a:setwaker(kind, waker)
    seen[kind] = (seen[kind] or 0) + 1
    self[kind] = waker
  end
  later(function() local write = a.sendr a.recvr() write() end)
  local recvr, sendr, err = socket.select({ a }, { a }, 1)
  trace.values("both-lists.calls", seen.recvr, seen.sendr)
  return recvr, sendr, err
end)

-- Methods found through metatables; the object itself is what appears in the result.
trace.task("through-a-metatable", function()
  local client, peer = trace.pair()
  local wrapper = trace.hide(setmetatable({}, { __index = client }), "wrapper")
  peer:send("data")
  return socket.select({ wrapper }, nil, 1)
end)
trace.task("through-an-index-function", function()
  local client, peer = trace.pair()
  local wrapper = trace.hide(setmetatable({}, {
    __index = function(_, key) return client[key] end,
  }), "wrapper")
  peer:send("data")
  return socket.select({ wrapper }, nil, 1)
end)
trace.task("callable-stream", function()
  local client, peer = trace.pair()
  local stream = setmetatable({}, {
    __index = client,
    __call = function(self) return self:receive() end,
  })
  peer:send("line\n")
  return stream()
end)
trace.task("receive-through-a-wrapper-that-waits", function()
  local client, peer = trace.pair()
  local stream = setmetatable({}, { __index = client })
  later(function() peer:send("line\n") end)
  return stream:receive()
end)

-- A foreign object with the descriptor of a socket, its own setwaker and _wake.
trace.task("foreign-udp", function()
  local udp = socket.udp()
  udp:setsockname("127.0.0.1", 0)
  local _, port = udp:getsockname()
  local foreign = trace.hide({ inner_sock = udp.inner_sock }, "foreign")
  function foreign:setwaker(kind, waker)
    assert(kind == "recvr")
    self.waker = waker
  end
  function foreign:_wake(kind)
    self.kind = kind
    if self.waker then
      self.waker()
      return true
    end
  end
  later(function() udp:sendto("datagram", "127.0.0.1", port) end)
  local recvr, sendr, err = socket.select({ foreign }, nil, 1)
  trace.values("foreign-udp.kind", foreign.kind)
  trace.values("foreign-udp.data", udp:receive())
  return recvr, sendr, err
end)
trace.task("_wake-is-looked-up-when-it-is-needed", function()
  local client, peer = trace.pair()
  local foreign = trace.hide({ inner_sock = client.inner_sock }, "foreign")
  function foreign:setwaker(_, waker)
    self.waker = waker
  end
  later(function()
    function foreign:_wake()
      self.waker()
    end
    peer:send("data")
  end)
  function foreign._wake() error("replaced meanwhile") end
  return socket.select({ foreign }, nil, 1)
end)
trace.task("replaced-method", function()
  local original = socket.tcp.receive
  local calls = 0
  function socket.tcp.receive(...)
    calls = calls + 1
    return original(...)
  end
  local client, peer = trace.pair()
  peer:send("line\n")
  local line = client:receive()
  socket.tcp.receive = original
  return line, calls
end)
trace.task("replaced-setwaker", function()
  local client, peer = trace.pair()
  local kinds = {}
  function client:setwaker(kind, waker)
    kinds[#kinds + 1] = kind .. " " .. type(waker)
    return socket.tcp.setwaker(self, kind, waker)
  end
  later(function() peer:send("line\n") end)
  local line = client:receive()
  return line, table.concat(kinds, ", ")
end)

-- Two objects over one descriptor.
trace.task("shared-descriptor", function()
  local client, peer = trace.pair()
  local twin = setmetatable({ inner_sock = client.inner_sock, class = client.class }, getmetatable(client))
  trace.hide(client, "client")
  trace.hide(twin, "twin")
  later(function() peer:send("data") end)
  local recvr = socket.select({ client, twin }, nil, 1)
  return #recvr
end)

-- A real socket refuses a second waiter, of whatever task.
trace.task("second-reader", function()
  local client, peer = trace.pair()
  cosock.spawn(function() trace.values("second-reader.first", client:receive()) end)
  cosock.spawn(function()
    socket.sleep(0.005)
    trace.values("second-reader.second", client:receive())
  end)
  -- Long enough that the second one is there before, also on a busy machine.
  socket.sleep(0.25)
  peer:send("line\n")
  socket.sleep(0.01)
  return "goes on"
end)
trace.task("twice-in-one-list", function()
  local client = trace.pair()
  return socket.select({ client, client }, nil, 0.01)
end)
trace.task("one-reads-one-writes", function()
  local client, peer = trace.pair()
  local line
  cosock.spawn(function() line = client:receive() end)
  cosock.spawn(function() client:send("to peer\n") end)
  local theirs = peer:receive()
  peer:send("to client\n")
  trace.settle()
  return theirs, line
end)
