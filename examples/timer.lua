-- An object that cosock can wait for needs one method, setwaker(kind, waker). This one is a timer:
-- it waits by yielding what select would be given, and shows when cosock calls its setwaker.
--
--   lua timer.lua [rounds|forever]
local cosock = require "cosock"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 1

local Timer = {}
Timer.__index = Timer

function Timer.new(seconds)
  return setmetatable({ seconds = seconds }, Timer)
end

-- Waits until the time is up; nothing can come earlier, since nobody keeps the waker.
function Timer:wait()
  return coroutine.yield({ self }, nil, self.seconds)
end

function Timer:setwaker(kind, waker)
  print("setwaker " .. kind .. " " .. type(waker))
end

cosock.spawn(function()
  local timer = Timer.new(0.3)
  for _ = 1, rounds do
    local start = cosock.socket.gettime()
    print("waiting")
    local receivers, senders, problem = timer:wait()
    print(string.format("waited %.2f seconds", cosock.socket.gettime() - start))
    print("result", receivers, senders, problem)
  end
end, "waiter")

cosock.run()
