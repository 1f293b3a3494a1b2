-- A program may hide `package`, `debug`, `io`, `os` and what loads code from the code that it runs, and keep
-- `require`: cosock is loaded and works all the same.
local child = require "child"
local expect = require "expect"
local world = require "world"

local hide = [[
for name in ("package debug io os load loadstring loadfile dofile module setfenv getfenv collectgarbage"):gmatch "%S+" do
  _G[name] = nil
end
]]
local start = [[
local cosock = require "cosock"
]]
local use = [[
local socket = cosock.socket
cosock.spawn(function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local client = assert(socket.connect("localhost", port))
  local accepted = assert(listener:accept())
  client:send("line\n")
  assert(accepted:receive() == "line")
  assert(require "cosock.socket" == socket)
  assert(require("cosock.socket.http").request)
  print "done"
  error("on purpose", 0)
end, "fails", { onerror = function(err, traceback)
  print(err, type(traceback))
end })
cosock.run()
]]

for _, code in ipairs { hide .. start .. use, start .. hide .. use } do
  local output, exit = child.run(code)
  expect.equal(output, "done\non purpose\tstring\n")
  expect.equal(exit, 0)
end

world.finish()
