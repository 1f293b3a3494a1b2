-- How late a timer of 10 ms is at worst, beside a task that does nothing but yield. late-yields.lua SECONDS

local copas = require "copas"
local socket = require "socket"

local budget = assert(tonumber(arg[1]))
local timers, worst, over = 0, 0, false

copas.addthread(function()
  while not over do
    copas.pause(0)
  end
end)

copas.addthread(function()
  local start = socket.gettime()
  repeat
    local due = socket.gettime() + 0.01
    copas.pause(0.01)
    worst = math.max(worst, socket.gettime() - due)
    timers = timers + 1
  until socket.gettime() - start >= budget
  over = true
end)
copas.loop()
print("late", timers, worst)
