-- A channel delivers any value, nil too, in the order of the sends, at any depth; its halves are closed by
-- either side, and what was sent before can still be received.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel
expect.usual_collector()

local pack = expect.pack

-- The halves: tables that share a link, which shows a queue with a length, `closed` and `waker`.
do
  local results = pack(channel.new("ignored", 5))
  expect.equal(results.n, 2)
  local tx, rx = results[1], results[2]
  for _, half in ipairs { tx, rx } do
    expect.equal(type(half), "table")
    expect.equal(next(half), "link")
    expect.equal(next(half, "link"), nil)
  end
  expect.equal(tx.link, rx.link)
  expect.equal(#tx.link.queue, 0)
  expect.equal(rx.link.closed, false)
  expect.equal(rx.link.waker, nil)
  expect.equal(tx.setwaker, nil)
  for number = 1, 3 do
    expect.list(pack(tx:send("message " .. number)), { true, n = 1 })
    expect.equal(#rx.link.queue, number)
    expect.equal(rx.link.queue[number].msg, "message " .. number)
  end
  expect.equal(rx.link.queue[4], nil)
  expect.equal(rx.link.queue[0], nil)
  expect.equal(rx.link.queue.none, nil)
  expect.equal(rx:receive(), "message 1")
  expect.equal(#tx.link.queue, 2)
  expect.equal(tx.link.queue[1].msg, "message 2")
end

-- Any value, and exactly one; a nil message is no error.
do
  local tx, rx = channel.new()
  local values = { 1, 1.5, "text", "", true, false, {}, print, io.stdout, coroutine.create(function() end), rx }
  for _, value in ipairs(values) do
    tx:send(value)
    expect.list(pack(rx:receive()), { value, n = 1 })
  end
  tx:send(nil)
  tx:send()
  tx:send("first", "ignored", "ignored")
  expect.equal(#tx.link.queue, 3)
  expect.list(pack(rx:receive()), { nil, n = 1 })
  expect.list(pack(rx:receive()), { nil, n = 1 })
  expect.list(pack(rx:receive()), { "first", n = 1 })
  -- A task that waits gets the same.
  local got = {}
  cosock.spawn(function()
    for number = 1, #values + 1 do
      local results = pack(rx:receive())
      got[number] = results
    end
  end)
  cosock.spawn(function()
    for _, value in ipairs(values) do
      tx:send(value)
      socket.sleep(0)
    end
    tx:send(nil)
  end)
  cosock.run()
  for number, value in ipairs(values) do
    expect.list(got[number], { value, n = 1 })
  end
  expect.list(got[#values + 1], { nil, n = 1 })
end

-- A number stays what it is, also among integers and floats; alone in its channel, and behind others.
do
  local tx, rx = channel.new()
  local numbers = { 0, -1, 2 ^ 31, 2 ^ 53, 1.0, -0.0, 1e300, 5e-324, math.huge, -math.huge, 0 / 0 }
  if math.maxinteger then
    numbers[#numbers + 1] = math.maxinteger
    numbers[#numbers + 1] = math.mininteger
  end
  local function like(got, number)
    expect.equal(("%.17g %s"):format(got, tostring(got)), ("%.17g %s"):format(number, tostring(number)))
    expect.equal(math.type and math.type(got), math.type and math.type(number))
    expect.equal(1 / got, 1 / number)
  end
  for _, number in ipairs(numbers) do
    tx:send(number)
    tx:send(number)
    if number == number then
      for place = 1, 2 do
        like(tx.link.queue[place].msg, number)
        like(rx:receive(), number)
        tx:send(number)
      end
      rx:receive()
      like(rx:receive(), number)
    else
      expect.equal(tostring(rx:receive()), tostring(number))
      expect.equal(tostring(rx:receive()), tostring(number))
    end
  end
end

-- Close, by the sender or the receiver; once and again; what is queued comes first.
for _, side in ipairs { "sender", "receiver" } do
  local tx, rx = channel.new()
  local half = side == "sender" and tx or rx
  tx:send "kept"
  expect.equal(select("#", half:close()), 0)
  expect.equal(select("#", half:close()), 0)
  expect.equal(tx.link.closed, true)
  expect.list(pack(tx:send "late"), { false, "closed", n = 2 })
  expect.list(pack(rx:receive()), { "kept", n = 1 })
  for _ = 1, 2 do
    expect.list(pack(rx:receive()), { nil, "closed", n = 2 })
  end
  tx:close()
  rx:close()
  -- In a task too, without a turn in between.
  local turned = false
  cosock.spawn(function()
    expect.list(pack(rx:receive()), { nil, "closed", n = 2 })
    expect.equal(turned, false)
  end)
  cosock.spawn(function()
    turned = true
  end)
  cosock.run()
end

-- Closing wakes a waiting receiver, by either side, with or without its timeout.
for _, side in ipairs { "sender", "receiver" } do
  for _, timeout in ipairs { false, 1000 } do
    local tx, rx = channel.new()
    rx:settimeout(timeout or nil)
    local results
    cosock.spawn(function()
      results = pack(rx:receive())
    end)
    cosock.spawn(function()
      socket.sleep(0)
      local half = side == "sender" and tx or rx
      half:close()
    end)
    cosock.run()
    expect.list(results, { nil, "closed", n = 2 })
    expect.nothing_waits()
  end
end

-- A message sent before the close reaches a receiver that was woken by both.
do
  local tx, rx = channel.new()
  local results
  cosock.spawn(function()
    results = { (rx:receive()), select(2, rx:receive()) }
  end)
  cosock.spawn(function()
    tx:send "last"
    tx:close()
  end)
  cosock.run()
  expect.list(results, { "last", "closed" })
end

-- Timeouts: a message that is there, and a close, come before them.
do
  local tx, rx = channel.new()
  for _, timeout in ipairs { 0, 0.001 } do
    rx:settimeout(timeout)
    cosock.spawn(function()
      expect.list(pack(rx:receive()), { nil, "timeout", n = 2 })
      tx:send "message"
      expect.list(pack(rx:receive()), { "message", n = 1 })
    end)
    cosock.run()
  end
  -- A message that comes in the turn of the timeout is taken.
  rx:settimeout(0.001)
  cosock.spawn(function()
    expect.list(pack(rx:receive()), { "in time", n = 1 })
  end)
  cosock.spawn(function()
    local start = socket.gettime()
    repeat
    until socket.gettime() - start > 0.003
    tx:send "in time"
  end)
  cosock.run()
  rx:settimeout(0)
  tx:close()
  cosock.spawn(function()
    expect.list(pack(rx:receive()), { nil, "closed", n = 2 })
  end)
  cosock.run()
end

-- 100,000 deep and back, in order; then alternating, which goes around the queue's end many times.
do
  local tx, rx = channel.new()
  for number = 1, 100000 do
    tx:send(number)
  end
  expect.equal(#rx.link.queue, 100000)
  for number = 1, 50000 do
    if rx:receive() ~= number then
      error "out of order"
    end
  end
  for number = 100001, 120000 do
    tx:send(number)
  end
  expect.equal(#rx.link.queue, 70000)
  for number = 50001, 120000 do
    if rx:receive() ~= number then
      error "out of order"
    end
  end
  expect.equal(#rx.link.queue, 0)
  local sent, received = 0, 0
  for round = 1, 2000 do
    for _ = 1, round % 7 do
      sent = sent + 1
      tx:send(sent)
    end
    for _ = 1, math.min(round % 6, sent - received) do
      received = received + 1
      expect.equal(rx:receive(), received)
    end
  end
  expect.equal(#tx.link.queue, sent - received)
end

-- What was received is not kept; what was not goes with its channel.
do
  local witness = setmetatable({}, { __mode = "k" })
  local tx, rx = channel.new()
  for _ = 1, 10 do
    local message = {}
    witness[message] = true
    tx:send(message)
  end
  for _ = 1, 9 do
    rx:receive()
  end
  collectgarbage()
  collectgarbage()
  local count = 0
  for _ in pairs(witness) do
    count = count + 1
  end
  expect.equal(count, 1)
  tx, rx = nil, nil
  collectgarbage()
  collectgarbage()
  expect.equal(next(witness), nil)
end

-- A second receiver fails alone: the first gets the message.
do
  local tx, rx = channel.new()
  for _, second in ipairs { "receive", "select", "yield" } do
    local got, raised
    cosock.spawn(function()
      got = rx:receive()
    end)
    cosock.spawn(function()
      if second == "receive" then
        rx:receive()
      elseif second == "select" then
        socket.select { rx }
      else
        coroutine.yield { rx }
      end
    end, "second", {
      onerror = function(err)
        raised = err
      end,
    })
    cosock.spawn(function()
      tx:send "message"
    end)
    cosock.run()
    expect.equal(got, "message", second)
    expect.contains(raised, "waker already set, receive can't be waited on from multiple places at once")
    expect.nothing_waits()
  end
  -- And the other way round: one selects, the second receives.
  local got, raised
  cosock.spawn(function()
    got = socket.select { rx } and rx:receive()
  end)
  cosock.spawn(function()
    rx:receive()
  end, "second", {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.spawn(function()
    tx:send "message"
  end)
  cosock.run()
  expect.equal(got, "message")
  expect.contains(raised, "waker already set, receive can't be waited on from multiple places at once")
  -- One after the other is fine.
  local list = {}
  for number = 1, 3 do
    cosock.spawn(function()
      socket.sleep(number * 0.005)
      local message = rx:receive()
      list[#list + 1] = message
    end)
    tx:send(number)
  end
  cosock.run()
  expect.list(list, { 1, 2, 3 })
end

-- A message that somebody else takes before the woken receiver runs is waited for anew, within the limit.
do
  local tx, rx = channel.new()
  local results
  cosock.spawn(function()
    rx:settimeout(0.01)
    results = pack(rx:receive())
  end)
  cosock.spawn(function()
    tx:send "taken"
    expect.equal(rx:receive(), "taken")
  end)
  cosock.run()
  expect.list(results, { nil, "timeout", n = 2 })
  rx:settimeout(nil)
  cosock.spawn(function()
    results = pack(rx:receive())
  end)
  cosock.spawn(function()
    tx:send "taken"
    expect.equal(rx:receive(), "taken")
    socket.sleep(0)
    tx:send "given"
  end)
  cosock.run()
  expect.list(results, { "given", n = 1 })
end

-- Misuse.
do
  local tx, rx = channel.new()
  for _, bad in ipairs { 5, "text", true, {}, io.stdout } do
    for _, call in ipairs { tx.send, tx.close, rx.receive, rx.close, rx.settimeout } do
      expect.raises("bad argument #1 to '", call, bad)
    end
  end
  expect.raises("channel expected, got no value", rx.receive)
  expect.raises("unsupported wake kind: sendr", rx.setwaker, rx, "sendr", print)
  expect.raises("unsupported wake kind: ", rx.setwaker, rx, nil, print)
  expect.raises("unsupported wake kind: ", rx.setwaker, rx)
end

world.finish()
