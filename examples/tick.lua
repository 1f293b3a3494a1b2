-- One task that ticks, and sleeps between the ticks.
--
--   lua tick.lua [rounds|forever]
local cosock = require "cosock"
local socket = cosock.socket

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 4
local beat = 0.2 -- seconds

cosock.spawn(function()
  local start = socket.gettime()
  for _ = 1, rounds do
    print(string.format("%.2f tick", socket.gettime() - start))
    socket.sleep(beat)
  end
end, "clock")

cosock.run()
