-- A program that makes more than there is memory for gets Lua's error, wherever the memory runs out; the process
-- lives, and so does every other task.
local child = require "child"
local expect = require "expect"
local world = require "world"

local code = [[
local cosock = require "cosock"
local timers = require "cosock.timers"
local ballast = ("."):rep(2 ^ 22)

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

cosock.spawn(function()
  local sender, receiver = cosock.channel.new()
  cosock.spawn(function()
    assert(receiver:receive() == "more")
    print("another goes on")
    os.exit(0, false)
  end, "another")
  local ok, err = pcall(make_without_end)
  ballast = nil
  collectgarbage()
  for _, handle in ipairs(handles) do
    handle:cancel()
  end
  print(ok, err)
  sender:send("more")
end, "endless")
cosock.run()
]]

-- In KiB: steps at which one table or the other is what grows last.
for memory = 50000, 70000, 4000 do
  local output, exit = child.run(code, "both", nil, nil, "-v " .. memory)
  expect.equal(output, "false\tnot enough memory\nanother goes on\n", memory .. " KiB")
  expect.equal(exit, 0)
end

world.finish()
