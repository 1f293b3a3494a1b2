-- Leaves a task behind; world.finish() must say so.
local world = require "world"
local cosock = require "cosock"

cosock.spawn(function() end, "never run")

world.finish()
