-- A send for which the system has no room waits, as in the rock: with the socket's timeout, beside other tasks, in a
-- coroutine of a task; and ends when the socket is closed. A full buffer is that of a stream, whose descriptor
-- an object of datagrams may have: loopback has room for all datagrams.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- Objects that send by `send` and by `sendto` through a full buffer; how to send; and what drains it.
local function full(is_connected)
  local stream, peer = network.pair()
  -- Which do not grow then.
  stream:setoption("send-buffer-size", 20000)
  peer:setoption("recv-buffer-size", 20000)
  stream:settimeout(0)
  -- Until nothing is on its way any more that makes room.
  local refused = 0
  while refused < 30 do
    local _, _, sent = stream:send(("x"):rep(100000))
    refused = sent == 0 and refused + 1 or 0
    socket.sleep(0.002)
  end
  local sock = socket.udp()
  if is_connected then
    expect.equal(sock:setpeername("127.0.0.1", 9), 1)
    local own = sock:getfd()
    sock:setfd(stream:getfd())
    local heir = socket.udp()
    heir:setfd(own)
    heir:close()
  else
    sock:setfd(stream:getfd())
  end
  stream:setfd(-1)
  local function send(object, data)
    if is_connected then
      return object:send(data)
    end
    return object:sendto(data, "127.0.0.1", 9)
  end
  local function drain()
    peer:settimeout(0.01)
    local text = network.drain(peer, 100000)
    return text
  end
  return sock, send, drain, peer
end

for _, is_connected in ipairs { true, false } do
  -- Until there is room.
  expect.tasks(function()
    local sock, send, drain, peer = full(is_connected)
    local results
    cosock.spawn(function() results = expect.pack(send(sock, "the end")) end, "sender")
    socket.sleep(0.01)
    expect.equal(results, nil)
    local text = drain()
    network.wait_until(function() return results end)
    check(results, 7)
    text = text .. drain()
    expect.equal(text:sub(-8), "xthe end")
    sock:close()
    peer:close()
  end)

  -- No longer than the timeout says, of each wait or of the whole; the inner socket only tries.
  expect.tasks(function()
    local sock, send, drain, peer = full(is_connected)
    for _, limit in ipairs { { 0.03 }, { 0.03, "t" }, { 0 } } do
      sock:settimeout(nil)
      sock:settimeout(limit[1], limit[2])
      local began = socket.gettime()
      check(expect.pack(send(sock, "x")), nil, "timeout")
      assert(socket.gettime() - began >= limit[1])
      sock:settimeout(nil, "t")
    end
    check(expect.pack(send(sock.inner_sock, "x")), nil, "timeout")
    expect.nothing_waits { tasks = 1 }
    assert(#drain() > 0)
    sock:close()
    peer:close()
  end)

  -- Who sends second is told; a close ends the wait.
  expect.tasks(function()
    local sock, send, _, peer = full(is_connected)
    local first, second
    cosock.spawn(function() first = expect.pack(send(sock, "x")) end, "first")
    cosock.spawn(function() second = expect.pack(pcall(send, sock, "x")) end, "second")
    network.wait_until(function() return second end)
    expect.equal(second[1], false)
    expect.contains(second[2], "sendr waker already set")
    expect.equal(first, nil)
    sock:close()
    network.wait_until(function() return first end)
    check(first, nil, "closed")
    peer:close()
  end)

  -- In a coroutine whose waits the task passes on; where the language cannot go on in one, there is no wait.
  expect.tasks(function()
    local sock, send, drain, peer = full(is_connected)
    local co = coroutine.create(function() return send(sock, "the end") end)
    local values = expect.pack(coroutine.resume(co))
    if coroutine.status(co) == "dead" then
      assert(expect.version == "5.1" or expect.version == "jit")
      check(values, true, nil, "timeout")
    else
      cosock.spawn(drain, "drain")
      while coroutine.status(co) ~= "dead" do
        values = expect.pack(coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])))
      end
      check(values, true, 7)
    end
    sock:close()
    peer:close()
  end)

  -- Outside of any task nothing can wait.
  local sock, send, peer
  expect.tasks(function()
    local _
    sock, send, _, peer = full(is_connected)
  end)
  check(expect.pack(send(sock, "x")), nil, "timeout")
  sock:close()
  peer:close()
end

-- What a datagram cannot be is told at once, and leaves nothing behind.
expect.tasks(function()
  local sock, port = network.datagram()
  check(expect.pack(sock:sendto(("x"):rep(70000), "127.0.0.1", port)), nil, "Message too long")
  sock:close()
end)
expect.nothing_waits()

world.finish()
