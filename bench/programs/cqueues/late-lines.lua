-- How late a timer of 10 ms is at worst, beside a task that reads from a socket on which there is always a
-- line, and yields after each. late-lines.lua SECONDS

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local budget = assert(tonumber(arg[1]))
local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function measure()
  local timers, worst = 0, 0
  local start = cqueues.monotime()
  repeat
    local due = cqueues.monotime() + 0.01
    cqueues.sleep(0.01)
    worst = math.max(worst, cqueues.monotime() - due)
    timers = timers + 1
  until cqueues.monotime() - start >= budget
  print("late", timers, worst)
  os.exit(0, false)
end

loop:wrap(function()
  local client = assert(listener:accept())
  client:setmode("bl", "bf")
  loop:wrap(measure)
  while client:read("*l") do
    cqueues.sleep(0)
  end
end)

print("ready", (select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
