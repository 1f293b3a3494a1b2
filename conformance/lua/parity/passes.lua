-- claim: tasks are resumed in passes; timers come due in their order
-- chapter: waits
-- source: the rock's behaviour
-- covers: W30 W31 W32 W33 G13 T15
local trace = require "trace"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local seen = {}
local function note(what)
  seen[#seen + 1] = what
end
local function flush(claim)
  trace.values(claim, table.concat(seen, " "))
  seen = {}
end

cosock.spawn(function() note("one") end)
trace.call("run", cosock.run)
flush("run.order")
cosock.spawn(function() note("later") end)
trace.call("run.again", cosock.run)
flush("run.again.order")

-- Different sleeps, so far apart that even on a busy machine no two come due in one pass.
for _, length in ipairs { 0.5, 0.05, 0.25 } do
  cosock.spawn(function()
    socket.sleep(length)
    note(tostring(length))
  end)
end
cosock.run()
flush("sleeps")

-- Two tasks that look at each other's counts: neither runs twice before the other runs once.
local counts, worst = { 0, 0 }, 0
for index = 1, 2 do
  cosock.spawn(function()
    for _ = 1, 20 do
      counts[index] = counts[index] + 1
      worst = math.max(worst, math.abs(counts[1] - counts[2]))
      socket.sleep(0.001)
    end
  end)
end
cosock.run()
trace.values("alternate", counts[1], counts[2], worst <= 2)

-- A wake never runs the other task inside the caller.
trace.task("send-does-not-switch", function()
  local sender, receiver = channel.new()
  cosock.spawn(function()
    receiver:receive()
    note("received")
  end)
  socket.sleep(0.005)
  sender:send(1)
  note("sent")
  socket.sleep(0.005)
  return table.concat(seen, " ")
end)
seen = {}

-- Sockets are served beside a task that sleeps 0 for ever.
trace.task("busy-sleeper", function()
  local client, peer = trace.pair()
  local stop = false
  cosock.spawn(function()
    while not stop do
      socket.sleep(0)
    end
  end)
  peer:send("line\n")
  local line = client:receive()
  stop = true
  return line
end)

-- A resumed task has nothing registered any more: it may wait on the same object at once.
trace.task("wait-again-at-once", function()
  local client, peer = trace.pair()
  trace.hide(client, "client")
  for _ = 1, 3 do
    peer:send("x")
    socket.select({ client }, nil, 1)
    client:receive(1)
  end
  return socket.select({ client }, nil, 0.01)
end)

-- What a task may do to the whole.
trace.task("exit-in-a-task", function()
  return pcall(function() return cosock.get_thread_metadata() ~= nil end)
end)
