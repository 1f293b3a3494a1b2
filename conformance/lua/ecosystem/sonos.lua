-- What SmartThings' driver for Sonos adds to cosock from outside: a bus whose subscriptions can be waited on, and
-- streams, which are iterators over them. Tasks read in a loop, through a stream, with a timeout, and by
-- select beside a socket. (A stream itself cannot be selected, for its lookup of
-- other names never ends, and a bus must not be closed while somebody waits for it: that is so on any cosock.)
local cosock = require "cosock"
local socket = cosock.socket
local Bus = require "cosock.bus"
local Stream = require "cosock.stream"

local count = 20
local bus = Bus()
local got = {}

for reader = 1, 2 do
  local subscription = bus:subscribe()
  local stream = Stream.wrap_receive(subscription)
  local function receive()
    if reader == 1 then
      return subscription:receive()
    end
    return stream()
  end
  cosock.spawn(function()
    local sum = 0
    local message = receive()
    while message ~= "end" do
      sum = sum + message
      message = receive()
    end
    got[reader] = sum
  end, "reader " .. reader)
end

local late = bus:subscribe()
late:settimeout(0.01)
cosock.spawn(function()
  late:receive()
  late:close()
  got.late = select(2, late:receive())
end, "one that gives up")

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local selected = bus:subscribe()

cosock.spawn(function()
  local peer = assert(listener:accept())
  local bytes, sum = 0, 0
  while bytes < count or sum < count * (count + 1) / 2 do
    local ready, _, err = socket.select({ peer, selected }, nil, 10)
    assert(ready, err)
    for _, one in ipairs(ready) do
      if one == peer then
        bytes = bytes + #assert(peer:receive(1))
      else
        sum = sum + assert(selected:receive())
      end
    end
  end
  got.both = bytes .. " bytes and " .. sum
end, "selects a subscription and a socket")

cosock.spawn(function()
  local client = assert(socket.connect("127.0.0.1", port))
  for number = 1, count do
    assert(bus:send(number))
    assert(client:send("x"))
    socket.sleep(number % 5 == 0 and 0.002 or 0)
  end
  while not got.both do
    socket.sleep(0.002)
  end
  assert(bus:send("end"))
  while not (got[1] and got[2]) do
    socket.sleep(0.002)
  end
  bus:close()
  got.refused = select(2, bus:send(1))
end, "sender")

cosock.run()
assert(got[1] == 210 and got[2] == 210, got[1])
assert(got.late == "closed" and got.refused == "closed")
assert(got.both == "20 bytes and 210", got.both)
print "ok"
