-- claim: a task can be cancelled in every state, and nothing of it stays
-- chapter: tasks
-- source: the rock's behaviour
-- covers: T7 T10 G15
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- A task that waits for a channel.
local function waiting_receiver(name)
  local sender, receiver = channel.new()
  local woke = false
  local handle = cosock.spawn(function()
    receiver:receive()
    woke = true
  end, name)
  return sender, receiver, handle, function() return woke end
end

trace.task("waits-for-a-channel", function()
  local sender, _, handle, woke = waiting_receiver("waits")
  socket.sleep(0)
  handle:cancel()
  local alive = handle:is_alive()
  sender:send(1)
  socket.sleep(0)
  socket.sleep(0)
  return alive, woke()
end)

trace.task("channel-is-free-again", function()
  local sender, receiver, handle = waiting_receiver("first")
  socket.sleep(0)
  handle:cancel()
  cosock.spawn(function()
    socket.sleep(0.01)
    sender:send("message")
  end)
  return receiver:receive()
end)

trace.task("socket-is-free-again", function()
  local client, peer = trace.pair()
  local handle = cosock.spawn(function() client:receive() end, "first")
  socket.sleep(0)
  handle:cancel()
  peer:send("line\n")
  return client:receive()
end)
-- On 5.4 the rock still polls the cancelled task's socket.
cosock.reset()

trace.task("metadata-after", function()
  local handle = cosock.spawn(function() socket.sleep(10) end, "cancelled")
  socket.sleep(0)
  handle:cancel()
  local found = "absent"
  for _, entry in ipairs(cosock.get_thread_metadata()) do
    if entry.name == "cancelled" then
      found = entry.status
    end
  end
  return found
end)

trace.task("unnamed-handle-after", function()
  local handle = cosock.spawn(function() socket.sleep(10) end)
  socket.sleep(0)
  handle:cancel()
  return (tostring(handle):gsub("0x%x+", "0x?"))
end)

-- From a coroutine within the task itself.
local itself
itself = cosock.spawn(function()
  local inner = coroutine.create(function() itself:cancel() end)
  local ok, err = coroutine.resume(inner)
  if ok then
    trace.values("itself-through-a-coroutine")
  else
    trace.failure("itself-through-a-coroutine", "raises", err)
  end
  trace.values("itself-through-a-coroutine.goes-on", itself:is_alive())
end)
trace.run("itself-through-a-coroutine")

-- To-be-closed variables, where the language has them.
local load_text = loadstring or load
local closing = load_text [[
  local note, sleep = ...
  return function()
    local guard <close> = setmetatable({}, { __close = function() note() end })
    sleep(10)
  end
]]
if closing then
  local closed = false
  trace.task("to-be-closed-variable", function()
    local handle = cosock.spawn(closing(function() closed = true end, socket.sleep))
    socket.sleep(0)
    handle:cancel()
    return closed
  end)
end

trace.task("its-timer-is-gone", function()
  local handle = cosock.spawn(function() socket.sleep(0.02) trace.values("cancelled-task-wakes") end)
  socket.sleep(0)
  handle:cancel()
  socket.sleep(0.05)
  return handle:is_alive()
end)
