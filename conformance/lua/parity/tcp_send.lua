-- claim: send writes parts and wholes, and every byte once
-- chapter: tcp
-- source: LuaSocket's manual: tcp
-- covers: R13 R14 R15 R16 R17 R18 G1 G30 V1 tcp:send
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.task("sends", function()
  local client, peer = trace.pair()
  local function sends(claim, ...)
    trace.values(claim, client:send(...))
  end
  sends("whole", "hello")
  sends("empty", "")
  sends("from", "hello", 2)
  sends("from-to", "hello", 2, 3)
  sends("negative", "hello", -3, -2)
  sends("negative-from", "hello", -2)
  sends("from-zero", "hello", 0)
  sends("to-beyond", "hello", 1, 99)
  sends("from-beyond", "hello", 10)
  sends("nothing-between", "hello", 3, 2)
  sends("zero-zero", "hello", 0, 0)
  sends("far-negative", "hello", -99, 2)
  sends("fraction", "hello", 1.7, 3.9)
  sends("number", 42)
  sends("number-with-fraction", 0.5)
  sends("positions-as-text", "hello", "2", "3")
  sends("nil-positions", "hello", nil, nil)
  sends("zero-bytes", "a\0b")
  trace.values("count", select("#", client:send("x")))
  client:close()
  return peer:receive("*a")
end)

trace.task("refused", function()
  local client = trace.pair()
  trace.method("refused.nothing", client, "send")
  trace.method("refused.nil", client, "send", nil)
  trace.method("refused.table", client, "send", {})
  trace.method("refused.true", client, "send", true)
  trace.method("refused.bad-from", client, "send", "data", "x")
  trace.method("refused.bad-to", client, "send", "data", 1, {})
  return "done"
end)

trace.task("peer-closed", function()
  local client, peer = trace.pair()
  peer:setoption("linger", { on = true, timeout = 0 })
  peer:close()
  trace.settle()
  trace.values("peer-closed.first", client:send("data"))
  trace.values("peer-closed.second", client:send("data"))
  return client:receive()
end)

trace.task("peer-closes-while-sending", function()
  local client, peer = trace.pair()
  cosock.spawn(function()
    socket.sleep(0.01)
    peer:close()
  end)
  local data = ("x"):rep(16 * 1024 * 1024)
  local last, err, reached = client:send(data)
  return last, err, type(reached)
end)

trace.task("timeout", function()
  local client, peer = trace.pair()
  client:settimeout(0.05)
  local last, err, reached = client:send(("x"):rep(16 * 1024 * 1024))
  trace.values("timeout.reached", type(reached), reached > 0)
  -- What really arrived, so far as the peer can say without an end.
  peer:settimeout(0.05)
  local _, _, part = peer:receive(32 * 1024 * 1024)
  trace.values("timeout.is-what-arrived", #part == reached)
  return last, err
end)

-- More than the buffers of both ends hold, to a reader that begins late.
trace.task("large", function()
  local client, peer = trace.pair()
  local size = 8 * 1024 * 1024
  local arrived, sent = 0, nil
  cosock.spawn(function()
    socket.sleep(0.02)
    peer:settimeout(0.1)
    repeat
      local data, err, part = peer:receive(256 * 1024)
      arrived = arrived + #(data or part or "")
    until err or arrived > 2 * size
    peer:close()
  end)
  sent = client:send(("x"):rep(size))
  client:close()
  trace.settle()
  socket.sleep(0.15)
  return sent == size, arrived == size
end)
