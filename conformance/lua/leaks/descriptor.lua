-- Leaves a listening socket behind; world.finish() must say so.
local world = require "world"
local socket = require "cosock.socket"

local listener = assert(socket.bind("127.0.0.1", 0))

world.finish()
listener:close()
