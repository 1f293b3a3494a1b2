-- When all tasks wait in vain, run() raises a report that names each and what it waits for; the tasks
-- are not lost: what comes later still reaches them.
local world = require "world"
local cosock = require "cosock"

local function contains(text, part)
  if not text:find(part, 1, true) then
    error(string.format("%q is missing in the report:\n%s", part, text), 2)
  end
end

for _, count in ipairs { 1, 2, 5 } do
  local senders, got = {}, {}
  for number = 1, count do
    local sender, receiver = cosock.channel.new()
    senders[number] = sender
    cosock.spawn(function()
      got[number] = receiver:receive()
    end, "task number " .. number)
  end

  local fine, report = pcall(cosock.run)
  assert(not fine, "run() must raise")
  assert(type(report) == "string", "the report is a string")
  contains(report, "cosock tried to call socket.select with no sockets and no timeout")
  for number = 1, count do
    contains(report, "task number " .. number)
  end
  contains(report, "receive")

  for number, sender in ipairs(senders) do
    sender:send(number)
  end
  cosock.run()
  for number = 1, count do
    assert(got[number] == number, "the message reaches the task that waited")
  end
end

world.finish()
