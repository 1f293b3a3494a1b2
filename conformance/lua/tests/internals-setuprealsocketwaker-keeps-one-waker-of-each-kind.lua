-- setuprealsocketwaker gives a table setwaker and _wake: one waker of each kind, kept in the object's own
-- `wakers`; and what our sockets' own setwaker and _wake do, which are alike.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local internals = require "cosock.socket.internals"
local socket = cosock.socket

-- A class of both kinds, the names of the kinds being the caller's.
local function class(...)
  local methods = {}
  expect.equal(select("#", internals.setuprealsocketwaker(methods, ...)), 0)
  expect.equal(type(methods.setwaker), "function")
  expect.equal(type(methods._wake), "function")
  methods.__index = methods
  return methods
end

local function silenced(fn)
  -- A wake without a waker is noted on stderr; nothing of it is on stdout.
  local print_before = print
  local printed = false
  print = function() -- luacheck: ignore
    printed = true
  end
  local results = expect.pack(fn())
  print = print_before -- luacheck: ignore
  expect.equal(printed, false)
  return results
end

local made = setmetatable({}, class())
local only_reads = setmetatable({}, class { "recvr" })
local own_kinds = setmetatable({}, class { "left", "right" })
local sock = network.datagram()

for _, case in ipairs {
  { made, { "recvr", "sendr" }, { "other", "", "left" } },
  { only_reads, { "recvr" }, { "sendr", "other" } },
  { own_kinds, { "left", "right" }, { "recvr", "sendr" } },
  { sock, { "recvr", "sendr" }, { "other", "" } },
} do
  local object, kinds, others = case[1], case[2], case[3]
  expect.equal(rawget(object, "wakers"), nil, "made at first use")
  for _, kind in ipairs(kinds) do
    local woken
    local function waker(...)
      woken = expect.pack(...)
      return "dropped"
    end
    expect.equal(select("#", object:setwaker(kind, waker)), 0)
    expect.equal(object.wakers[kind], waker)
    expect.raises(kind .. " waker already set, sockets can only block one thread per waker kind",
      object.setwaker, object, kind, waker)
    -- The same again is a second one too; nil takes it away, and may come twice.
    expect.equal(object.wakers[kind], waker)
    object:setwaker(kind, nil)
    object:setwaker(kind)
    expect.equal(object.wakers[kind], nil)
    object:setwaker(kind, waker)
    expect.list(expect.pack(object:_wake(kind, "argument", nil, 3, nil)), { true, n = 1 })
    expect.list(woken, { "argument", nil, 3, nil, n = 4 })
    expect.equal(object.wakers[kind], nil)
    expect.list(silenced(function()
      return object:_wake(kind)
    end), { false, n = 1 })
  end
  for _, kind in ipairs(others) do
    expect.raises("unsupported wake kind: " .. kind, object.setwaker, object, kind, print)
    expect.raises("unsupported wake kind: " .. kind, object.setwaker, object, kind)
  end
  expect.raises("unsupported wake kind: nil", object.setwaker, object)
  expect.raises("unsupported wake kind: ", object.setwaker, object, {}, print)
end

-- One kind does not disturb the other.
sock:setwaker("recvr", print)
sock:setwaker("sendr", type)
expect.equal(sock.wakers.recvr, print)
sock:setwaker("recvr", nil)
expect.equal(sock.wakers.sendr, type)
sock:setwaker("sendr", nil)

-- A waker set by hand on a socket is a waiter: a task cannot wait beside it, in this direction.
do
  local raised
  sock:setwaker("recvr", function() end)
  cosock.spawn(function()
    sock:receive()
  end, nil, {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.run()
  expect.contains(raised, "recvr waker already set")
  cosock.spawn(function()
    expect.list(select(2, socket.select(nil, { sock }, 5)), { sock })
  end)
  cosock.run()
  sock:setwaker("recvr", nil)
end

-- And the other way round: while a task waits, nobody sets one.
do
  local raised
  cosock.spawn(function()
    sock:settimeout(0.005)
    sock:receive()
    sock:settimeout(nil)
  end)
  cosock.spawn(function()
    raised = expect.raises("recvr waker already set", sock.setwaker, sock, "recvr", print)
    sock:setwaker("sendr", print)
    sock:setwaker("sendr", nil)
    -- Taking away what was never set is no harm to the task.
    sock:setwaker("recvr", nil)
  end)
  cosock.run()
  expect.equal(type(raised), "string")
end

-- _wake on a socket whose task is parked in a method makes that try again; it goes on waiting when in vain.
do
  local _, port = sock:getsockname()
  local got
  cosock.spawn(function()
    got = sock:receive()
  end)
  cosock.spawn(function()
    for _ = 1, 3 do
      expect.equal(sock:_wake "recvr", true)
      socket.sleep(0)
      socket.sleep(0)
      expect.equal(got, nil)
    end
    assert(sock:sendto("datagram", "127.0.0.1", tonumber(port)))
  end)
  cosock.run()
  expect.equal(got, "datagram")
end

-- _wake on a socket in a select wakes that.
do
  local ready
  cosock.spawn(function()
    ready = socket.select({ sock }, nil, 5)
  end)
  cosock.spawn(function()
    socket.sleep(0)
    expect.equal(sock:_wake "recvr", true)
  end)
  cosock.run()
  expect.list(ready, { sock })
end

-- A class set up over one of ours: replaced methods are what the scheduler calls.
do
  local noisy = network.datagram()
  local log = {}
  local methods = class()
  noisy.setwaker = function(self, kind, waker)
    log[#log + 1] = kind .. (waker and " fn" or " nil")
    return methods.setwaker(self, kind, waker)
  end
  noisy._wake = function(self, kind, ...)
    log[#log + 1] = "_wake " .. kind
    return methods._wake(self, kind, ...)
  end
  local _, port = noisy:getsockname()
  local got
  cosock.spawn(function()
    got = noisy:receive()
  end)
  cosock.spawn(function()
    for _ = 1, 3 do
      socket.sleep(0)
    end
    assert(sock:sendto("datagram", "127.0.0.1", tonumber(port)))
  end)
  cosock.run()
  expect.equal(got, "datagram")
  expect.list(log, { "recvr fn", "_wake recvr", "recvr nil", "recvr nil" })
  noisy:close()
end

-- A table that is no table, kinds that are none.
for _, bad in ipairs { 5, true } do
  expect.raises("", internals.setuprealsocketwaker, bad)
  expect.raises("", internals.setuprealsocketwaker, {}, bad)
end

sock:close()
world.finish()
