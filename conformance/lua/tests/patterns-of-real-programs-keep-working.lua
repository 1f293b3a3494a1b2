-- What programs build on the protocol and on what is visible of channels: a web socket's setwaker that looks
-- into a queue, a bus with weak subscriptions, a bounded channel whose senders wait on throw-away tables, a
-- timer that can be cancelled, a router over receivers and sockets.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

-- A connection whose reader task fills a channel; what waits on it looks at the queue first.
do
  local Connection = {}
  Connection.__index = Connection
  function Connection.new()
    local tx, rx = channel.new()
    return setmetatable({ tx = tx, rx = rx }, Connection)
  end
  function Connection:setwaker(kind, waker)
    assert(kind == "recvr")
    if waker and #self.tx.link.queue > 0 then
      return waker()
    end
    self.rx:setwaker(kind, waker)
  end
  function Connection:receive()
    return self.rx:receive()
  end

  local first, second = Connection.new(), Connection.new()
  second.tx:send "already there"
  local got = {}
  cosock.spawn(function()
    for _ = 1, 3 do
      local ready = assert(socket.select({ first, second }, nil, 5))
      for _, connection in ipairs(ready) do
        got[#got + 1] = connection:receive()
      end
    end
  end)
  cosock.spawn(function()
    socket.sleep(0)
    socket.sleep(0)
    first.tx:send "later"
    socket.sleep(0.001)
    second.tx:send "last"
  end)
  cosock.run()
  expect.list(got, { "already there", "later", "last" })
  expect.equal(first.rx.link.waker, nil)
  expect.equal(second.rx.link.waker, nil)
end

-- A bus: every subscription has its own queue, and the bus knows them weakly.
do
  local Subscription, Closed = {}, {}
  Subscription.__index = Subscription
  Closed.__index = Closed
  function Closed:receive()
    return nil, "closed"
  end
  local function new_bus()
    return { link = setmetatable({}, { __mode = "k" }) }
  end
  local function subscribe(bus)
    local subscription = setmetatable({ queue = {} }, Subscription)
    bus.link[subscription] = true
    return subscription
  end
  local function publish(bus, message)
    for subscription in pairs(bus.link) do
      table.insert(subscription.queue, message)
      if subscription.waker then
        subscription.waker()
      end
    end
  end
  function Subscription:setwaker(kind, waker)
    assert(kind == "recvr", "unsupported wake kind")
    assert(not (waker and self.waker), "waited on by two")
    self.waker = waker
    if waker and #self.queue > 0 then
      waker()
    end
  end
  function Subscription:receive()
    while #self.queue == 0 do
      local _, _, err = coroutine.yield({ self }, nil, self.timeout)
      if err then
        return nil, err
      end
      if getmetatable(self) == Closed then
        return nil, "closed"
      end
    end
    return table.remove(self.queue, 1)
  end
  function Subscription:close()
    local waker = self.waker
    setmetatable(self, Closed)
    if waker then
      waker()
    end
  end

  local bus = new_bus()
  local sums, closed_with = {}, nil
  for number = 1, 3 do
    local subscription = subscribe(bus)
    cosock.spawn(function()
      sums[number] = 0
      while true do
        local message = subscription:receive()
        if not message then
          break
        end
        sums[number] = sums[number] + message
        if message == 10 then
          break
        end
      end
    end)
  end
  local closing = subscribe(bus)
  cosock.spawn(function()
    local message
    repeat
      message, closed_with = closing:receive()
    until not message
  end)
  local patient = subscribe(bus)
  local timed_out
  cosock.spawn(function()
    for _ = 1, 10 do
      patient:receive()
    end
    patient.timeout = 0.001
    local _
    _, timed_out = patient:receive()
  end)
  cosock.spawn(function()
    for message = 1, 5 do
      publish(bus, message)
    end
    while #closing.queue > 0 do
      socket.sleep(0)
    end
    -- The subscriber waits now; its object has no setwaker any more when it goes on.
    socket.sleep(0)
    closing:close()
    for message = 6, 10 do
      publish(bus, message)
    end
  end)
  cosock.run()
  expect.list(sums, { 55, 55, 55 })
  expect.equal(closed_with, "closed")
  expect.equal(timed_out, "timeout")
  closing, patient = nil, nil
  collectgarbage()
  collectgarbage()
  expect.equal(next(bus.link), nil, "nothing keeps a subscription")
end

-- A bounded channel: a sender that finds it full waits on a table of the moment, whose waker is kept under
-- that table; senders are served in their order.
do
  local function bounded(capacity)
    local tx, rx = channel.new()
    local waiting, order = {}, {}
    local sender, receiver = {}, {}
    function sender.send(_, message)
      while #tx.link.queue >= capacity do
        local place = {
          setwaker = function(self, kind, waker)
            assert(kind == "sendr")
            waiting[self] = waker
          end,
        }
        order[#order + 1] = place
        local _, sendr, err = coroutine.yield({}, { place }, 5)
        assert(sendr and sendr[1] == place, err)
        assert(waiting[place] == nil)
      end
      tx:send(message)
      assert(#tx.link.queue <= capacity)
    end
    function receiver.receive()
      local message = rx:receive()
      local place = table.remove(order, 1)
      if place and waiting[place] then
        waiting[place]()
      end
      return message
    end
    return sender, receiver, waiting
  end

  local sender, receiver, waiting = bounded(2)
  local got = {}
  for number = 1, 4 do
    cosock.spawn(function()
      for turn = 1, 5 do
        sender:send(number * 10 + turn)
      end
    end)
  end
  cosock.spawn(function()
    for _ = 1, 20 do
      local message = receiver:receive()
      got[#got + 1] = message
      socket.sleep(0)
    end
  end)
  cosock.run()
  expect.equal(#got, 20)
  local last = {}
  for _, message in ipairs(got) do
    local number, turn = math.floor(message / 10), message % 10
    expect.equal(turn, (last[number] or 0) + 1)
    last[number] = turn
  end
  expect.equal(next(waiting), nil)
  expect.nothing_waits()
end

-- A timer object: waiting on it ends by its time or by its cancel.
do
  local Timer = {}
  Timer.__index = Timer
  function Timer:setwaker(kind, waker)
    if kind == "recvr" then
      self.waker = waker
    end
  end
  function Timer:wait(seconds)
    local recvr, _, err = coroutine.yield({ self }, {}, seconds)
    if recvr then
      assert(recvr[1] == self)
      return "cancelled"
    end
    return err
  end
  function Timer:cancel()
    if self.waker then
      self.waker()
    end
  end
  local timer, ends = setmetatable({}, Timer), {}
  cosock.spawn(function()
    ends[1] = timer:wait(0.001)
    ends[2] = timer:wait(1000)
    ends[3] = timer:wait(0.001)
  end)
  cosock.spawn(function()
    while not ends[1] do
      socket.sleep(0)
    end
    timer:cancel()
    timer:cancel()
  end)
  cosock.run()
  expect.list(ends, { "timeout", "cancelled", "timeout" })
end

-- A router over receivers and sockets, which tells them apart by identity.
do
  local got = {}
  cosock.spawn(function()
    local client, peer = network.pair()
    local control_tx, control = channel.new()
    local other_tx, other = channel.new()
    cosock.spawn(function()
      while true do
        local ready, _, err = socket.select({ control, other, client }, nil, 1)
        assert(not err, err)
        for _, each in ipairs(ready) do
          if each == control then
            got[#got + 1] = "control " .. tostring((control:receive()))
            return client:close()
          elseif each == other then
            got[#got + 1] = "other " .. other:receive()
          elseif each == client then
            got[#got + 1] = "client " .. client:receive()
          end
        end
      end
    end)
    for _, act in ipairs {
      function() other_tx:send "a" end,
      function() peer:send "b\n" end,
      function() peer:send "c\n" other_tx:send "d" end,
      function() control_tx:close() end,
    } do
      act()
      local count = #got
      while #got == count and act do
        socket.sleep(0.001)
      end
    end
    peer:close()
  end)
  cosock.run()
  table.sort(got)
  expect.list(got, { "client b", "client c", "control nil", "other a", "other d" })
end

world.finish()
