-- How late a timer of 10 ms is at worst, beside a task that does nothing but yield. late-yields.lua SECONDS

local cqueues = require "cqueues"

local loop = cqueues.new()
local budget = assert(tonumber(arg[1]))
local timers, worst, over = 0, 0, false

loop:wrap(function()
  while not over do
    cqueues.sleep(0)
  end
end)

loop:wrap(function()
  local start = cqueues.monotime()
  repeat
    local due = cqueues.monotime() + 0.01
    cqueues.sleep(0.01)
    worst = math.max(worst, cqueues.monotime() - due)
    timers = timers + 1
  until cqueues.monotime() - start >= budget
  over = true
end)
assert(loop:loop())
print("late", timers, worst)
