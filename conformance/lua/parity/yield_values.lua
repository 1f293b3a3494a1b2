-- claim: a yield is answered with what is ready, or with a timeout
-- chapter: waits
-- source: the book: integrations
-- covers: W1 W2 W3 W4 W5 W6 W7 W8 W26 W27 W28 W29 G20 G23 G40 G50 cosock.socket.select
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- An object whose waker is called `calls` times by whoever sets it off.
local function wakeable(name)
  local object = trace.hide({}, name)
  function object:setwaker(_, waker)
    self.waker = waker
  end
  return object
end

-- Wakes `wake()` from a task of its own once everybody waits.
local function later(wake)
  cosock.spawn(function()
    socket.sleep(0.005)
    wake()
  end)
end

for _, way in ipairs { "yield", "select" } do
  local wait = way == "yield" and coroutine.yield or socket.select

  local function claim(name, fn, limit)
    trace.task(way .. "." .. name, fn, limit)
  end

  claim("timeout", function() return wait({ wakeable "a" }, nil, 0.01) end)
  claim("timeout.count", function() return select("#", wait({ wakeable "a" }, nil, 0.01)) end)
  claim("no-lists.timeout", function() return wait(nil, nil, 0.01) end)
  claim("zero", function() return wait({ wakeable "a" }, {}, 0) end)
  claim("minus-zero", function() return wait({ wakeable "a" }, {}, -0.0) end)
  claim("negative", function() return wait({ wakeable "a" }, {}, -1) end, 0.25)
  claim("minus-infinity", function() return wait({ wakeable "a" }, {}, -math.huge) end, 0.25)
  claim("text", function() return wait({ wakeable "a" }, {}, "0.01") end)
  claim("false", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return wait({ a }, {}, false)
  end)
  for name, huge in pairs { infinity = math.huge, large = 1e300, ["2^53"] = 2 ^ 53 } do
    claim("huge." .. name, function()
      local a = wakeable "a"
      later(function() a.waker() end)
      return wait({ a }, {}, huge)
    end)
  end
  claim("takes", function()
    return trace.takes(0.03, 5, function() wait({}, {}, 0.03) end)
  end)
  claim("woken", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return wait({ a }, {})
  end)
  claim("woken.sendr", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return wait({}, { a })
  end)
  claim("woken.count", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return select("#", wait({ a }))
  end)
  claim("woken.one-of-two", function()
    local a, b = wakeable "a", wakeable "b"
    later(function() b.waker() end)
    return wait({ a, b }, {}, 1)
  end)
  claim("woken.two-in-order", function()
    local a, b = wakeable "a", wakeable "b"
    later(function() b.waker() a.waker() end)
    return wait({ a, b }, {}, 1)
  end)
  claim("woken.both-lists", function()
    local a, b = wakeable "a", wakeable "b"
    later(function() a.waker() b.waker() end)
    return wait({ a }, { b }, 1)
  end)
  claim("woken.arguments-are-ignored", function()
    local a = wakeable "a"
    later(function() a.waker("reason", 2) end)
    return wait({ a }, {}, 1)
  end)
  claim("woken.twice", function()
    local a = wakeable "a"
    later(function()
      local waker = a.waker
      waker()
      waker()
    end)
    return wait({ a }, {}, 1)
  end)
  claim("woken.late", function()
    local a, b = wakeable "a", wakeable "b"
    local saved
    later(function()
      saved = a.waker
      saved()
    end)
    wait({ a }, {}, 1)
    later(function() saved() end)
    return wait({ b }, {}, 0.1)
  end)
  claim("woken.with-the-deadline", function()
    local a = wakeable "a"
    a.setwaker = function(_, _, waker)
      if waker then
        waker()
      end
    end
    return wait({ a }, {}, 0)
  end)
  claim("list.map", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return wait({ key = a }, nil, 1)
  end)
  claim("list.holes", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    return wait({ nil, nil, a, [10] = wakeable "b" }, nil, 1)
  end)
  claim("ready-socket.zero", function()
    local client, peer = trace.pair()
    trace.hide(client, "client")
    peer:send("data")
    trace.settle()
    return wait({ client }, nil, 0)
  end)
  claim("ready-socket", function()
    local client, peer = trace.pair()
    trace.hide(client, "client")
    peer:send("data")
    trace.settle()
    return wait({ client }, nil, 1)
  end)
  claim("writable-socket", function()
    local client = trace.pair()
    trace.hide(client, "client")
    return wait({ client }, { client }, 1)
  end)
  claim("buffered-socket", function()
    local client, peer = trace.pair()
    trace.hide(client, "client")
    peer:send("line\nmore")
    client:receive()
    return wait({ client }, nil, 1)
  end)
  claim("closed-by-the-peer", function()
    local client, peer = trace.pair()
    trace.hide(client, "client")
    peer:close()
    return wait({ client }, nil, 1)
  end)
  claim("server", function()
    local server = trace.hide(socket.bind("127.0.0.1", 0), "server")
    local client = socket.tcp()
    client:connect(server:getsockname())
    return wait({ server }, nil, 1)
  end)
  claim("channel", function()
    local sender, receiver = channel.new()
    trace.hide(receiver, "receiver")
    later(function() sender:send(1) end)
    return wait({ receiver }, nil, 1)
  end)
  claim("reverse-map", function()
    local a = wakeable "a"
    later(function() a.waker() end)
    local recvr = wait({ a }, nil, 1)
    local keys = 0
    for _ in pairs(recvr) do
      keys = keys + 1
    end
    return #recvr, keys, recvr[a]
  end)
  claim("extra-arguments", function() return wait({}, {}, 0.01, "more", 5) end)
  claim("without-a-descriptor", function()
    local sock = trace.hide(socket.tcp(), "sock")
    return wait({ sock }, nil, 0.02)
  end)
end
