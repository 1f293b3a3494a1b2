-- claim: a receiver has one waiter at a time, who is woken by messages and by close
-- chapter: channels
-- source: the book: integrations
-- covers: C13 C14 G22a G22b G22c receiver:setwaker
local trace = require "trace"
local cosock = require "cosock"
local channel = cosock.channel

local sender, receiver = channel.new()
trace.method("setwaker.wrong-kind", receiver, "setwaker", "sendr", function() end)
trace.method("setwaker.no-kind", receiver, "setwaker")
trace.method("setwaker", receiver, "setwaker", "recvr", function() end)
trace.values("setwaker.field", type(sender.link.waker))
trace.method("setwaker.second", receiver, "setwaker", "recvr", function() end)
trace.method("setwaker.nil", receiver, "setwaker", "recvr", nil)
trace.values("setwaker.nil.field", type(sender.link.waker))
trace.method("setwaker.nil-again", receiver, "setwaker", "recvr")

-- A waker is called with what?
local calls = {}
local function waker(...)
  calls[#calls + 1] = select("#", ...)
end
receiver:setwaker("recvr", waker)
sender:send("message")
trace.values("waker.calls", #calls, calls[1])
receiver:setwaker("recvr", nil)
trace.method("setwaker.message-queued", receiver, "setwaker", "recvr", waker)
trace.values("waker.called-at-once", #calls, calls[2])
receiver:setwaker("recvr", nil)
receiver:receive()
receiver:setwaker("recvr", waker)
sender:close()
trace.values("waker.sender-closes", #calls, calls[3])

local _, other = channel.new()
local closed = 0
other:setwaker("recvr", function() closed = closed + 1 end)
other:close()
trace.values("waker.receiver-closes", closed)

local closed_sender, closed_receiver = channel.new()
closed_sender:close()
local late = 0
closed_receiver:setwaker("recvr", function() late = late + 1 end)
trace.values("waker.closed-before", late)

trace.values("sender-has-no-setwaker", sender.setwaker)

-- A second task in receive.
local one, both = channel.new()
for index = 1, 2 do
  cosock.spawn(function()
    trace.values("second-receiver." .. index, both:receive())
  end)
end
cosock.spawn(function()
  cosock.socket.sleep(0.05)
  one:send("message")
  one:close()
end)
trace.run("second-receiver")
trace.run("second-receiver.again")

trace.task("sender-in-select", function()
  local writer = channel.new()
  return cosock.socket.select({ writer }, nil, 0.1)
end)
