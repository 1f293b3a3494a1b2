-- How late a timer of 10 ms is at worst, beside a task that does nothing but yield. late-yields.lua SECONDS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local function now()
  return uv.hrtime() / 1e9
end

local budget = assert(tonumber(arg[1]))
local timers, worst, over = 0, 0, false

tasks.spawn(function()
  while not over do
    tasks.sleep(0)
  end
end)

tasks.spawn(function()
  local start = now()
  repeat
    local due = now() + 0.01
    tasks.sleep(0.01)
    worst = math.max(worst, now() - due)
    timers = timers + 1
  until now() - start >= budget
  over = true
end)
uv.run()
print("late", timers, worst)
