-- A program that makes more sockets than there is memory for gets Lua's error, wherever the memory runs out; the
-- process lives, and so does every other task.
local child = require "child"
local expect = require "expect"
local world = require "world"

local code = [[
local cosock = require "cosock"
local socket = cosock.socket
local ballast = ("."):rep(2 ^ 22)

local function make_without_end()
  local sockets = {}
  while true do
    sockets[#sockets + 1] = socket.tcp()
    sockets[#sockets + 1] = socket.udp()
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
  print(ok, err)
  sender:send("more")
end, "endless")
cosock.run()
]]

-- In KiB: steps at which now Lua's part of a socket is what there is no memory for, and now ours.
for memory = 30000, 50000, 2000 do
  local output, exit = child.run(code, "both", nil, nil, "-v " .. memory)
  expect.equal(output, "false\tnot enough memory\nanother goes on\n", memory .. " KiB")
  expect.equal(exit, 0)
end

world.finish()
