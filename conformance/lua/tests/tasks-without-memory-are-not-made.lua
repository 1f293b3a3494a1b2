-- A program that makes more than there is memory for gets Lua's error, wherever the memory runs out; the process
-- lives, and so does every other task.
local scarce = require "scarce"
local world = require "world"

local code = [[
local timers = require "cosock.timers"
local handles = {}

local function make_without_end()
  while true do
    local sender, receiver = cosock.channel.new()
    local handle = cosock.spawn(function()
      receiver:receive()
    end)
    assert(handle:is_alive())
    handles[#handles + 1] = handle
    timers.set(1000, function() end)
  end
end

local function let_go()
  for _, handle in ipairs(handles) do
    handle:cancel()
  end
end
]]

-- Steps at which one table or the other is what grows last.
scarce.run(code, 50000, 70000, 4000)

world.finish()
