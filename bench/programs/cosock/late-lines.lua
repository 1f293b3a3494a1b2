-- How late a timer of 10 ms is at worst, beside a task that reads from a socket on which there is always a
-- line, and yields after each. late-lines.lua SECONDS

local cosock = require "cosock"
local socket = cosock.socket

local budget = assert(tonumber(arg[1]))
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function measure()
  local timers, worst = 0, 0
  local start = socket.gettime()
  repeat
    local due = socket.gettime() + 0.01
    socket.sleep(0.01)
    worst = math.max(worst, socket.gettime() - due)
    timers = timers + 1
  until socket.gettime() - start >= budget
  print("late", timers, worst)
  os.exit(0, false)
end

cosock.spawn(function()
  local client = assert(listener:accept())
  cosock.spawn(measure)
  while client:receive() do
    socket.sleep(0)
  end
end)

print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
cosock.run()
