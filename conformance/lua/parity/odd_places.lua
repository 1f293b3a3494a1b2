-- claim: a wait works wherever Lua can yield, and in coroutines of a task's own
-- chapter: waits
-- source: Lua's manual: coroutines
-- covers: W34 W35 W36 G48
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

-- Calls `fn`, which waits somewhere; says whether that worked, or with what words it did not.
local function place(claim, fn)
  cosock.spawn(function()
    fn(function() socket.sleep(0.001) end)
    trace.values(claim, "works")
  end, claim)
  local ok, err = pcall(cosock.run)
  if not ok then
    local text = tostring(err):match("attempt to yield [^\n(]*")
    trace.values(claim, "fails", text and text:gsub("%s+$", ""))
    cosock.reset()
  end
end

place("pcall", function(wait) assert(pcall(wait)) end)
place("xpcall", function(wait)
  assert(xpcall(wait, function(err) return err end))
end)
place("metamethod-index", function(wait)
  return setmetatable({}, { __index = function() wait() return 1 end }).field
end)
place("metamethod-add", function(wait)
  return setmetatable({}, { __add = function() wait() return 1 end }) + 1
end)
place("metamethod-lt", function(wait)
  local metatable = { __lt = function() wait() return true end }
  return setmetatable({}, metatable) < setmetatable({}, metatable)
end)
place("iterator", function(wait)
  local left = 2
  for _ in function() left = left - 1 wait() return left > 0 and left or nil end do end
end)
place("tostring", function(wait)
  return tostring(setmetatable({}, { __tostring = function() wait() return "text" end }))
end)
place("sort", function(wait)
  table.sort({ 3, 2, 1 }, function(a, b) wait() return a < b end)
end)
place("gsub", function(wait)
  return (("abc"):gsub(".", function() wait() end))
end)
place("tail-call", function(wait) return wait() end)

-- A nested coroutine gets what would go to the scheduler.
trace.task("nested.sleep", function()
  local co = coroutine.create(function() return socket.sleep(0.5) end)
  trace.values("nested.sleep.yields", coroutine.resume(co))
  return coroutine.resume(co, nil, nil, "timeout")
end)
trace.task("nested.receive", function()
  local client, peer = trace.pair()
  trace.hide(client, "client")
  client:settimeout(3)
  local co = coroutine.create(function() return client:receive() end)
  trace.values("nested.receive.yields", coroutine.resume(co))
  peer:send("line\n")
  trace.settle()
  return coroutine.resume(co, { client }, nil, nil)
end)
trace.task("nested.receive-of-a-channel", function()
  local sender, receiver = cosock.channel.new()
  trace.hide(receiver, "receiver")
  local co = coroutine.create(function() return receiver:receive() end)
  trace.values("nested.receive-of-a-channel.yields", coroutine.resume(co))
  sender:send("message")
  return coroutine.resume(co, { receiver }, nil, nil)
end)
trace.task("nested.select", function()
  local _, receiver = cosock.channel.new()
  trace.hide(receiver, "receiver")
  local co = coroutine.create(function() return socket.select({ receiver }, nil, 5) end)
  trace.values("nested.select.yields", coroutine.resume(co))
  return coroutine.resume(co, { receiver }, nil, "timeout")
end)
trace.task("nested.connect", function()
  local server = socket.bind("127.0.0.1", 0)
  local client = trace.hide(socket.tcp(), "client")
  local ip, port = server:getsockname()
  local co = coroutine.create(function() return client:connect(ip, port) end)
  trace.values("nested.connect.yields", coroutine.resume(co))
  trace.settle()
  return coroutine.resume(co, nil, { client }, nil)
end)
trace.task("nested.accept", function()
  local server = trace.hide(socket.bind("127.0.0.1", 0), "server")
  local co = coroutine.create(function() return server:accept() end)
  trace.values("nested.accept.yields", coroutine.resume(co))
  local client = socket.tcp()
  client:connect(server:getsockname())
  return coroutine.resume(co, { server }, nil, nil)
end)
trace.task("nested.relayed", function()
  local client, peer = trace.pair()
  cosock.spawn(function()
    socket.sleep(0.005)
    peer:send("line\n")
  end)
  local co = coroutine.create(function() return client:receive() end)
  local values = { coroutine.resume(co) }
  while coroutine.status(co) ~= "dead" do
    values = { coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])) }
  end
  return values[2]
end)
trace.task("nested.ready-data-does-not-yield", function()
  local client, peer = trace.pair()
  peer:send("line\n")
  trace.settle()
  local co = coroutine.create(function() return client:receive() end)
  return coroutine.resume(co)
end)
trace.task("nested.error", function()
  local co = coroutine.create(function() error("inside", 0) end)
  return coroutine.resume(co)
end)
