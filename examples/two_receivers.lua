-- What goes wrong when two tasks receive on one channel. A channel has many senders but a single
-- receiver: the second task that waits gets an error, and a message reaches only one of them.
--
--   lua two_receivers.lua [rounds|forever]
local cosock = require "cosock"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 1

local function listen(receiver, name)
  cosock.spawn(function()
    print(name .. " got " .. receiver:receive())
  end, name)
end

-- Runs the tasks. An error in one of them comes out here, and so does it when all wait in vain.
local function run()
  local fine, problem = pcall(cosock.run)
  if fine then
    print("run ends well")
  else
    -- The first line says it, behind the place in the source; tracebacks may follow.
    local reason = problem:match("^[^\n]*"):gsub("^.*:%d+: ", "")
    print("run fails: " .. reason)
  end
end

local function both_wait()
  print("both wait:")
  local sender, receiver = cosock.channel.new()
  listen(receiver, "first")
  listen(receiver, "second")
  run()
  -- The task that waited before the other came is not hurt.
  sender:send("the late news")
  run()
  cosock.reset()
end

local function one_message()
  print("one message, two tasks:")
  local sender, receiver = cosock.channel.new()
  sender:send("the early news")
  listen(receiver, "first")
  listen(receiver, "second")
  run()
  cosock.reset()
  sender:close()
end

for _ = 1, rounds do
  both_wait()
  one_message()
end
