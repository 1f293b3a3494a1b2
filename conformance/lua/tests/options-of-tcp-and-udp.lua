-- Every socket option: what setting and getting it returns, what values it takes, and how it refuses.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function kind(value)
  return math.type and math.type(value) or type(value)
end
local float, integer = kind(1.5), math.type and "integer" or "number"

local function set(sock, name, value)
  local results = expect.pack(sock:setoption(name, value))
  check(results, 1)
  expect.equal(kind(results[1]), float)
end

local function get(sock, name)
  local results = expect.pack(sock:getoption(name))
  expect.equal(results.n, 1, name)
  return results[1]
end

local function refuses(why, sock, name, ...)
  expect.contains(expect.raises("bad argument", sock.setoption, sock, name, ...), why)
end

local function bound_tcp(host)
  local sock = assert(socket.tcp())
  assert(sock:bind(host or "127.0.0.1", 0))
  return sock
end

-- Sets each value of a flag, the one that it does not have first; every type but boolean is refused.
local function check_flag(sock, name)
  local before = get(sock, name)
  expect.equal(type(before), "boolean", name)
  set(sock, name, not before)
  expect.equal(get(sock, name), not before, name)
  set(sock, name, before)
  expect.equal(get(sock, name), before, name)
  for _, wrong in ipairs { 1, 0, "true", {}, print } do
    refuses("boolean expected, got " .. type(wrong), sock, name, wrong)
  end
  refuses("boolean expected, got nil", sock, name, nil)
  refuses("boolean expected, got no value", sock, name)
  expect.equal(get(sock, name), before, name)
end

-- Sets a number that it does not have; `close_enough` tells whether what is read then is right.
local function check_number(sock, name, value, close_enough)
  local before = get(sock, name)
  expect.equal(kind(before), float, name)
  assert(before ~= value, name .. " already has the value")
  set(sock, name, value)
  local after = get(sock, name)
  expect.equal(kind(after), float, name)
  assert(close_enough and close_enough(after) or after == value, name .. " is " .. tostring(after))
  set(sock, name, tostring(value))
  for _, wrong in ipairs { {}, true, "many" } do
    refuses("number expected, got " .. type(wrong), sock, name, wrong)
  end
  refuses("number expected, got no value", sock, name)
end

