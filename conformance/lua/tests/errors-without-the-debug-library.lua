-- Tracebacks need nothing of the debug library: it may be gone, or replaced, before cosock is loaded.
local child = require "child"
local expect = require "expect"
local world = require "world"

local task = [[
cosock.spawn(function()
  cosock.socket.sleep(0)
  error("the message", 0)
end, "fails")
local fine, raised = pcall(cosock.run)
print(fine, raised)
]]

for _, prelude in ipairs {
  "debug = nil local cosock = require 'cosock'",
  "debug.traceback = nil local cosock = require 'cosock'",
  "debug.traceback = function() error 'replaced' end local cosock = require 'cosock'",
  "local cosock = require 'cosock' debug = nil package.loaded.debug = nil",
  "local cosock = require 'cosock' debug.traceback = function() return 'replaced' end",
} do
  local output, code = child.run(prelude .. " " .. task)
  expect.equal(code, 0, output)
  expect.equal(output:sub(1, 35), "false\tthe message\nstack traceback:\n", prelude)
end

-- The same for a handler, and for an error value that is no text.
local output, code = child.run [[
debug = nil
local cosock = require "cosock"
local value = {}
cosock.spawn(function()
  error(value)
end, "fails", { onerror = function(err, traceback, handle)
  print(err == value, traceback:match "^stack traceback:", tostring(handle))
end })
cosock.run()
]]
expect.equal(output, "true\tstack traceback:\tfails\n")
expect.equal(code, 0)

world.finish()
