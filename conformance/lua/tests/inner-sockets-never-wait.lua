-- The inner socket has LuaSocket's methods, and none of them waits: what would block says "timeout", be it
-- in a task, in a coroutine or outside of both.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function everything()
  local server, port = network.listener()
  local listening = server.inner_sock
  check(expect.pack(listening:accept()), nil, "timeout")
  expect.equal(listening.class, "tcp{server}")
  expect.contains(tostring(listening), "tcp{server}: ")

  local sock = socket.tcp()
  local inner = sock.inner_sock
  expect.equal(inner.class, "tcp{master}")
  expect.raises("tcp{client} expected", inner.send, inner, "x")
  local done, err = inner:connect("127.0.0.1", port)
  assert(done == 1 or err == "timeout", err)
  expect.equal(inner.class, "tcp{client}")
  -- Loopback has it through at once.
  done, err = inner:connect("127.0.0.1", port)
  assert(done == 1 or err == "already connected", err)
  local accepted = assert(listening:accept())
  expect.equal(type(accepted), "userdata")
  expect.equal(accepted.class, "tcp{client}")
  check(expect.pack(listening:accept()), nil, "timeout")

  check(expect.pack(inner:receive()), nil, "timeout", "")
  check(expect.pack(inner:receive(5)), nil, "timeout", "")
  check(expect.pack(inner:receive(0)), "")
  check(expect.pack(accepted:send("one\ntw")), 6, nil, nil)
  check(expect.pack(inner:receive()), "one")
  expect.equal(inner:dirty(), true)
  check(expect.pack(inner:receive()), nil, "timeout", "tw")
  expect.equal(inner:dirty(), false)
  for number = 1, 20 do
    accepted:send(number .. "\n")
    check(expect.pack(inner:receive("*l")), tostring(number))
    check(expect.pack(inner:receive("*l", "pre")), nil, "timeout", "pre")
  end
  -- As much as fits, and on from there.
  local data, reached = network.bytes(12 * 1024 * 1024), 0
  local got = {}
  while reached < #data do
    local last, why, partial = inner:send(data, reached + 1)
    expect.equal(why, not last and "timeout" or nil)
    reached = last or partial
    repeat
      local part, err_part, rest = accepted:receive(65536)
      got[#got + 1] = part or rest
    until err_part
  end
  repeat
    local part, why, rest = accepted:receive(65536)
    got[#got + 1] = part or rest
  until why
  assert(table.concat(got) == data, "a byte was lost or repeated")

  -- The rest of LuaSocket's methods.
  for _, name in ipairs {
    "bind", "close", "connect", "dirty", "getfamily", "getfd", "getoption", "getpeername", "getsockname",
    "getstats", "gettimeout", "listen", "receive", "send", "setfd", "setoption", "setpeername", "setsockname",
    "setstats", "settimeout", "shutdown", "accept",
  } do
    expect.equal(type(inner[name]), "function", name)
  end
  expect.equal(inner.nothing, nil)
  check(expect.pack(inner:settimeout(5)), 1)
  check(expect.pack(inner:receive()), nil, "timeout", "")
  check(expect.pack(inner:setoption("keepalive", true)), 1)
  check(expect.pack(inner:getoption("keepalive")), true)
  check(expect.pack(inner:getpeername()), "127.0.0.1", port, "inet")
  check({ n = 1, (inner:getsockname()) }, "127.0.0.1")
  expect.equal(inner:getfd(), sock:getfd())
  expect.equal(inner:getfamily(), "inet4")
  expect.equal(select("#", inner:getstats()), 3)
  check(expect.pack(inner:shutdown("send")), 1)
  check(expect.pack(accepted:receive("*a")), "")
  check(expect.pack(accepted:close()), 1)
  check(expect.pack(inner:receive()), nil, "closed", "")
  check(expect.pack(inner:close()), 1)
  expect.equal(sock:getfd(), -1)
  check(expect.pack(inner:receive()), nil, "closed", "")
  check(expect.pack(listening:close()), 1)
  check(expect.pack(listening:accept()), nil, "closed")

  local datagrams, datagram_port = network.datagram()
  local inner_udp = datagrams.inner_sock
  expect.equal(inner_udp.class, "udp{unconnected}")
  check(expect.pack(inner_udp:receive()), nil, "timeout")
  check(expect.pack(inner_udp:receivefrom()), nil, "timeout")
  for number = 1, 10 do
    check(expect.pack(inner_udp:sendto(tostring(number), "127.0.0.1", datagram_port)), #tostring(number))
    check(expect.pack(inner_udp:receivefrom()), tostring(number), "127.0.0.1", datagram_port)
    check(expect.pack(inner_udp:receive(5)), nil, "timeout")
  end
  check(expect.pack(inner_udp:setpeername("127.0.0.1", datagram_port)), 1)
  expect.equal(inner_udp.class, "udp{connected}")
  check(expect.pack(inner_udp:send("self")), 4)
  check(expect.pack(inner_udp:receive()), "self")
  check(expect.pack(inner_udp:close()), 1)
  check(expect.pack(inner_udp:receive()), nil, "closed")
  return "done"
end

expect.equal(everything(), "done")
expect.tasks(function()
  -- No other task runs meanwhile: nothing of it waits.
  local others = 0
  cosock.spawn(function() others = others + 1 end, "other")
  expect.equal(everything(), "done")
  expect.equal(others, 0)
end)
do
  local co = coroutine.create(everything)
  local fine, result = coroutine.resume(co)
  assert(fine, result)
  expect.equal(coroutine.status(co), "dead")
end

-- A loop over inner sockets, as a program on LuaSocket has it, beside a task that waits on the object.
expect.tasks(function()
  local sock, peer = network.pair()
  cosock.spawn(function()
    for number = 1, 5 do
      socket.sleep(0.002)
      peer:send(number .. "\n")
    end
  end, "sender")
  local lines, partial = {}, ""
  while #lines < 5 do
    local line, err, rest = sock.inner_sock:receive("*l", partial)
    if line then
      lines[#lines + 1] = line
      partial = ""
    else
      expect.equal(err, "timeout")
      partial = rest
      socket.select({ sock }, nil, 5)
    end
  end
  expect.equal(table.concat(lines), "12345")
  sock:close()
  peer:close()
end)

-- Methods called on what is no inner socket.
do
  local inner = socket.tcp().inner_sock
  for _, name in ipairs { "receive", "send", "close", "getfd", "accept" } do
    for _, wrong in ipairs { 5, "text", true, io.stdout, print } do
      expect.raises("bad argument #1 to '" .. name .. "'", inner[name], wrong, "x")
    end
    expect.raises("bad argument #1 to '" .. name .. "'", inner[name])
  end
end

world.finish()
