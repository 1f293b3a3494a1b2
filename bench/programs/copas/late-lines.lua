-- How late a timer of 10 ms is at worst, beside a task that reads from a socket on which there is always a
-- line, and yields after each. late-lines.lua SECONDS

local copas = require "copas"
local socket = require "socket"

local budget = assert(tonumber(arg[1]))
local listener = assert(socket.bind("127.0.0.1", 0, 128))

local function measure()
  local timers, worst = 0, 0
  local start = socket.gettime()
  repeat
    local due = socket.gettime() + 0.01
    copas.pause(0.01)
    worst = math.max(worst, socket.gettime() - due)
    timers = timers + 1
  until socket.gettime() - start >= budget
  print("late", timers, worst)
  os.exit(0, false)
end

copas.addserver(listener, function(client)
  client = copas.wrap(client)
  copas.addthread(measure)
  while client:receive() do
    copas.pause(0)
  end
end)
print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
