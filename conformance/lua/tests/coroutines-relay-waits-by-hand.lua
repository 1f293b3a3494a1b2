-- A coroutine inside a task that waits yields the protocol's three values to whoever resumed it; a program
-- that passes them on and the results back makes any wait work at any depth, on every version.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local unpack = table.unpack or unpack

-- Runs `fn` in a coroutine of its own and passes its yields on by hand; counts them.
local function relay(counter, fn, ...)
  local co = coroutine.create(fn)
  local results = expect.pack(coroutine.resume(co, ...))
  while results[1] and coroutine.status(co) == "suspended" do
    counter.yields = (counter.yields or 0) + 1
    expect.equal(results.n, 4, "values of a wait")
    results = expect.pack(coroutine.resume(co, coroutine.yield(unpack(results, 2, results.n))))
  end
  if not results[1] then
    error(results[2], 0)
  end
  return unpack(results, 2, results.n)
end

local function nested(depth, counter, fn, ...)
  if depth == 0 then
    return fn(...)
  end
  return relay(counter, nested, depth - 1, counter, fn, ...)
end

-- What is yielded: the object in its list, the other list empty or nil, the timeout.
do
  local _, rx = channel.new()
  rx:settimeout(5)
  local sock = network.datagram()
  sock:settimeout(7)
  local foreign = { setwaker = function() end }
  local function first_yield(fn)
    local results = expect.pack(coroutine.resume(coroutine.create(fn)))
    expect.equal(results.n, 4)
    expect.equal(results[1], true)
    return results[2], results[3], results[4]
  end
  local function is_empty(list)
    return list == nil or next(list) == nil
  end
  cosock.spawn(function()
    local recvt, sendt, timeout = first_yield(function()
      rx:receive()
    end)
    expect.list(recvt, { rx })
    expect.equal(is_empty(sendt), true)
    expect.equal(timeout, 5)
    recvt, sendt, timeout = first_yield(function()
      sock:receive()
    end)
    expect.list(recvt, { sock })
    expect.equal(is_empty(sendt), true)
    expect.equal(timeout, 7)
    recvt, sendt, timeout = first_yield(function()
      socket.sleep(3)
    end)
    expect.equal(is_empty(recvt) and is_empty(sendt), true)
    expect.equal(timeout, 3)
    local list = { foreign }
    recvt, sendt, timeout = first_yield(function()
      socket.select(list, nil, 2)
    end)
    expect.equal(recvt, list)
    expect.equal(sendt, nil)
    expect.equal(timeout, 2)
  end)
  cosock.run()
  sock:close()
  -- Outside any task and run, coroutines of the user's own yield the same.
  local recvt = first_yield(function()
    rx:receive()
  end)
  expect.list(recvt, { rx })
end

-- Every kind of wait, one to four coroutines deep.
for depth = 1, 4 do
  local counter = {}
  cosock.spawn(function()
    local tx, rx = channel.new()
    cosock.spawn(function()
      socket.sleep(0)
      tx:send "message"
      tx:send(nil)
    end)
    expect.equal(nested(depth, counter, rx.receive, rx), "message")
    expect.equal(nested(depth, counter, select, "#", nested(depth, counter, rx.receive, rx)), 1)
    rx:settimeout(0.001)
    expect.list(expect.pack(nested(depth, counter, rx.receive, rx)), { nil, "timeout", n = 2 })

    expect.equal(nested(depth, counter, select, "#", nested(depth, counter, socket.sleep, 0.001)), 0)
    expect.list(expect.pack(nested(depth, counter, socket.select, { rx }, nil, 0.001)),
      { nil, nil, "timeout", n = 3 })

    local listener, port = network.listener()
    local client, peer
    cosock.spawn(function()
      client = nested(depth, counter, function()
        return assert(socket.connect("127.0.0.1", port))
      end)
    end)
    peer = nested(depth, counter, listener.accept, listener)
    expect.equal(peer.class, "tcp{client}")
    while not client do
      socket.sleep(0)
    end
    cosock.spawn(function()
      for _, part in ipairs { "li", "ne\nre", "st\n123", "45" } do
        assert(client:send(part))
        socket.sleep(0.002)
      end
      client:close()
    end)
    expect.equal(nested(depth, counter, peer.receive, peer), "line")
    expect.equal(nested(depth, counter, peer.receive, peer, "*l", "the "), "the rest")
    expect.equal(nested(depth, counter, peer.receive, peer, 5), "12345")
    expect.list(expect.pack(nested(depth, counter, peer.receive, peer, 5)), { nil, "closed", "", n = 3 })
    peer:close()
    listener:close()

    local big = ("0123456789"):rep(400000)
    client, peer = network.pair()
    local received
    cosock.spawn(function()
      received = peer:receive(#big)
    end)
    expect.equal(nested(depth, counter, client.send, client, big), #big)
    while not received do
      socket.sleep(0.001)
    end
    expect.equal(received == big, true)
    client:close()
    peer:close()

    local udp, udp_port = network.datagram()
    cosock.spawn(function()
      udp:sendto("datagram", "127.0.0.1", udp_port)
    end)
    local results = expect.pack(nested(depth, counter, udp.receivefrom, udp))
    expect.list(results, { "datagram", "127.0.0.1", udp_port, n = 3 })
    udp:close()
  end)
  cosock.run()
  expect.equal(counter.yields >= 8, true, "waits were relayed: " .. counter.yields)
  expect.nothing_waits()
end

-- An error inside comes out where the relay raises it, and the task goes on.
do
  local went_on = false
  cosock.spawn(function()
    local fine, raised = coroutine.resume(coroutine.create(function()
      socket.sleep(0)
    end))
    expect.equal(fine, true)
    expect.equal(raised, nil)
    fine, raised = coroutine.resume(coroutine.create(function()
      error("inside", 0)
    end))
    expect.equal(fine, false)
    expect.equal(raised, "inside")
    socket.sleep(0)
    went_on = true
  end)
  cosock.run()
  expect.equal(went_on, true)
end

-- A coroutine of one task that another task goes on with: the waits are then the other's.
do
  local tx, rx = channel.new()
  local co = coroutine.create(function()
    local first = rx:receive()
    return first .. rx:receive()
  end)
  local handed, result = {}, nil
  cosock.spawn(function()
    handed = expect.pack(coroutine.resume(co))
    expect.equal(handed[1], true)
  end, "starts it")
  cosock.spawn(function()
    while coroutine.status(co) == "suspended" do
      handed = expect.pack(coroutine.resume(co, coroutine.yield(unpack(handed, 2, handed.n))))
      expect.equal(handed[1], true)
    end
    result = handed[2]
  end, "goes on with it")
  cosock.spawn(function()
    tx:send "a"
    socket.sleep(0)
    socket.sleep(0)
    tx:send "b"
  end)
  cosock.run()
  expect.equal(result, "ab")
end

-- A plain generator, which yields values of its own, is no business of cosock's.
do
  local sum = 0
  cosock.spawn(function()
    local generate = coroutine.wrap(function()
      for number = 1, 10 do
        coroutine.yield(number)
      end
    end)
    for number in generate do
      socket.sleep(0)
      sum = sum + number
    end
  end)
  cosock.run()
  expect.equal(sum, 55)
end

world.finish()
