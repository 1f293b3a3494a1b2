-- How late a timer of 10 ms is at worst, beside a task that reads from a socket on which there is always a
-- line, and yields after each. late-lines.lua SECONDS

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget = assert(tonumber(arg[1]))

local function now()
  return uv.hrtime() / 1e9
end

local function measure()
  local timers, worst = 0, 0
  local start = now()
  repeat
    local due = now() + 0.01
    tasks.sleep(0.01)
    worst = math.max(worst, now() - due)
    timers = timers + 1
  until now() - start >= budget
  print("late", timers, worst)
  os.exit(0, false)
end

tasks.serve(function(client)
  tasks.spawn(measure)
  while client:line() do
    tasks.sleep(0)
  end
end)
