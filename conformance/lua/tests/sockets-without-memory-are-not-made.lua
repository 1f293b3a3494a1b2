-- A program that makes more sockets than there is memory for gets Lua's error, wherever the memory runs out; the
-- process lives, and so does every other task.
local scarce = require "scarce"
local world = require "world"

local code = [[
local function make_without_end()
  local sockets = {}
  while true do
    sockets[#sockets + 1] = socket.tcp()
    sockets[#sockets + 1] = socket.udp()
  end
end

local function let_go() end
]]

-- Steps at which now Lua's part of a socket is what there is no memory for, and now ours.
scarce.run(code, 30000, 50000, 2000)

world.finish()
