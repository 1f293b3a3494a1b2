-- Ctrl-C ends a program at once, whatever its tasks are doing: "interrupted!" leaves run, and is no task's
-- error, so that no handler hears of it.
local child = require "child"
local cosock = require "cosock"
local expect = require "expect"
local world = require "world"

local prelude = [[
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel
local function handler()
  print "a handler was called"
end
cosock.seterrorhandler(handler)
local _, receiver = channel.new()
local kept = _
local sock = assert(socket.udp())
assert(sock:setsockname("127.0.0.1", 0))
local function spawn(task)
  cosock.spawn(task, "task", { onerror = handler })
end
-- Interrupts this process some time after its run has begun.
local function interrupt_soon()
  os.execute "(sleep 0.1; kill -INT $PPID) &"
end
]]

for what, body in pairs {
  ["a task sleeps"] = "spawn(function() socket.sleep(1000) end)",
  ["a task waits for a socket"] = "spawn(function() sock:receive() end)",
  ["a task selects"] = "spawn(function() socket.select({ receiver, sock }, nil, 1000) end)",
  ["many wait"] = [[
    for _ = 1, 10 do
      spawn(function() socket.sleep(1000) end)
    end
    spawn(function() sock:receive() end)
    spawn(function() receiver:receive() end)]],
  ["a task is always ready"] = "spawn(function() while true do socket.sleep(0) end end)",
  ["two send to each other"] = [[
    local tx1, rx1 = channel.new()
    local tx2, rx2 = channel.new()
    spawn(function() while true do tx1:send(1) rx2:receive() end end)
    spawn(function() while true do rx1:receive() tx2:send(1) end end)]],
  ["tasks end and begin"] = [[
    local function next_one()
      spawn(next_one)
    end
    next_one()]],
} do
  local start = os.time()
  local output, code = child.run(prelude .. body .. " interrupt_soon() cosock.run() print 'run returned'")
  expect.contains(output, "interrupted!", what)
  expect.equal(output:find("a handler was called", 1, true), nil, what)
  expect.equal(output:find("run returned", 1, true), nil, what)
  expect.equal(code, 1, what)
  expect.equal(os.time() - start < 60, true, what)
end

-- Tasks that fail have handlers, and are closed before those are called: that is where Ctrl-C comes then.
for _ = 1, 3 do
  local output = child.run(prelude .. [[
  local failed, closed = 0, 0
  cosock.seterrorhandler(function() failed = failed + 1 end)
  local function fails() error "on purpose" end
  local closing = (loadstring or load)("local value, fails = ... local _ <close> = value fails()")
  local value = setmetatable({}, { __close = function() closed = closed + 1 end })
  cosock.spawn(function()
    while true do
      cosock.spawn(closing and function() closing(value, fails) end or fails)
      socket.sleep(0)
    end
  end)
  interrupt_soon()
  print(pcall(cosock.run))
  -- It may come in the handler itself, before its first statement.
  print(not closing or failed == closed or failed == closed - 1)]])
  expect.contains(output, "interrupted!")
  expect.contains(output, "\ntrue\n")
end

-- Who catches it can go on: the tasks are still there.
local output, code = child.run(prelude .. [[
local done = false
spawn(function()
  socket.sleep(0.3)
  done = true
end)
interrupt_soon()
local fine, raised = pcall(cosock.run)
print(fine, tostring(raised):match "interrupted!")
cosock.run()
print(done)
]])
expect.equal(output, "false\tinterrupted!\ntrue\n")
expect.equal(code, 0)

-- A hook that the program has set for itself is no interruption, wherever run is called.
local ran
local runner = coroutine.create(function()
  cosock.spawn(function()
    cosock.socket.sleep(0.001)
    ran = true
  end)
  cosock.run()
end)
debug.sethook(function() end, "l")
expect.list(expect.pack(coroutine.resume(runner)), { n = 1, true })
debug.sethook()
expect.equal(ran, true)

world.finish()
