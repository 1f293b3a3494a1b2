-- claim: options are set, read and refused
-- chapter: tcp
-- source: LuaSocket's manual: tcp
-- covers: O1 O2 O3 O4 O5 O6 O9 O10 G30 tcp:setoption tcp:getoption
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local fresh = socket.tcp()
trace.method("no-descriptor.set", fresh, "setoption", "keepalive", true)
trace.method("no-descriptor.get", fresh, "getoption", "keepalive")
trace.method("no-descriptor.unknown", fresh, "setoption", "unknown", true)

local sock = socket.bind("127.0.0.1", 0)
for _, name in ipairs { "keepalive", "reuseaddr", "reuseport", "tcp-nodelay" } do
  trace.method(name .. ".set", sock, "setoption", name, true)
  trace.method(name .. ".get", sock, "getoption", name)
  trace.method(name .. ".set-false", sock, "setoption", name, false)
  trace.method(name .. ".get-false", sock, "getoption", name)
  trace.method(name .. ".set-number", sock, "setoption", name, 1)
  trace.method(name .. ".set-nil", sock, "setoption", name, nil)
end
for name, value in pairs { ["tcp-keepidle"] = 100, ["tcp-keepcnt"] = 5, ["tcp-keepintvl"] = 50 } do
  trace.method(name .. ".set", sock, "setoption", name, value)
  trace.method(name .. ".get", sock, "getoption", name)
  trace.method(name .. ".set-zero", sock, "setoption", name, 0)
  trace.method(name .. ".set-text", sock, "setoption", name, "text")
  trace.method(name .. ".set-nil", sock, "setoption", name, nil)
end
for _, name in ipairs { "recv-buffer-size", "send-buffer-size" } do
  trace.method(name .. ".set", sock, "setoption", name, 20000)
  trace.method(name .. ".get", sock, "getoption", name)
  trace.method(name .. ".set-true", sock, "setoption", name, true)
end
trace.method("linger.get", sock, "getoption", "linger")
trace.method("linger.set", sock, "setoption", "linger", { on = true, timeout = 3 })
trace.method("linger.get-again", sock, "getoption", "linger")
trace.method("linger.set-true", sock, "setoption", "linger", true)
trace.method("linger.set-nothing", sock, "setoption", "linger")
trace.method("linger.set-empty", sock, "setoption", "linger", {})
trace.method("linger.set-without-timeout", sock, "setoption", "linger", { on = true })
trace.method("linger.set-off", sock, "setoption", "linger", { on = false, timeout = 0 })
trace.method("error.get", sock, "getoption", "error")
trace.method("error.set", sock, "setoption", "error", 1)
trace.method("ipv6-v6only.get", sock, "getoption", "ipv6-v6only")
trace.method("ipv6-v6only.set", sock, "setoption", "ipv6-v6only", true)
trace.method("ipv6-v6only.set-on-v6", socket.tcp6(), "setoption", "ipv6-v6only", true)
trace.method("tcp-defer-accept.set", sock, "setoption", "tcp-defer-accept", 1)
trace.method("tcp-defer-accept.get", sock, "getoption", "tcp-defer-accept")
trace.method("tcp-fastopen.set", sock, "setoption", "tcp-fastopen", 5)
trace.method("tcp-fastopen.get", sock, "getoption", "tcp-fastopen")
trace.method("tcp-fastopen-connect.get", sock, "getoption", "tcp-fastopen-connect")

trace.method("unknown.set", sock, "setoption", "unknown", true)
trace.method("unknown.get", sock, "getoption", "unknown")
trace.method("unknown.long", sock, "getoption", ("long-name-"):rep(10))
trace.method("unknown.of-udp", sock, "setoption", "broadcast", true)
trace.method("name.nothing", sock, "getoption")
trace.method("name.nil", sock, "setoption", nil, true)
trace.method("name.table", sock, "setoption", {}, true)
trace.method("name.number", sock, "getoption", 5)

trace.task("error.after-a-refused-connect", function()
  local closed = socket.bind("127.0.0.1", 0)
  local _, port = closed:getsockname()
  closed:close()
  local client = socket.tcp()
  client:connect("127.0.0.1", port)
  return client:getoption("error")
end)
