-- Receivers in select and under wakers of the user's own: told when there is a message or the channel is
-- closed, at once if that was so before.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- select: a message sent before or after; a close before or after, by either side.
for _, event in ipairs { "send", "close", "close by the receiver" } do
  for _, when in ipairs { "before", "after" } do
    local tx, rx = channel.new()
    local _, silent = channel.new()
    local function act()
      if event == "send" then
        tx:send "message"
      elseif event == "close" then
        tx:close()
      else
        rx:close()
      end
    end
    if when == "before" then
      act()
    end
    local ready, result, err
    cosock.spawn(function()
      local recvr, sendr, problem = socket.select({ silent, rx }, nil, 1000)
      ready = recvr
      expect.equal(sendr, nil)
      expect.equal(problem, nil)
      result, err = rx:receive()
    end)
    cosock.spawn(function()
      if when == "after" then
        socket.sleep(0)
        act()
      end
    end)
    cosock.run()
    expect.list(ready, { rx })
    expect.equal(result, event == "send" and "message" or nil)
    expect.equal(err, event ~= "send" and "closed" or nil)
    expect.equal(rx.link.waker, nil)
    expect.nothing_waits()
  end
end

-- Both of two, in the order of their messages; several messages are one readiness, and stay readable.
do
  local tx1, rx1 = channel.new()
  local tx2, rx2 = channel.new()
  cosock.spawn(function()
    local ready = socket.select { rx1, rx2 }
    expect.list(ready, { rx2, rx1 })
    for _ = 1, 2 do
      expect.list(socket.select({ rx1, rx2 }, nil, 0), { rx1, rx2 })
    end
    expect.equal(rx1:receive(), "one")
    expect.equal(rx2:receive(), "first")
    expect.list((socket.select { rx1, rx2 }), { rx2 })
    expect.equal(rx2:receive(), "second")
    local _, _, err = socket.select({ rx1, rx2 }, nil, 0)
    expect.equal(err, "timeout")
  end)
  cosock.spawn(function()
    tx2:send "first"
    tx2:send "second"
    tx1:send "one"
  end)
  cosock.run()
end

-- A receiver is only readable: in the second list it is refused.
do
  local _, rx = channel.new()
  local raised
  cosock.spawn(function()
    socket.select(nil, { rx })
  end, nil, {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.run()
  expect.contains(raised, "unsupported wake kind: sendr")
end

-- setwaker by hand: stored where programs look for it, called at once when there is something, refused when
-- there is one already.
do
  local tx, rx = channel.new()
  local calls = 0
  local function waker(...)
    expect.equal(select("#", ...), 0)
    calls = calls + 1
  end
  expect.equal(select("#", rx:setwaker("recvr", waker)), 0)
  expect.equal(rx.link.waker, waker)
  expect.raises("waker already set, receive can't be waited on from multiple places at once",
    rx.setwaker, rx, "recvr", waker)
  tx:send(1)
  expect.equal(calls, 1)
  tx:send(2)
  expect.equal(calls, 2, "who set it takes it away")
  rx:setwaker("recvr", nil)
  rx:setwaker "recvr"
  expect.equal(rx.link.waker, nil)
  tx:send(3)
  expect.equal(calls, 2)
  rx:setwaker("recvr", waker)
  expect.equal(calls, 3, "at once")
  rx:setwaker("recvr", nil)
  for _ = 1, 3 do
    rx:receive()
  end
  rx:setwaker("recvr", waker)
  expect.equal(calls, 3)
  tx:close()
  expect.equal(calls, 4)
  rx:setwaker("recvr", nil)
  rx:setwaker("recvr", waker)
  expect.equal(calls, 5, "a channel closed before")
  rx:setwaker("recvr", nil)
end

-- A waker that calls back: it receives, sends on, closes, cancels its watching.
do
  local tx, rx = channel.new()
  local got = {}
  rx:setwaker("recvr", function()
    got[#got + 1] = rx:receive()
    if got[#got] == "first" then
      tx:send "from within"
    end
  end)
  tx:send "first"
  tx:send "second"
  expect.list(got, { "first", "from within", "second" })
  rx:setwaker("recvr", nil)
  rx:setwaker("recvr", function()
    rx:setwaker("recvr", nil)
    error("by the waker", 0)
  end)
  expect.raises("by the waker", tx.send, tx, "sent all the same")
  expect.equal(rx:receive(), "sent all the same")
  rx:setwaker("recvr", function()
    rx:setwaker("recvr", nil)
    rx:close()
  end)
  tx:send "last"
  expect.equal(tx.link.closed, true)
  expect.equal(rx:receive(), "last")
end

-- A waker written into the link by hand is honoured like one that was set.
do
  local tx, rx = channel.new()
  local called = false
  rx:setwaker("recvr", print)
  rx.link.waker = function()
    called = true
  end
  tx:send()
  expect.equal(called, true)
  rx.link.waker = nil
  rx:receive()
  local got
  cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.spawn(function()
    tx:send "message"
  end)
  cosock.run()
  expect.equal(got, "message")
end

-- Methods replaced in the module's tables count for every channel.
do
  local receive, send = channel.receiver.receive, channel.sender.send
  local tx, rx = channel.new()
  local count = 0
  function channel.receiver:receive()
    count = count + 1
    return receive(self)
  end
  function channel.sender:send(value)
    count = count + 1
    return send(self, value)
  end
  tx:send "message"
  expect.equal(rx:receive(), "message")
  expect.equal(count, 2)
  cosock.spawn(function()
    expect.equal(rx:receive(), "to a task")
  end)
  cosock.spawn(function()
    tx:send "to a task"
  end)
  cosock.run()
  channel.receiver.receive, channel.sender.send = receive, send
  expect.equal(count, 4)
end

-- A receiver's setwaker replaced, for one object or for all: then receive waits by the protocol.
for _, whose in ipairs { "own", "all" } do
  local tx, rx = channel.new()
  local setwaker = channel.receiver.setwaker
  local calls = {}
  local owner = whose == "own" and rx or channel.receiver
  function owner:setwaker(kind, waker)
    calls[#calls + 1] = kind .. (waker and " fn" or " nil")
    return setwaker(self, kind, waker)
  end
  cosock.spawn(function()
    expect.equal(rx:receive(), "message")
  end)
  cosock.spawn(function()
    tx:send "message"
  end)
  cosock.run()
  owner.setwaker = whose == "all" and setwaker or nil
  expect.list(calls, { "recvr fn", "recvr nil", "recvr nil" })
end

-- A table around a receiver, through which everything is reached, is what a select names.
do
  local tx, rx = channel.new()
  for _, meta in ipairs { { __index = rx }, {
    __index = function(_, key)
      return rx[key]
    end,
  } } do
    local wrapper = setmetatable({}, meta)
    local ready, message
    cosock.spawn(function()
      ready = socket.select { wrapper }
      message = wrapper:receive()
      expect.equal(wrapper:receive(), "again")
    end)
    cosock.spawn(function()
      tx:send "message"
      socket.sleep(0)
      socket.sleep(0)
      tx:send "again"
    end)
    cosock.run()
    expect.list(ready, { wrapper })
    expect.equal(message, "message")
  end
end

world.finish()
