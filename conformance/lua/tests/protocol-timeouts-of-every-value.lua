-- A wait's timeout: nil, false and negative wait without limit, zero looks once and lets others run, huge
-- ones never come, NaN and what is no number are refused; a numeric string counts as its number. Readiness
-- beats the timeout: never both. sleep differs in that a negative time is over at once.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function foreign()
  return {
    setwaker = function(self, _, waker)
      self.waker = waker
    end,
  }
end

-- No limit: only another task ends these waits. A second turn passes before it does.
for _, unlimited in ipairs { false, -1, -0.5, "-1", -math.huge, math.huge, 1e300, 2 ^ 53, "1e300", -1e300 } do
  local object, results = foreign(), nil
  cosock.spawn(function()
    results = expect.pack(coroutine.yield({ object }, nil, unlimited))
  end)
  cosock.spawn(function()
    for _ = 1, 20 do
      socket.sleep(0)
    end
    expect.equal(results, nil, tostring(unlimited))
    object.waker()
  end)
  cosock.run()
  expect.list(results[1], { object })
  expect.equal(results[3], nil)
  -- The same through select and a channel's timeout.
  local tx, rx = channel.new()
  if unlimited then
    rx:settimeout(unlimited)
  end
  local message
  cosock.spawn(function()
    expect.list((socket.select({ object }, nil, unlimited)), { object })
    message = rx:receive()
  end)
  cosock.spawn(function()
    socket.sleep(0)
    object.waker()
    for _ = 1, 20 do
      socket.sleep(0)
    end
    tx:send "message"
  end)
  cosock.run()
  expect.equal(message, "message", tostring(unlimited))
  expect.nothing_waits()
end

-- A negative one alone is a deadlock, as nil is.
for _, unlimited in ipairs { -1, false, math.huge } do
  cosock.spawn(function()
    coroutine.yield(nil, nil, unlimited)
  end)
  expect.raises("deadlock", cosock.run)
  cosock.reset()
end

-- Zero: once around, with the others in between; then the timeout.
for _, zero in ipairs { 0, -0.0, "0" } do
  local order = {}
  cosock.spawn(function()
    for _ = 1, 3 do
      local recvr, sendr, err = coroutine.yield({ foreign() }, {}, zero)
      expect.equal(recvr, nil)
      expect.equal(sendr, nil)
      expect.equal(err, "timeout")
      order[#order + 1] = "timeout"
    end
  end)
  cosock.spawn(function()
    for _ = 1, 3 do
      order[#order + 1] = "other"
      socket.sleep(0)
    end
  end)
  cosock.run()
  expect.list(order, { "other", "timeout", "other", "timeout", "other", "timeout" })
end

-- What is ready is told, also with no time at all, and the timeout is not.
do
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  local ip, port = udp:getsockname()
  local tx, rx = channel.new()
  tx:send "message"
  cosock.spawn(function()
    assert(udp:sendto("datagram", ip, tonumber(port)))
    local recvr, sendr, err = socket.select({ udp, rx }, { udp }, 0)
    expect.equal(#recvr, 2)
    expect.list(sendr, { udp })
    expect.equal(err, nil)
    expect.equal(udp:receive(), "datagram")
    expect.equal(rx:receive(), "message")
    recvr, sendr, err = socket.select({ udp, rx }, nil, 0)
    expect.equal(recvr, nil)
    expect.equal(sendr, nil)
    expect.equal(err, "timeout")
  end)
  cosock.run()
  udp:close()
end

-- Woken in the turn in which the deadline passes: told as ready only.
do
  local object, results = foreign(), nil
  cosock.spawn(function()
    results = expect.pack(coroutine.yield({ object }, nil, 0.005))
  end)
  cosock.spawn(function()
    local start = socket.gettime()
    repeat
    until socket.gettime() - start > 0.01
    object.waker()
  end)
  cosock.run()
  expect.list(results[1], { object })
  expect.equal(results[3], nil)
end

-- A limit is not over before its time, and not long after.
for _, seconds in ipairs { 0.02, "0.02" } do
  for _, wait in ipairs {
    function() expect.equal(select(3, coroutine.yield(nil, nil, seconds)), "timeout") end,
    function() expect.equal(select(3, socket.select({ foreign() }, nil, seconds)), "timeout") end,
    function() expect.equal(select("#", socket.sleep(seconds)), 0) end,
    function()
      local _, rx = channel.new()
      rx:settimeout(seconds)
      expect.list(expect.pack(rx:receive()), { nil, "timeout", n = 2 })
    end,
  } do
    local start = socket.gettime()
    expect.tasks(wait)
    local took = socket.gettime() - start
    expect.equal(took >= 0.0195 and took < 20, true, "seconds: " .. took)
  end
end

-- sleep: no number is for ever, a negative one is over after one turn, others are refused.
do
  local order = {}
  cosock.spawn(function()
    for _, seconds in ipairs { -1, -math.huge, "-5", 0 } do
      socket.sleep(seconds)
      order[#order + 1] = "slept"
    end
  end)
  cosock.spawn(function()
    for _ = 1, 4 do
      order[#order + 1] = "other"
      socket.sleep(0)
    end
  end)
  cosock.run()
  expect.equal(table.concat(order, " "), ("other slept "):rep(4):sub(1, -2))
  for _, seconds in ipairs { false, math.huge, 1e300 } do
    cosock.spawn(function()
      socket.sleep(seconds)
    end)
    expect.raises("waits in sleep", cosock.run)
    cosock.reset()
  end
  cosock.spawn(function()
    for _, bad in ipairs { "text", {}, true, print } do
      -- The wrapping function keeps what raises the error on the stack.
      expect.raises("bad argument #1 to 'sleep' (number expected, got " .. type(bad) .. ")", function()
        socket.sleep(bad)
        return true
      end)
    end
    expect.raises("NaN", function()
      socket.sleep(0 / 0)
      return true
    end)
  end)
  cosock.run()
end

-- settimeout refuses at once what no wait could use, and keeps what it was given.
do
  local _, rx = channel.new()
  for _, bad in ipairs { "text", {}, true, 0 / 0 } do
    expect.raises("bad argument #2 to 'settimeout'", rx.settimeout, rx, bad)
    expect.equal(rx.timeout, nil)
  end
  for _, good in ipairs { 0, 1.5, -1, math.huge, "2", false } do
    expect.equal(select("#", rx:settimeout(good)), 0)
    expect.equal(rx.timeout, good)
  end
  rx:settimeout()
  expect.equal(rx.timeout, nil)
  -- One written by hand is looked at when a wait begins.
  rx.timeout = {}
  cosock.spawn(function()
    rx:receive()
  end)
  expect.raises("bad timeout (number expected, got table)", cosock.run)
  rx.timeout = "0.001"
  local problem
  cosock.spawn(function()
    local _
    _, problem = rx:receive()
  end)
  cosock.run()
  expect.equal(problem, "timeout")
end

world.finish()
