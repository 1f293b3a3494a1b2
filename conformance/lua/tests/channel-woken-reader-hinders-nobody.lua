-- Who waited for a message and was woken or timed out hinders nobody before it runs: another may receive, select
-- or set a waker, and is told at once if there is something. What a wait leaves at its end is nobody else's.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- One task is parked in a receive when another sends or closes, and does `act` before the first runs. Returns
-- what the first got.
local function beside(event, act)
  local tx, rx = channel.new()
  local got
  cosock.spawn(function()
    got = expect.pack(rx:receive())
  end, "first")
  cosock.spawn(function()
    socket.sleep(0)
    tx[event](tx, "message")
    expect.equal(got, nil)
    act(rx, tx)
  end, "second")
  cosock.run()
  expect.equal(rx.link.waker, nil)
  expect.nothing_waits()
  return got
end

for event, result in pairs { send = { n = 1, "message" }, close = { n = 2, nil, "closed" } } do
  expect.list(beside(event, function(rx)
    local ready, _, err = socket.select({ rx }, nil, 1000)
    expect.list(ready, { rx })
    expect.equal(err, nil)
  end), result, event)

  local calls = 0
  local function waker()
    calls = calls + 1
  end
  expect.list(beside(event, function(rx)
    rx:setwaker("recvr", waker)
    expect.equal(calls, 1, "at once")
    expect.raises("waker already set", rx.setwaker, rx, "recvr", waker)
    rx:setwaker("recvr", nil)
  end), result, event)
end

-- Two that are closed off both hear of it; two messages serve both.
expect.list(beside("close", function(rx)
  expect.list(expect.pack(rx:receive()), { n = 2, nil, "closed" })
end), { n = 2, nil, "closed" })
expect.list(beside("send", function(rx, tx)
  tx:send "for the first"
  expect.equal(rx:receive(), "message")
end), { n = 1, "for the first" })

-- Takes time without a turn's end, so that what is due by then is due at once.
local function let_pass(seconds)
  local over = socket.gettime() + seconds
  while socket.gettime() < over do
  end
end

-- The first's time is over, and `act` is done before it runs: the time that it asked for, or none at all.
for _, timeout in ipairs { 0, 0.01 } do
  local function timed_out(act)
    local tx, rx = channel.new()
    local got
    local function first()
      rx:settimeout(timeout)
      got = expect.pack(rx:receive())
    end
    local function second()
      if timeout > 0 then
        socket.sleep(timeout / 2)
      end
      expect.equal(got, nil)
      rx:settimeout(nil)
      act(rx, tx)
      expect.equal(#rx.link.queue, 0)
    end
    cosock.spawn(first, "first")
    cosock.spawn(second, "second")
    cosock.spawn(function()
      let_pass(2 * timeout)
      socket.sleep(0)
      socket.sleep(0)
      tx:send "late"
    end, "sends")
    cosock.run()
    expect.equal(rx.link.waker, nil)
    expect.nothing_waits()
    return got
  end
  local over = { n = 2, nil, "timeout" }

  expect.list(timed_out(function(rx)
    expect.equal(rx:receive(), "late")
  end), over)
  expect.list(timed_out(function(rx)
    expect.list((socket.select { rx }), { rx })
    expect.equal(rx:receive(), "late")
  end), over)
  -- What comes before the first runs is for who waits by then.
  expect.list(timed_out(function(rx, tx)
    cosock.spawn(function()
      expect.equal(rx:receive(), "late")
    end)
    rx:setwaker("recvr", function()
      rx:setwaker("recvr", nil)
      expect.equal(rx:receive(), "early")
    end)
    tx:send "early"
    rx:settimeout(1000)
    socket.sleep(0.02)
  end), over)
  -- With nobody else there, it is for the first.
  expect.list(timed_out(function(rx, tx)
    tx:send "early"
    socket.sleep(0.02)
    expect.equal(rx:receive(), "late")
  end), { n = 1, "early" })
end

-- A select that ends takes back its own waker, and not that of another which waits by then.
do
  local tx, rx = channel.new()
  local ready = {}
  cosock.spawn(function()
    ready[1] = socket.select { rx }
  end, "first")
  cosock.spawn(function()
    socket.sleep(0)
    tx:send "message"
    expect.equal(rx:receive(), "message")
    ready[2] = socket.select { rx }
    expect.equal(rx:receive(), "late")
  end, "second")
  cosock.spawn(function()
    for _ = 1, 3 do
      socket.sleep(0)
    end
    tx:send "late"
  end, "sends")
  cosock.run()
  expect.list(ready[1], { rx })
  expect.list(ready[2], { rx })
end

world.finish()