-- tcp
do
  local sock = bound_tcp()
  for _, name in ipairs { "keepalive", "reuseaddr", "reuseport", "tcp-nodelay" } do
    check_flag(sock, name)
  end
  check_number(sock, "tcp-keepidle", 77)
  check_number(sock, "tcp-keepintvl", 33)
  check_number(sock, "tcp-keepcnt", 5)
  -- The kernel doubles it, and keeps its own bounds.
  check_number(sock, "recv-buffer-size", 32768, function(got) return got >= 32768 end)
  check_number(sock, "send-buffer-size", 32768, function(got) return got >= 32768 end)

  local linger = get(sock, "linger")
  expect.equal(linger.on, false)
  expect.equal(linger.timeout, 0)
  expect.equal(kind(linger.timeout), integer)
  set(sock, "linger", { on = true, timeout = 9 })
  linger = get(sock, "linger")
  expect.equal(linger.on, true)
  expect.equal(linger.timeout, 9)
  set(sock, "linger", { on = false, timeout = "0" })
  expect.equal(get(sock, "linger").on, false)
  for _, wrong in ipairs { 5, "on", true } do
    refuses("table expected, got " .. type(wrong), sock, "linger", wrong)
  end
  refuses("table expected, got no value", sock, "linger")
  refuses("boolean 'on' field expected", sock, "linger", {})
  refuses("boolean 'on' field expected", sock, "linger", { on = 1, timeout = 1 })
  refuses("number 'timeout' field expected", sock, "linger", { on = true })
  refuses("number 'timeout' field expected", sock, "linger", { on = true, timeout = "soon" })

  check(expect.pack(sock:getoption("error")), nil)
  expect.raises("unsupported option `error'", sock.setoption, sock, "error", nil)

  -- Settable, not readable.
  for _, name in ipairs { "tcp-defer-accept", "tcp-fastopen", "tcp-fastopen-connect" } do
    local results = expect.pack(sock:setoption(name, 1))
    assert(results[1] == 1 or results[2] == "setsockopt failed", name)
    expect.raises("unsupported option `" .. name .. "'", sock.getoption, sock, name)
  end
  expect.raises("unsupported option `ipv6-v6only'", sock.getoption, sock, "ipv6-v6only")
  check(expect.pack(sock:setoption("ipv6-v6only", true)), nil, "setsockopt failed")
  local six = bound_tcp("::1")
  expect.contains(expect.raises("", six.setoption, six, "ipv6-v6only", 1), "boolean expected")
  six:close()

  -- Unknown ones; a long name is cut.
  for _, method in ipairs { "getoption", "setoption" } do
    expect.raises("unsupported option `nothing'", sock[method], sock, "nothing", true)
    expect.raises("unsupported option `broadcast'", sock[method], sock, "broadcast", true)
    expect.raises("unsupported option `" .. ("x"):rep(35) .. "'", sock[method], sock, ("x"):rep(100), 1)
    expect.raises("unsupported option `5'", sock[method], sock, 5, true)
    for _, wrong in ipairs { {}, true } do
      local message = expect.raises("bad argument #2", sock[method], sock, wrong, true)
      expect.contains(message, "string expected, got " .. type(wrong))
    end
    expect.raises("bad argument #2", sock[method], sock)
  end

  -- The kernel's refusal.
  check(expect.pack(sock:setoption("tcp-keepidle", -1)), nil, "setsockopt failed")
  check(expect.pack(sock:setoption("tcp-keepcnt", 1e9)), nil, "setsockopt failed")
  check(expect.pack(sock:setoption("tcp-keepidle", 0 / 0)), nil, "setsockopt failed")
  expect.equal(get(sock, "tcp-keepidle"), 77)
  sock:close()

  -- Without a descriptor: a new object, a closed one.
  for _, none in ipairs { sock, socket.tcp() } do
    check(expect.pack(none:setoption("keepalive", true)), nil, "setsockopt failed")
    check(expect.pack(none:getoption("keepalive")), nil, "getsockopt failed")
    check(expect.pack(none:getoption("error")), nil, "getsockopt failed")
    check(expect.pack(none:setoption("linger", { on = true, timeout = 1 })), nil, "setsockopt failed")
  end
  -- On tcp6 at once.
  local opened = assert(socket.tcp6())
  set(opened, "reuseaddr", true)
  set(opened, "ipv6-v6only", true)
  opened:close()
end

-- What was set stays when the socket connects, and works: the reset of a linger of zero.
expect.tasks(function()
  local server, port = network.listener()
  local sock = bound_tcp()
  set(sock, "keepalive", true)
  assert(sock:connect("127.0.0.1", port))
  expect.equal(get(sock, "keepalive"), true)
  local peer = assert(server:accept())
  -- The same by the inner socket.
  check(expect.pack(peer.inner_sock:setoption("keepalive", true)), 1)
  check(expect.pack(peer.inner_sock:getoption("keepalive")), true)
  sock:close()
  peer:close()
  server:close()
end)

