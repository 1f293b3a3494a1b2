-- claim: buses, streams, bounded channels and timers of programs' own can be waited on
-- chapter: programs
-- source: the book: integrations
-- covers: X1 X4 X5 X6 X7
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- A bus: every subscription has a queue and a waker of its own.
local bus = { subscriptions = setmetatable({}, { __mode = "k" }) }
local subscription = {}
subscription.__index = subscription

function bus:subscribe()
  local new = setmetatable({ queue = {} }, subscription)
  self.subscriptions[new] = true
  return new
end

function bus:send(message)
  for one in pairs(self.subscriptions) do
    table.insert(one.queue, message)
    if one.waker then
      one.waker()
    end
  end
end

function subscription:setwaker(kind, waker)
  assert(kind == "recvr", kind)
  self.waker = waker
  if waker and #self.queue > 0 then
    waker()
  end
end

function subscription:receive()
  while #self.queue == 0 do
    local _, _, err = coroutine.yield({ self }, nil, self.timeout)
    if err then
      return nil, err
    end
  end
  return table.remove(self.queue, 1)
end

trace.task("bus", function()
  local heard = {}
  for index = 1, 3 do
    local mine = bus:subscribe()
    cosock.spawn(function()
      heard[index] = mine:receive() .. mine:receive()
    end)
  end
  socket.sleep(0.005)
  bus:send("a")
  bus:send("b")
  socket.sleep(0.01)
  return heard
end)
trace.task("bus.timeout", function()
  local mine = bus:subscribe()
  mine.timeout = 0.01
  return mine:receive()
end)
trace.task("bus.closed-while-it-waits", function()
  -- It loses its setwaker between the yield and the resume.
  local mine = bus:subscribe()
  cosock.spawn(function()
    local waker = mine.waker
    setmetatable(mine, { __index = { closed = true, setwaker = subscription.setwaker } })
    waker()
  end)
  coroutine.yield({ mine }, nil, 1)
  return mine.closed
end)

-- A bounded channel: each blocked send waits on a table of its own.
local function bounded(limit)
  local queue, blocked, reader = {}, {}, nil
  local self = {}
  function self.send(message)
    while #queue >= limit do
      local turn = {}
      function turn.setwaker(one, kind, waker)
        assert(kind == "sendr", kind)
        blocked[one] = waker
      end
      coroutine.yield(nil, { turn }, nil)
    end
    queue[#queue + 1] = message
    if reader then
      reader()
    end
  end
  function self.receive()
    while #queue == 0 do
      local turn = { setwaker = function(_, _, waker) reader = waker end }
      coroutine.yield({ turn }, nil, nil)
    end
    local message = table.remove(queue, 1)
    local _, waker = next(blocked)
    if waker then
      waker()
    end
    return message
  end
  return self
end
trace.task("bounded-channel", function()
  local pipe = bounded(2)
  local most, sent = 0, 0
  cosock.spawn(function()
    for index = 1, 10 do
      pipe.send(index)
      sent = index
    end
  end)
  local sum = 0
  for received = 1, 10 do
    sum = sum + pipe.receive()
    most = math.max(most, sent - received)
    socket.sleep(0)
  end
  return sum, most <= 3
end)

-- A web socket: something to read is either a message in the queue or the waker's business.
trace.task("setwaker-that-looks-at-the-queue", function()
  local sender, receiver = channel.new()
  local object = trace.hide({}, "object")
  function object:setwaker(kind, waker)
    receiver:setwaker(kind, waker and function() waker() end)
    if waker and #sender.link.queue > 0 then
      waker()
    end
  end
  sender:send("message")
  local recvr, sendr, err = socket.select({ object }, nil, 1)
  return recvr, sendr, err, (receiver:receive())
end)

-- A timer object that another task ends early.
local function timer(length)
  local self = { length = length }
  function self:setwaker(_, waker)
    self.waker = waker
  end
  function self:wait()
    local recvr, _, err = coroutine.yield({ self }, {}, self.length)
    return err or (recvr[1] == self and "ended early")
  end
  return self
end
trace.task("timer", function() return timer(0.01):wait() end)
trace.task("timer.ended-early", function()
  local long = timer(10)
  cosock.spawn(function()
    socket.sleep(0.005)
    long.waker()
  end)
  return long:wait()
end)

-- A select over everything, told apart by identity.
trace.task("mixed-select", function()
  local client, peer = trace.pair()
  local sender, receiver = channel.new()
  local quiet = select(2, channel.new())
  local seen = {}
  cosock.spawn(function()
    socket.sleep(0.005)
    sender:send("message")
    socket.sleep(0.02)
    peer:send("line\n")
  end)
  while #seen < 2 do
    local recvr, _, err = socket.select({ quiet, client, receiver }, nil, 1)
    for _, one in ipairs(recvr or {}) do
      if one == client then
        seen[#seen + 1] = client:receive()
      elseif one == receiver then
        seen[#seen + 1] = receiver:receive()
      end
    end
    if err then
      break
    end
  end
  return seen
end)
