-- What a program puts into the tables of channel methods before it makes its first channel stays there, counts for
-- every channel, and may call what was there before.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local channel = cosock.channel

local send, receive = channel.sender.send, channel.receiver.receive
local calls = 0

local function counting_send(self, ...)
  calls = calls + 1
  return send(self, ...)
end

local function counting_receive(self)
  calls = calls + 1
  return receive(self)
end

channel.sender.send, channel.receiver.receive = counting_send, counting_receive

local tx, rx = channel.new()
expect.equal(tx.send, counting_send)
expect.equal(rx.receive, counting_receive)

-- With few messages and many, in loops that run often, and with those that were there before in between.
for depth = 1, 300, 13 do
  calls = 0
  for number = 1, depth do
    tx:send(number)
    expect.equal(send(tx, -number), true)
  end
  expect.equal(#rx.link.queue, 2 * depth)
  for number = 1, depth do
    expect.equal(rx:receive(), number)
    expect.equal(receive(rx), -number)
  end
  expect.equal(calls, 2 * depth)
end

local got = {}
cosock.spawn(function()
  for place = 1, 20 do
    got[place] = place % 2 == 0 and rx:receive() or receive(rx)
  end
end, "receives")
cosock.spawn(function()
  for number = 1, 20 do
    tx:send(number)
    if number % 5 == 0 then
      cosock.socket.sleep(0)
    end
  end
end, "sends")
cosock.run()
for place = 1, 20 do
  expect.equal(got[place], place)
end

-- One that is taken away is missing.
channel.sender.send = nil
local late = channel.new()
expect.equal(late.send, nil)
channel.sender.send, channel.receiver.receive = send, receive
late:send "put back"

world.finish()
