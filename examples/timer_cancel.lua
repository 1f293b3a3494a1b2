-- The timer of timer.lua, and another task that cancels it: calling the waker makes cosock resume
-- whoever waits, before the time is up.
--
--   lua timer_cancel.lua [rounds|forever]
local cosock = require "cosock"
local socket = cosock.socket

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 1

local Timer = {}
Timer.__index = Timer

function Timer.new(seconds)
  return setmetatable({ seconds = seconds }, Timer)
end

-- True when the time is up; nil and "cancelled" when someone cancelled before.
function Timer:wait()
  local receivers, _, problem = coroutine.yield({ self }, nil, self.seconds)
  if problem == "timeout" then
    return true
  end
  assert(receivers[1] == self)
  return nil, "cancelled"
end

function Timer:setwaker(kind, waker)
  print("setwaker " .. kind .. " " .. type(waker))
  self.waker = waker
end

function Timer:cancel()
  if self.waker then
    print("waking")
    self.waker()
  end
end

local function cancel_early(timer)
  socket.sleep(0.2)
  timer:cancel()
end

cosock.spawn(function()
  for _ = 1, rounds do
    local timer = Timer.new(10)
    cosock.spawn(function()
      cancel_early(timer)
    end, "canceller")
    local start = socket.gettime()
    print("waiting")
    local finished, problem = timer:wait()
    print(string.format("waited %.2f seconds", socket.gettime() - start))
    print("result", finished, problem)
  end
end, "waiter")

cosock.run()
