-- claim: receive reads lines, counts and streams, as their pieces arrive
-- chapter: tcp
-- source: LuaSocket's manual: tcp
-- covers: P14 R1 R2 R3 R4 R5 R6 R7 R8 R9 R11 R12 R19 tcp:receive
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

-- The claim of what `receive(...)` returns when `pieces` arrive one after another.
local function receives(claim, pieces, ...)
  local args, count = { ... }, select("#", ...)
  trace.task(claim, function()
    local client, peer = trace.pair()
    cosock.spawn(function()
      for _, piece in ipairs(pieces) do
        if piece == "end" then
          client:close()
        elseif piece == "wait" then
          socket.sleep(0.008)
        else
          client:send(piece)
        end
      end
    end)
    if pieces[1] ~= "wait" then
      trace.settle()
    end
    peer:settimeout(pieces.timeout)
    return peer:receive((unpack or table.unpack)(args, 1, count))
  end)
end

-- Lines
receives("line", { "line\n" })
receives("line.named", { "line\n" }, "*l")
receives("line.long-name", { "line\n" }, "*line")
receives("line.nil-pattern", { "line\n" }, nil)
receives("line.carriage-returns", { "l\rin\re\r\n" })
receives("line.empty", { "\n" })
receives("line.in-pieces", { "wait", "li", "wait", "ne", "wait", "\n" })
receives("line.prefix", { "line\n" }, "*l", "pre")
receives("line.prefix.waits", { "wait", "line\n" }, "*l", "pre")
receives("line.two-at-once", { "one\ntwo\n" })
receives("line.end", { "part", "end" })
receives("line.end.waits", { "wait", "part", "wait", "end" })
receives("line.end.prefix", { "part", "end" }, "*l", "pre")
receives("line.end.nothing", { "end" })
receives("line.zero-bytes", { "a\0b\n" })
receives("line.long", { ("x"):rep(20000) .. "\n" })

-- Counts
receives("count", { "12345" }, 5)
receives("count.more-there", { "12345678" }, 5)
receives("count.in-pieces", { "wait", "12", "wait", "345" }, 5)
receives("count.fraction", { "12345" }, 2.7)
receives("count.text", { "12345" }, "3")
receives("count.zero-with-data", { "12345" }, 0)
receives("count.end", { "123", "end" }, 5)
receives("count.end.waits", { "wait", "123", "wait", "end" }, 5)
receives("count.newlines", { "a\r\nb\n" }, 5)

-- To the end
receives("all", { "one", "wait", "two", "end" }, "*a")
receives("all.long-name", { "one", "end" }, "*all")
receives("all.prefix", { "one", "end" }, "*a", "pre")
receives("all.prefix.waits", { "wait", "one", "wait", "end" }, "*a", "pre")
receives("all.nothing", { "end" }, "*a")
receives("all.nothing.prefix", { "end" }, "*a", "pre")

-- Prefixes
receives("prefix.not-a-text", { "line\n" }, "*l", 5)
receives("prefix.table", { "line\n" }, "*l", {})
receives("prefix.empty", { "12345" }, 5, "")

trace.task("in-turn", function()
  local client, peer = trace.pair()
  client:send("line\n12345rest")
  trace.settle()
  trace.values("in-turn.line", peer:receive())
  trace.values("in-turn.count", peer:receive(5))
  client:close()
  trace.values("in-turn.all", peer:receive("*a"))
  return peer.class
end)

trace.task("dirty.nothing-read", function()
  local client, peer = trace.pair()
  client:send("line\n12345")
  trace.settle()
  return peer:dirty()
end)
trace.task("dirty.line-read", function()
  local client, peer = trace.pair()
  client:send("line\n12345")
  trace.settle()
  return peer:receive(), peer:dirty()
end)
trace.task("dirty.all-read", function()
  local client, peer = trace.pair()
  client:send("line\n12345")
  trace.settle()
  return peer:receive(), peer:receive(5), peer:dirty()
end)

-- The other end
trace.task("half-close", function()
  local client, peer = trace.pair()
  client.inner_sock:shutdown("send")
  local ended, err, part = peer:receive()
  trace.values("half-close.receive", ended, err, part)
  trace.values("half-close.send", peer:send("still\n"))
  return client:receive()
end)
trace.task("reset-by-peer", function()
  local client, peer = trace.pair()
  client:setoption("linger", { on = true, timeout = 0 })
  client:close()
  trace.settle()
  return peer:receive()
end)
trace.task("end.again", function()
  local client, peer = trace.pair()
  client:send("x")
  client:close()
  trace.settle()
  trace.values("end.first", peer:receive(1))
  trace.values("end.line", peer:receive())
  trace.values("end.count", peer:receive(2))
  return peer:receive()
end)
-- Refused patterns
trace.task("refused", function()
  local client, peer = trace.pair()
  client:send("line\n")
  trace.settle()
  for claim, pattern in pairs {
    ["refused.star-n"] = "*n", ["refused.x"] = "x", ["refused.empty"] = "", ["refused.table"] = {},
    ["refused.true"] = true, ["refused.negative"] = -1, ["refused.star"] = "*",
  } do
    trace.method(claim, peer, "receive", pattern)
  end
  return "done"
end)
