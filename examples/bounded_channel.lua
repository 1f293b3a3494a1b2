-- A channel that holds at most so many messages, written with what cosock gives any program: the
-- three values of a yield, and setwaker. bounded_senders.lua uses it.
--
--   local sender, receiver = require("bounded_channel").new(depth)
--
-- The halves work as cosock.channel's do, but send() waits while the channel is full. Senders that
-- wait are served first come, first served.
local bounded_channel = {}

local Sender = {}
Sender.__index = Sender

local Receiver = {}
Receiver.__index = Receiver

-- `waiting` holds a ticket for each send() that waits, longest first.
function bounded_channel.new(depth)
  local link = { depth = depth, queue = {}, waiting = {}, closed = false }
  return setmetatable({ link = link }, Sender), setmetatable({ link = link }, Receiver)
end

local function remove(list, item)
  for index, candidate in ipairs(list) do
    if candidate == item then
      table.remove(list, index)
      return
    end
  end
end

local function push(link, message)
  table.insert(link.queue, message)
  if link.waker then
    link.waker()
  end
end

local function close(link)
  link.closed = true
  if link.waker then
    link.waker()
  end
  -- A waker clears itself, which takes its ticket off the list.
  while link.waiting[1] do
    link.waiting[1].waker()
  end
end

-- What one waiting send() yields. Each has its own, for an object has one waker and a channel may
-- have many senders. It stands in line for exactly as long as it has a waker.
local function new_ticket(link, message)
  local ticket = { message = message, sent = false }
  function ticket:setwaker(_, waker)
    self.waker = waker
    if waker then
      table.insert(link.waiting, self)
    else
      remove(link.waiting, self)
    end
  end
  return ticket
end

function Sender:settimeout(seconds)
  self.timeout = seconds
end

-- True when the message is in the channel; nil and "closed" or "timeout" when it will never be.
function Sender:send(message)
  assert(message ~= nil, "nil cannot be sent")
  local link = self.link
  if link.closed then
    return nil, "closed"
  end
  if #link.queue < link.depth then
    push(link, message)
    return true
  end
  local ticket = new_ticket(link, message)
  local _, _, problem = coroutine.yield(nil, { ticket }, self.timeout)
  if ticket.sent then
    return true
  end
  return nil, problem or "closed"
end

function Sender:close()
  close(self.link)
end

function Receiver:settimeout(seconds)
  self.timeout = seconds
end

function Receiver:setwaker(kind, waker)
  assert(kind == "recvr", "a receiver can only wait to receive")
  local link = self.link
  link.waker = waker
  if waker and (#link.queue > 0 or link.closed) then
    waker()
  end
end

-- The oldest message; nil and "closed" when there will be no more, nil and "timeout" when none came.
function Receiver:receive()
  local link = self.link
  while #link.queue == 0 do
    if link.closed then
      return nil, "closed"
    end
    local ready, _, problem = coroutine.yield({ self }, nil, self.timeout)
    if not ready then
      return nil, problem
    end
  end
  local message = table.remove(link.queue, 1)
  -- The free place goes straight to whoever has waited longest, so that nobody can slip in between.
  local ticket = link.waiting[1]
  if ticket then
    ticket.sent = true
    push(link, ticket.message)
    ticket.waker()
  end
  return message
end

function Receiver:close()
  close(self.link)
end

return bounded_channel
