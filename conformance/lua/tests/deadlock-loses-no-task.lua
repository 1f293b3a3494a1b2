-- After a deadlock no task is lost, however many there are: what comes later still reaches each.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

for _, count in ipairs { 1, 2, 5 } do
  local senders, got = {}, {}
  for number = 1, count do
    local sender, receiver = cosock.channel.new()
    senders[number] = sender
    cosock.spawn(function()
      got[number] = receiver:receive()
    end, "task number " .. number)
  end

  local report = expect.raises("cosock tried to call socket.select with no sockets and no timeout", cosock.run)
  for number = 1, count do
    expect.contains(report, "'task number " .. number .. "' waits in receive of a channel")
  end

  for number, sender in ipairs(senders) do
    sender:send(number)
  end
  cosock.run()
  for number = 1, count do
    expect.equal(got[number], number)
  end
end

world.finish()
