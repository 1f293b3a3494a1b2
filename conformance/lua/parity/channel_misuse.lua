-- claim: channels wrongly used say what is wrong
-- chapter: channels
-- source: the rock's behaviour
-- covers: C17 G23
local trace = require "trace"
local cosock = require "cosock"
local channel = cosock.channel

local sender, receiver = channel.new()
trace.values("send.without-self", (pcall(sender.send)))
trace.values("send.on-a-number", (pcall(sender.send, 5)))
trace.values("receive.without-self", (pcall(receiver.receive)))
trace.values("receive.on-a-number", (pcall(receiver.receive, 5)))
trace.values("close.without-self", (pcall(receiver.close)))
trace.values("settimeout.without-self", (pcall(receiver.settimeout)))
trace.values("setwaker.without-self", (pcall(receiver.setwaker)))
for _, bad in ipairs { "text", "table", "boolean" } do
  local value = ({ text = "text", table = {}, boolean = true })[bad]
  trace.method("settimeout." .. bad, receiver, "settimeout", value)
  trace.task("receive.timeout-is-a-" .. bad, function()
    local quick, other = channel.new()
    other:settimeout(value)
    return other:receive(), quick
  end)
end
trace.task("receive.timeout-is-text-but-a-message-is-there", function()
  local quick, other = channel.new()
  other:settimeout("text")
  quick:send("message")
  return other:receive()
end)
