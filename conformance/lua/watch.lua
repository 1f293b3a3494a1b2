-- Runs another script as if it had been called itself, then asks what it left behind.
--
--   lua watch.lua script.lua [arguments]
local world = require "world"

arg[0] = table.remove(arg, 1)
assert(loadfile(arg[0]))()

world.finish()
