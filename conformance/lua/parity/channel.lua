-- claim: messages arrive in order; close, timeout and select tell what they should
-- chapter: channels
-- source: the book: channels
-- covers: C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C15 C16 G22b G22c X8 cosock.channel
-- covers: cosock.channel.new sender:send sender:close sender:link receiver:receive receiver:close
-- covers: receiver:settimeout
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

trace.values("new.count", select("#", channel.new("ignored", 5)))

-- Outside tasks: nothing here has to wait.
local sender, receiver = channel.new()
trace.method("send", sender, "send", "one")
trace.method("send.only-the-first-argument", sender, "send", "two", "ignored")
trace.method("send.nil", sender, "send", nil)
trace.method("send.nothing", sender, "send")
trace.method("send.false", sender, "send", false)
trace.values("length", #sender.link.queue, #receiver.link.queue)
local first = sender.link.queue[1]
trace.values("queue-entry", type(first), type(first) == "table" and first.msg, sender.link.queue[6])
for index = 1, 5 do
  trace.method("receive." .. index, receiver, "receive")
end
trace.values("length.empty", #sender.link.queue)
trace.method("send.before-close", sender, "send", "last")
trace.values("link.closed.before", sender.link.closed)
trace.method("sender-close", sender, "close")
trace.method("sender-close.again", sender, "close")
trace.values("link.closed", sender.link.closed, receiver.link.closed)
trace.method("send.closed", sender, "send", 1)
trace.method("receive.after-close", receiver, "receive")
trace.method("receive.closed", receiver, "receive")
trace.method("receive.closed-again", receiver, "receive")
trace.method("receiver-close.after", receiver, "close")

sender, receiver = channel.new()
sender:send("unread")
trace.method("receiver-close", receiver, "close")
trace.method("send.receiver-closed", sender, "send", 1)
trace.method("receive.receiver-closed", receiver, "receive")
trace.method("receive.receiver-closed.again", receiver, "receive")

-- Timeouts.
sender, receiver = channel.new()
trace.method("settimeout", receiver, "settimeout", 0.05)
trace.values("settimeout.field", receiver.timeout)
trace.method("settimeout.nil", receiver, "settimeout", nil)
trace.values("settimeout.nil.field", receiver.timeout)
trace.method("settimeout.nothing", receiver, "settimeout")

trace.task("timeout", function()
  local _, silent = channel.new()
  silent:settimeout(0.05)
  local received
  local takes = trace.takes(0.05, 5, function()
    received = { n = select("#", silent:receive()) }
  end)
  return takes, received.n, silent:receive()
end)
trace.task("timeout.zero", function()
  local _, silent = channel.new()
  silent:settimeout(0)
  return silent:receive()
end)
trace.task("timeout.negative", function()
  local _, silent = channel.new()
  silent:settimeout(-1)
  return silent:receive()
end, 0.5)
trace.task("timeout.zero-with-a-message", function()
  local quick, other = channel.new()
  quick:send("message")
  other:settimeout(0)
  return other:receive()
end)
trace.task("timeout.numeric-string", function()
  local _, silent = channel.new()
  silent:settimeout("0.01")
  return silent:receive()
end)

-- Waiting and waking.
trace.task("wakes", function()
  local one, other = channel.new()
  cosock.spawn(function() one:send("message") end)
  return other:receive()
end)
trace.task("wakes.nil-message", function()
  local one, other = channel.new()
  cosock.spawn(function() one:send(nil) end)
  return other:receive()
end)
trace.task("wakes.sender-closes", function()
  local one, other = channel.new()
  cosock.spawn(function() one:close() end)
  return other:receive()
end)
trace.task("wakes.once-for-two-messages", function()
  local one, other = channel.new()
  cosock.spawn(function() one:send(1) one:send(2) end)
  local first = other:receive()
  return first, #other.link.queue, (other:receive())
end)
trace.task("order", function()
  local one, other = channel.new()
  for index = 1, 5 do
    one:send(index)
  end
  local seen = {}
  for index = 1, 5 do
    seen[index] = other:receive()
  end
  return seen
end)
trace.task("select.message", function()
  local one, other = channel.new()
  trace.hide(other, "receiver")
  one:send("message")
  return socket.select({ other }, nil, 1)
end)
trace.task("select.message-that-comes", function()
  local one, other = channel.new()
  trace.hide(other, "receiver")
  cosock.spawn(function() one:send("message") end)
  return socket.select({ other }, nil, 1)
end)
trace.task("receiver-closes-while-a-task-receives", function()
  local _, other = channel.new()
  cosock.spawn(function() other:close() end)
  return other:receive()
end, 0.5)
trace.task("select.closed-before", function()
  local one, other = channel.new()
  trace.hide(other, "receiver")
  one:close()
  return socket.select({ other }, nil, 0.2)
end)
trace.task("select.closed-while", function()
  local one, other = channel.new()
  trace.hide(other, "receiver")
  cosock.spawn(function() one:close() end)
  return socket.select({ other }, nil, 0.2)
end)
