-- A receive that a program puts into the table of TCP methods before anything was received stays there, and may call
-- what was there before; so does one that comes later.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"

local tcp = require "cosock.socket.tcp"
local receive = tcp.receive
local calls = 0

local function counting_receive(self, ...)
  calls = calls + 1
  return receive(self, ...)
end

local function many_lines()
  local sock, peer = network.pair()
  local lines = {}
  for number = 1, 500 do
    lines[number] = number .. "\n"
  end
  peer:send(table.concat(lines))
  for number = 1, 500, 2 do
    expect.equal(sock:receive(), tostring(number))
    -- What was there before takes the next.
    expect.equal(receive(sock, "*l"), tostring(number + 1))
  end
  sock:close()
  peer:close()
end

tcp.receive = counting_receive
expect.tasks(many_lines)
expect.equal(calls, 250)
expect.equal(tcp.receive, counting_receive)

tcp.receive = receive
expect.tasks(many_lines)
expect.equal(calls, 250)

receive = tcp.receive
tcp.receive = counting_receive
expect.tasks(many_lines)
expect.equal(calls, 500)
expect.equal(tcp.receive, counting_receive)

-- One object's own comes first.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send(("line\n"):rep(100))
  expect.equal(receive(sock), "line")
  sock.receive = function()
    return "its own"
  end
  for _ = 1, 50 do
    expect.equal(sock:receive(), "its own")
    expect.equal(receive(sock), "line")
  end
  sock:close()
  peer:close()
end)

tcp.receive = nil
expect.tasks(function()
  local sock, peer = network.pair()
  expect.equal(sock.receive, nil)
  sock:close()
  peer:close()
end)

world.finish()
