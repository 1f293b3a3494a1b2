-- claim: the functions of socket wrongly used say what is wrong
-- chapter: socket
-- source: LuaSocket's behaviour
-- covers: S21 S22 W9
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

trace.call("bind.nothing", socket.bind)
trace.call("bind.nil-host", socket.bind, nil, 0)
trace.call("bind.host-is-a-table", socket.bind, {}, 0)
trace.call("bind.no-port", socket.bind, "127.0.0.1")
trace.call("bind.port-is-a-table", socket.bind, "127.0.0.1", {})
trace.call("bind.port-is-true", socket.bind, "127.0.0.1", true)
trace.call("bind.bad-backlog", socket.bind, "127.0.0.1", 0, "many")
trace.call("bind.backlog-is-a-table", socket.bind, "127.0.0.1", 0, {})

for claim, args in pairs {
  ["connect.nothing"] = { n = 0 },
  ["connect.no-port"] = { n = 1, "127.0.0.1" },
  ["connect.host-is-a-table"] = { n = 2, {}, 80 },
  ["connect.port-is-a-table"] = { n = 2, "127.0.0.1", {} },
  ["connect.local-host-is-a-table"] = { n = 4, "127.0.0.1", 80, {}, 0 },
} do
  trace.call(claim, function()
    local result = socket.connect((unpack or table.unpack)(args, 1, args.n))
    return result
  end)
end

for claim, value in pairs { text = "text", table = {}, boolean = true } do
  trace.task("sleep." .. claim, function() return socket.sleep(value) end)
end

local sock = socket.tcp()
trace.call("source.unknown", socket.source, "unknown", sock)
trace.call("sink.unknown", socket.sink, "unknown", sock)
trace.call("protect.number", function() return socket.protect(5)() end)
trace.call("protect.nothing", function() return socket.protect()() end)
trace.call("newtry.number", function() return socket.newtry(5)(1, 2) end)
