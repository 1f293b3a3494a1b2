-- A program may replace what dumps functions, or what loads them, by functions that make no copy. Then the module
-- cannot be asyncified on most versions, and nothing is written where the copy's upvalues would be.
local world = require "world"

local names = {}
for number = 1, 50 do
  names[number] = "value" .. number
end
local load = loadstring or load
local list = table.concat(names, ", ")
-- It uses sockets, so it is not shared.
local chunk = "local " .. list .. "\nreturn function() return require \"socket\", { " .. list .. " } end"
local other = load("return true")
local dump = string.dump
string.dump = function()
  return dump(other)
end

local cosock = require "cosock"
cosock.spawn(function()
  for number = 1, 100 do
    local name = "no_copy_" .. number
    package.preload[name] = load(chunk)()
    local fine, module = pcall(cosock.asyncify, name)
    assert(not fine or module ~= true, name)
  end
end, "asyncifies")
cosock.run()
collectgarbage()

string.dump = dump
world.finish()