-- udp
do
  local sock = network.datagram()
  local six = network.datagram("::1")
  for _, name in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
    check_flag(sock, name)
  end
  check_flag(six, "ipv6-multicast-loop")
  expect.equal(get(six, "ipv6-v6only"), true)
  check(expect.pack(six:setoption("ipv6-v6only", true)), nil, "setsockopt failed")
  local fresh = assert(socket.udp6())
  expect.equal(get(fresh, "ipv6-v6only"), true)
  check_flag(fresh, "ipv6-v6only")
  fresh:close()
  check_number(sock, "recv-buffer-size", 32768, function(got) return got >= 32768 end)
  check_number(sock, "send-buffer-size", 32768, function(got) return got >= 32768 end)
  check_number(six, "ipv6-unicast-hops", 17)
  check_number(six, "ipv6-multicast-hops", 18)

  -- The time to live of multicast can be set only.
  set(sock, "ip-multicast-ttl", 4)
  refuses("number expected, got boolean", sock, "ip-multicast-ttl", true)
  expect.raises("unsupported option `ip-multicast-ttl'", sock.getoption, sock, "ip-multicast-ttl")

  expect.equal(get(sock, "ip-multicast-if"), "0.0.0.0")
  set(sock, "ip-multicast-if", "127.0.0.1")
  expect.equal(get(sock, "ip-multicast-if"), "127.0.0.1")
  set(sock, "ip-multicast-if", "*")
  expect.equal(get(sock, "ip-multicast-if"), "0.0.0.0")
  for _, wrong in ipairs { "localhost", "::1", "", "1.2.3" .. ".256" } do
    refuses("ip expected", sock, "ip-multicast-if", wrong)
  end
  refuses("string expected, got table", sock, "ip-multicast-if", {})

  -- Groups.
  local group = { multiaddr = "224.0.0.251", interface = "127.0.0.1" }
  set(sock, "ip-add-membership", group)
  check(expect.pack(sock:setoption("ip-add-membership", group)), nil, "setsockopt failed")
  set(sock, "ip-drop-membership", group)
  check(expect.pack(sock:setoption("ip-drop-membership", group)), nil, "setsockopt failed")
  for _, name in ipairs { "ip-add-membership", "ip-drop-membership" } do
    expect.raises("unsupported option `" .. name .. "'", sock.getoption, sock, name)
    refuses("table expected, got string", sock, name, "224.0.0.251")
    refuses("string 'multiaddr' field expected", sock, name, {})
    refuses("string 'multiaddr' field expected", sock, name, { multiaddr = true, interface = "*" })
    refuses("invalid 'multiaddr' ip address", sock, name, { multiaddr = "x", interface = "*" })
    refuses("string 'interface' field expected", sock, name, { multiaddr = "224.0.0.251" })
    refuses("invalid 'interface' ip address", sock, name, { multiaddr = "224.0.0.251", interface = "x" })
  end
  check(expect.pack(sock:setoption("ip-add-membership", { multiaddr = "10.0.0.1", interface = "*" })),
    nil, "setsockopt failed")
  for _, name in ipairs { "ipv6-add-membership", "ipv6-drop-membership" } do
    expect.raises("unsupported option `" .. name .. "'", six.getoption, six, name)
    refuses("table expected, got nil", six, name, nil)
    refuses("string 'multiaddr' field expected", six, name, {})
    refuses("invalid 'multiaddr' ip address", six, name, { multiaddr = "224.0.0.251" })
    refuses("number 'interface' field expected", six, name, { multiaddr = "ff02::1", interface = "lo" })
  end
  -- The loopback device is the first of the system.
  local group6 = { multiaddr = "ff02::fb", interface = 1 }
  set(six, "ipv6-add-membership", group6)
  set(six, "ipv6-drop-membership", group6)

  check(expect.pack(sock:getoption("error")), nil)
  expect.raises("unsupported option `error'", sock.setoption, sock, "error", 1)
  for _, name in ipairs { "keepalive", "tcp-nodelay", "linger", "nothing" } do
    expect.raises("unsupported option `" .. name .. "'", sock.setoption, sock, name, true)
    expect.raises("unsupported option `" .. name .. "'", sock.getoption, sock, name)
  end
  sock:close()
  six:close()
  check(expect.pack(sock:setoption("broadcast", true)), nil, "setsockopt failed")
  check(expect.pack(sock:getoption("broadcast")), nil, "getsockopt failed")
  check(expect.pack(socket.udp():setoption("broadcast", true)), nil, "setsockopt failed")
end

-- The pending error is told once.
expect.tasks(function()
  local gone, gone_port = network.datagram()
  gone:close()
  local sock = socket.udp()
  sock:setpeername("127.0.0.1", gone_port)
  sock:send("x")
  local told
  network.wait_until(function()
    told = sock:getoption("error")
    return told
  end)
  expect.equal(told, "connection refused")
  check(expect.pack(sock:getoption("error")), nil)
  sock:close()
end)

world.finish()
