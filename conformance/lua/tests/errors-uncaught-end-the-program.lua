-- What an uncaught error of a task makes of the program: the interpreter reports it on stderr and ends with
-- code 1. So does a deadlock. os.exit in a task ends the program with its code.
local child = require "child"
local expect = require "expect"
local world = require "world"

local function run(body, stream)
  return child.run("local cosock = require 'cosock'\n" .. body, stream)
end

local function failing(raise)
  return [[
cosock.spawn(function()
  cosock.socket.sleep(0)
  print "before"
  ]] .. raise .. [[

end, "fails")
cosock.run()
print "not reached"
]]
end

do
  local stdout, code = run(failing "error 'the message'", "stdout")
  expect.equal(stdout, "before\n")
  expect.equal(code, 1)
  local stderr = run(failing "error 'the message'", "stderr")
  expect.contains(stderr, "the message\nstack traceback:")
end

-- Whatever the value, the code is 1.
for _, raise in ipairs { "error(42)", "error {}", "error()", "error(nil)", "error(io.stdout)", "error(true)" } do
  local _, code = run(failing(raise))
  expect.equal(code, 1, raise)
end

-- A table's own text is the interpreter's business, and it gets the table itself.
do
  local stderr, code = run(failing "error(setmetatable({}, { __tostring = function() return 'own text' end }))",
    "stderr")
  expect.equal(code, 1)
  if expect.version ~= "5.1" then
    expect.contains(stderr, "own text")
  end
end

-- A deadlock, on stderr only.
do
  local body = [[
local _, receiver = cosock.channel.new()
local kept = _
cosock.spawn(function()
  receiver:receive()
end, "waits in vain")
cosock.run()
]]
  local stdout, code = run(body, "stdout")
  expect.equal(stdout, "")
  expect.equal(code, 1)
  local stderr = run(body, "stderr")
  expect.contains(stderr, "waits in vain")
end

-- An error after a task has closed its sockets, with a handler that raises.
do
  local stderr, code = run([[
cosock.seterrorhandler(function(err)
  error("handler: " .. tostring(err), 0)
end)
cosock.spawn(function()
  error("task", 0)
end)
cosock.run()
]], "stderr")
  expect.equal(code, 1)
  expect.contains(stderr, "handler: task")
end

-- os.exit in a task, with others parked on everything: the process ends with the code, and nothing goes on.
for _, exit in ipairs { { "os.exit(0)", 0 }, { "os.exit(7)", 7 }, { "os.exit()", 0 } } do
  local output, code = run([[
local socket = cosock.socket
local server = assert(socket.bind("127.0.0.1", 0))
cosock.spawn(function()
  server:accept()
end)
cosock.spawn(function()
  socket.sleep(1000)
end)
cosock.spawn(function()
  socket.sleep(0.001)
  print "exits"
  ]] .. exit[1] .. [[

  print "goes on"
end)
cosock.run()
print "returns"
]])
  expect.equal(output, "exits\n", exit[1])
  expect.equal(code, exit[2], exit[1])
end

-- Closing the state from within a task, where the language allows it.
if expect.version ~= "5.1" then
  for _, exit in ipairs { { "os.exit(true, true)", 0 }, { "os.exit(false, true)", 1 }, { "os.exit(3, true)", 3 } } do
    local output, code = run([[
local socket = cosock.socket
local sender, receiver = cosock.channel.new()
local server = assert(socket.bind("127.0.0.1", 0))
cosock.spawn(function()
  server:accept()
end)
cosock.spawn(function()
  receiver:receive()
end)
cosock.spawn(function()
  socket.dns.toip "localhost"
end)
cosock.spawn(function()
  sender:send {}
  print "exits"
  ]] .. exit[1] .. [[

end)
cosock.run()
]])
    expect.equal(output, "exits\n", exit[1])
    expect.equal(code, exit[2], exit[1])
  end
end

-- From a coroutine in a task, from a handler, from a timer, from a setwaker.
for _, body in ipairs {
  "cosock.spawn(function() coroutine.wrap(function() os.exit(9) end)() end)",
  "cosock.spawn(error, 'fails', { onerror = function() os.exit(9) end })",
  "require('cosock.timers').set(0, function() os.exit(9) end) cosock.spawn(function() cosock.socket.sleep(1) end)",
  "cosock.spawn(function() cosock.socket.select { { setwaker = function() os.exit(9) end } } end)",
} do
  local output, code = run(body .. "\ncosock.run()")
  expect.equal(output, "")
  expect.equal(code, 9, body)
end

world.finish()
