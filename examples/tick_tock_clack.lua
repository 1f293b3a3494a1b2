-- Three tasks pass a counter round: tick and tock hand it to each other, one higher each time, and
-- the one that finds it full tells clack, which strikes and starts the next minute.
--
--   lua tick_tock_clack.lua [minutes|forever]
local cosock = require "cosock"
local socket = cosock.socket

local minutes = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 2
local beat = 0.05 -- seconds
local beats = 6 -- to a minute

local tick_sender, tick_receiver = cosock.channel.new()
local tock_sender, tock_receiver = cosock.channel.new()
local clack_sender, clack_receiver = cosock.channel.new()

local function hand(word, mine, other)
  return function()
    local count = mine:receive()
    while count do
      print(count .. " " .. word)
      socket.sleep(beat)
      if count < beats then
        other:send(count + 1)
      else
        clack_sender:send()
      end
      count = mine:receive()
    end
  end
end

local function clack()
  for _ = 1, minutes do
    tick_sender:send(1)
    clack_receiver:receive()
    print("clack")
  end
  -- With their channels closed, tick and tock receive nil and end.
  tick_sender:close()
  tock_sender:close()
end

cosock.spawn(hand("tick", tick_receiver, tock_sender), "tick")
cosock.spawn(hand("tock", tock_receiver, tick_sender), "tock")
cosock.spawn(clack, "clack")
cosock.run()
