-- The bounded channel of the examples at its edges: full, empty, closed from either side, timeouts.
local world = require "world"
local examples = (arg[0]:match("^(.*[/\\])") or "./") .. "../../../examples/"
package.path = examples .. "?.lua;" .. package.path

local bounded_channel = require "bounded_channel"
local expect = require "expect"
local socket = require "cosock.socket"

local check, in_tasks = expect.equal, expect.tasks

-- A full channel makes a sender wait, and refuses it when its time is up; nothing is lost or added.
do
  local sender, receiver = bounded_channel.new(1)
  in_tasks(function()
    check(sender:send("kept"), true)
    sender:settimeout(0.05)
    local sent, problem = sender:send("refused")
    check(sent, nil)
    check(problem, "timeout")
    check(receiver:receive(), "kept")
    receiver:settimeout(0.05)
    local message, reason = receiver:receive()
    check(message, nil)
    check(reason, "timeout")
  end)
end

-- Senders that wait are served in the order in which they came.
do
  local sender, receiver = bounded_channel.new(1)
  local done = 0
  local function send(message, pause)
    return function()
      socket.sleep(pause)
      check(sender:send(message), true)
      done = done + 1
    end
  end
  in_tasks(send("a", 0), send("b", 0.05), send("c", 0.1), function()
    socket.sleep(0.2)
    check(done, 1)
    local got = {}
    for _ = 1, 3 do
      got[#got + 1] = receiver:receive()
    end
    check(table.concat(got), "abc")
  end)
  check(done, 3)
end

-- Closing wakes whoever waits; what is in the channel can still be received.
do
  local sender, receiver = bounded_channel.new(1)
  local refused = 0
  local function send_in_vain()
    socket.sleep(0.02)
    local sent, problem = sender:send("too late")
    check(sent, nil)
    check(problem, "closed")
    refused = refused + 1
  end
  in_tasks(function()
    sender:send("last")
  end, send_in_vain, send_in_vain, function()
    socket.sleep(0.1)
    receiver:close()
    check(receiver:receive(), "last")
    local message, problem = receiver:receive()
    check(message, nil)
    check(problem, "closed")
  end)
  check(refused, 2)
end

-- A sender's close reaches a receiver that waits.
do
  local sender, receiver = bounded_channel.new(1)
  in_tasks(function()
    local message, problem = receiver:receive()
    check(message, nil)
    check(problem, "closed")
  end, function()
    socket.sleep(0.02)
    sender:close()
  end)
end

-- A receiver can be selected on.
do
  local sender, receiver = bounded_channel.new(1)
  in_tasks(function()
    local ready, _, problem = socket.select({ receiver }, nil, 5)
    check(problem, nil)
    check(ready[1], receiver)
    check(receiver:receive(), "selected")
  end, function()
    socket.sleep(0.02)
    sender:send("selected")
  end)
end

world.finish()
