-- claim: options are set, read and refused
-- chapter: udp
-- source: LuaSocket's manual: udp
-- covers: O1 O2 O4 O5 O6 O7 O8 O9 udp:setoption udp:getoption
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local fresh = socket.udp()
trace.method("no-descriptor.set", fresh, "setoption", "broadcast", true)
trace.method("no-descriptor.get", fresh, "getoption", "broadcast")

local sock = socket.udp()
sock:setsockname("127.0.0.1", 0)
for _, name in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
  trace.method(name .. ".set", sock, "setoption", name, true)
  trace.method(name .. ".get", sock, "getoption", name)
  trace.method(name .. ".set-false", sock, "setoption", name, false)
  trace.method(name .. ".get-false", sock, "getoption", name)
  trace.method(name .. ".set-number", sock, "setoption", name, 1)
end
for _, name in ipairs { "recv-buffer-size", "send-buffer-size" } do
  trace.method(name .. ".set", sock, "setoption", name, 20000)
  trace.method(name .. ".get", sock, "getoption", name)
end
trace.method("ip-multicast-ttl.set", sock, "setoption", "ip-multicast-ttl", 4)
trace.method("ip-multicast-ttl.get", sock, "getoption", "ip-multicast-ttl")
trace.method("ip-multicast-if.set", sock, "setoption", "ip-multicast-if", "127.0.0.1")
trace.method("ip-multicast-if.get", sock, "getoption", "ip-multicast-if")
trace.method("ip-multicast-if.set-any", sock, "setoption", "ip-multicast-if", "*")
trace.method("ip-multicast-if.set-bad", sock, "setoption", "ip-multicast-if", "no address")
for _, name in ipairs { "ip-add-membership", "ip-drop-membership" } do
  local group = { multiaddr = "239.1.2.3", interface = "127.0.0.1" }
  trace.method(name .. ".set", sock, "setoption", name, group)
  trace.method(name .. ".get", sock, "getoption", name)
  trace.method(name .. ".true", sock, "setoption", name, true)
  trace.method(name .. ".no-address", sock, "setoption", name, {})
  trace.method(name .. ".bad-address", sock, "setoption", name, { multiaddr = "x", interface = "*" })
  trace.method(name .. ".no-interface", sock, "setoption", name, { multiaddr = "239.1.2.3" })
  local bad = { multiaddr = "239.1.2.3", interface = "x" }
  trace.method(name .. ".bad-interface", sock, "setoption", name, bad)
end
trace.method("ip-drop-membership.again", sock, "setoption", "ip-drop-membership",
  { multiaddr = "239.1.2.3", interface = "127.0.0.1" })

local sixth = socket.udp6()
for _, name in ipairs { "ipv6-multicast-loop", "ipv6-v6only" } do
  trace.method(name .. ".set", sixth, "setoption", name, true)
  trace.method(name .. ".get", sixth, "getoption", name)
end
for _, name in ipairs { "ipv6-unicast-hops", "ipv6-multicast-hops" } do
  trace.method(name .. ".set", sixth, "setoption", name, 5)
  trace.method(name .. ".get", sixth, "getoption", name)
end
for _, name in ipairs { "ipv6-add-membership", "ipv6-drop-membership" } do
  trace.method(name .. ".true", sixth, "setoption", name, true)
  trace.method(name .. ".no-address", sixth, "setoption", name, {})
  trace.method(name .. ".bad-address", sixth, "setoption", name, { multiaddr = "x" })
  local bad = { multiaddr = "ff02::1", interface = "x" }
  trace.method(name .. ".bad-interface", sixth, "setoption", name, bad)
  trace.method(name .. ".get", sixth, "getoption", name)
end
trace.method("error.get", sock, "getoption", "error")
trace.method("error.set", sock, "setoption", "error", 1)
trace.method("unknown.set", sock, "setoption", "unknown", true)
trace.method("unknown.get", sock, "getoption", "unknown")
trace.method("unknown.keepalive", sock, "setoption", "keepalive", true)
trace.method("unknown.bindtodevice", sock, "setoption", "bindtodevice", "no-such-device")
