-- The same clock with one function: a task is a function without arguments, so what differs
-- between the two is given to the function that makes them.
--
--   lua tick_tock_closure.lua [rounds|forever]
local cosock = require "cosock"
local socket = cosock.socket

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local beat = 0.2 -- seconds
local start = socket.gettime()

local function hand(word, delay)
  return function()
    socket.sleep(delay)
    for _ = 1, rounds do
      print(string.format("%.2f %s", socket.gettime() - start, word))
      socket.sleep(2 * beat)
    end
  end
end

cosock.spawn(hand("tick", 0), "tick")
cosock.spawn(hand("tock", beat), "tock")
cosock.run()
