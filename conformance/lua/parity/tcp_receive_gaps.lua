-- claim: receive is right where the rock is known to err
-- chapter: tcp
-- source: LuaSocket's manual: tcp
-- covers: R10 G2 G5 G6 G7 G8
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function receives(claim, pieces, timeout, ...)
  local args, count = { ... }, select("#", ...)
  trace.task(claim, function()
    local client, peer = trace.pair()
    cosock.spawn(function()
      for _, piece in ipairs(pieces) do
        if piece == "end" then
          client:close()
        elseif piece == "wait" then
          socket.sleep(0.008)
        elseif piece == "long" then
          socket.sleep(0.06)
        else
          client:send(piece)
        end
      end
    end)
    if pieces[1] ~= "wait" then
      trace.settle()
    end
    peer:settimeout(timeout)
    return peer:receive((unpack or table.unpack)(args, 1, count))
  end)
end

receives("timeout.part", { "part" }, 0.06)
receives("timeout.parts", { "AA", "wait", "BB", "wait", "CC" }, 0.15)
receives("timeout.count", { "part" }, 0.06, 10)
receives("timeout.all", { "part" }, 0.06, "*a")
receives("timeout.zero", { "part" }, 0)
receives("timeout.prefix", { "part" }, 0.06, "*l", "pre")
receives("timeout.nothing", {}, 0.02)
receives("timeout.nothing.zero", {}, 0)
receives("timeout.nothing.prefix", {}, 0.02, "*l", "pre")
receives("timeout.each-wait", {
  "a", "long", "b", "long", "c", "long", "d", "long", "\n",
}, 0.2)

receives("zero.nothing-there", {}, 0.02, 0)
receives("zero.prefix", { "12345" }, 0.02, 0, "prefix")
receives("prefix-is-enough", {}, 0.02, 3, "prefix")
receives("prefix-is-enough.data-there", { "12345" }, 0.02, 3, "prefix")
receives("prefix-counts", { "12345" }, 0.06, 5, "pre")
receives("prefix-counts.waits", { "wait", "12345" }, 0.3, 5, "pre")
receives("prefix-counts.end", { "1", "end" }, 0.3, 5, "pre")

trace.task("all.again", function()
  local client, peer = trace.pair()
  client:send("data")
  client:close()
  trace.settle()
  trace.values("all.first", peer:receive("*a"))
  trace.values("all.second", peer:receive("*a"))
  trace.values("all.third", peer:receive("*a"))
  trace.values("all.then-line", peer:receive())
  return "done"
end)
trace.task("all.end-seen-before", function()
  local client, peer = trace.pair()
  client:send("line\n")
  client:close()
  trace.settle()
  trace.values("all.end-seen-before.line", peer:receive())
  trace.values("all.end-seen-before.no-line", peer:receive())
  return peer:receive("*a")
end)
receives("all.long-name.nothing", { "end" }, 0.3, "*all")
receives("all.long-name.waits", { "wait", "x", "wait", "end" }, 0.3, "*all")

for claim, pattern in pairs { l = "l", L = "L", star_L = "*L", a = "a", n = "n" } do
  receives("spelling." .. claim, { "12\n", "end" }, 0.3, pattern)
end
