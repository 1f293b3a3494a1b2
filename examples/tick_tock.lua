-- Two tasks take turns by the clock alone: each sleeps two beats, the second starts one beat late.
--
--   lua tick_tock.lua [rounds|forever]
local cosock = require "cosock"
local socket = cosock.socket

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local beat = 0.2 -- seconds
local start = socket.gettime()

local function say(word)
  print(string.format("%.2f %s", socket.gettime() - start, word))
end

local function tick()
  for _ = 1, rounds do
    say("tick")
    socket.sleep(2 * beat)
  end
end

local function tock()
  socket.sleep(beat)
  for _ = 1, rounds do
    say("tock")
    socket.sleep(2 * beat)
  end
end

cosock.spawn(tick, "tick")
cosock.spawn(tock, "tock")
cosock.run()
