-- A `run` that deadlocks in a finalizer while the state closes comes to an end.
local world = require "world"
local child = require "child"

local said, code = child.run([[
local cosock = require "cosock"
local _, rx = cosock.channel.new()
cosock.spawn(function()
  rx:receive()
end)
local function run()
  pcall(cosock.run)
  io.write "over"
end
if newproxy then
  keep = newproxy(true)
  getmetatable(keep).__gc = run
else
  keep = setmetatable({}, { __gc = run })
end
]], "both")
assert(said == "over" or said == "", said)
assert(code == 0, code)
world.finish()
