-- How late a timer of 10 ms is at worst, beside a task that does nothing but yield. late-yields.lua SECONDS

local cosock = require "cosock"
local socket = cosock.socket

local budget = assert(tonumber(arg[1]))
local timers, worst, over = 0, 0, false

cosock.spawn(function()
  while not over do
    socket.sleep(0)
  end
end)

cosock.spawn(function()
  local start = socket.gettime()
  repeat
    local due = socket.gettime() + 0.01
    socket.sleep(0.01)
    worst = math.max(worst, socket.gettime() - due)
    timers = timers + 1
  until socket.gettime() - start >= budget
  over = true
end)
cosock.run()
print("late", timers, worst)
