-- getfd and setfd: a descriptor that is handed to another object, one that two objects share, and one that
-- is given away; dirty, shutdown, and what stays registered.
local world = require "world"
local expect = require "expect"
local network = require "network"
local child = require "child"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- A client object without a connection of its own.
local function empty_client()
  local sock = network.pair()
  sock:close()
  return sock
end

-- Handed over: the new object goes on where the old one was, which is empty from then on.
expect.tasks(function()
  local sock, peer = network.pair()
  local heir = empty_client()
  check(expect.pack(heir:setfd(sock:getfd())))
  check(expect.pack(sock:setfd(-1)))
  expect.equal(sock:getfd(), -1)
  assert(heir:getfd() >= 0)
  peer:send("inherited\n")
  check(expect.pack(heir:receive()), "inherited")
  check(expect.pack(heir:send("answer\n")), 7, nil, nil)
  check(expect.pack(peer:receive()), "answer")
  check(expect.pack(sock:receive()), nil, "closed", "")
  check(expect.pack(sock:send("x")), nil, "closed", 0)
  -- Closing the empty one closes nothing.
  sock:close()
  peer:send("still open\n")
  check(expect.pack(heir:receive()), "still open")
  heir:close()
  check(expect.pack(peer:receive()), nil, "closed", "")
  peer:close()
end)

-- What was buffered stays with the object that read it, as in LuaSocket, and is there when the descriptor
-- comes back.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("one\ntwo\n")
  check(expect.pack(sock:receive()), "one")
  expect.equal(sock:dirty(), true)
  local fd = sock:getfd()
  sock:setfd(-1)
  expect.equal(sock:dirty(), true)
  sock:setfd(fd)
  check(expect.pack(sock:receive()), "two")
  expect.equal(sock:dirty(), false)
  peer:send("three\n")
  check(expect.pack(sock:receive()), "three")
  close(sock, peer)
end)

-- Given away while tasks wait: they are told, and the new owner's waits work.
expect.tasks(function()
  local sock, peer = network.pair()
  local heir = empty_client()
  local old, selected, new
  cosock.spawn(function() old = expect.pack(sock:receive()) end, "old reader")
  cosock.spawn(function() selected = expect.pack(socket.select({}, { heir }, 60)) end, "select")
  socket.sleep(0.005)
  heir:setfd(sock:getfd())
  sock:setfd(-1)
  cosock.spawn(function() new = heir:receive() end, "new reader")
  network.wait_until(function() return old and selected end)
  check(old, nil, "closed", "")
  expect.list(selected[2], { heir })
  peer:send("for the heir\n")
  network.wait_until(function() return new end)
  expect.equal(new, "for the heir")
  close(heir, peer)
end)

-- Shared: both objects wait, each is told, and either may read. One of them gives it up at the end.
expect.tasks(function()
  local sock, peer = network.pair()
  local twin = empty_client()
  twin:setfd(sock:getfd())
  local first, second
  cosock.spawn(function() first = socket.select({ sock }, nil, 10) end, "first")
  cosock.spawn(function() second = socket.select({ twin }, nil, 10) end, "second")
  socket.sleep(0.005)
  peer:send("shared\n")
  network.wait_until(function() return first and second end)
  expect.list(first, { sock })
  expect.list(second, { twin })
  check(expect.pack(twin:receive()), "shared")

  -- One reads, the other writes.
  local got
  cosock.spawn(function() got = sock:receive() end, "reader")
  check(expect.pack(twin:send("from the twin\n")), 14, nil, nil)
  check(expect.pack(peer:receive()), "from the twin")
  peer:send("back\n")
  network.wait_until(function() return got end)
  expect.equal(got, "back")

  -- Both read: each byte comes once.
  local lines = {}
  for _, each in ipairs { sock, twin } do
    cosock.spawn(function()
      local line = each:receive(4)
      lines[#lines + 1] = line
    end, "reader")
  end
  socket.sleep(0.005)
  peer:send("abcd")
  network.wait_until(function() return #lines == 1 end)
  peer:send("efgh")
  network.wait_until(function() return #lines == 2 end)
  table.sort(lines)
  expect.equal(table.concat(lines), "abcdefgh")

  -- The twin lets go; whoever waits on the other one still does.
  got = nil
  cosock.spawn(function() got = sock:receive() end, "reader")
  socket.sleep(0.005)
  twin:setfd(-1)
  twin:close()
  socket.sleep(0.005)
  expect.equal(got, nil)
  peer:send("unharmed\n")
  network.wait_until(function() return got end)
  expect.equal(got, "unharmed")
  close(sock, peer)
end)

-- Both close a shared descriptor: the second close does nothing.
expect.tasks(function()
  local sock, peer = network.pair()
  local twin = empty_client()
  twin:setfd(sock:getfd())
  local waiting
  cosock.spawn(function() waiting = expect.pack(twin:receive()) end, "twin's reader")
  socket.sleep(0.005)
  sock:close()
  network.wait_until(function() return waiting end)
  expect.equal(waiting[1], nil)
  expect.equal(type(waiting[2]), "string")
  check(expect.pack(twin:close()), 1)
  check(expect.pack(peer:receive()), nil, "closed", "")
  peer:close()
end)

-- So it is when the program ends and nobody has closed it, or closed one alone, or another library has.
for _, left in ipairs { "", "sock:close()", "local other = socket.tcp() other:setfd(sock:getfd()) other:close()" } do
  local output, code = child.run([[
    local socket = require("cosock").socket
    sock = assert(socket.udp())
    assert(sock:setsockname("127.0.0.1", 0))
    twin, third = socket.tcp(), socket.udp()
    twin:setfd(sock:getfd())
    third:setfd(sock:getfd())
    ]] .. left)
  expect.equal(output, "")
  expect.equal(code, 0, left)
end

-- A number that is no descriptor makes calls fail, and nothing worse.
expect.tasks(function()
  for _, fd in ipairs { 99999, 1e300, 2 ^ 31, 12345.6 } do
    local sock = empty_client()
    sock:setfd(fd)
    sock:settimeout(0.05)
    local done, err = sock:receive()
    expect.equal(done, nil)
    expect.equal(type(err), "string")
    done, err = sock:send("x")
    expect.equal(done, nil)
    expect.equal(type(err), "string")
    check(expect.pack(sock:getpeername()), nil, "Bad file descriptor")
    check(expect.pack(sock:getoption("keepalive")), nil, "getsockopt failed")
    local ready = socket.select({ sock }, nil, 1)
    expect.list(ready, { sock })
    check(expect.pack(sock:close()), 1)
  end
  for _, fd in ipairs { -1, -5, 0 / 0, -math.huge } do
    local sock = empty_client()
    sock:setfd(fd)
    expect.equal(sock:getfd(), -1)
    check(expect.pack(sock:receive()), nil, "closed", "")
    check(expect.pack(sock:close()), 1)
  end
  local sock = empty_client()
  for _, wrong in ipairs { {}, true, "fd", print } do
    expect.contains(expect.raises("bad argument #2 to 'setfd'", sock.setfd, sock, wrong),
      "number expected, got " .. type(wrong))
  end
  expect.raises("bad argument #2 to 'setfd'", sock.setfd, sock)
end)

-- Datagrams, handed over likewise.
expect.tasks(function()
  local sock, port = network.datagram()
  local heir = socket.udp()
  heir:setfd(sock:getfd())
  sock:setfd(-1)
  local got
  cosock.spawn(function() got = heir:receive() end, "heir")
  socket.sleep(0.005)
  local sender = socket.udp()
  sender:sendto("hello", "127.0.0.1", port)
  network.wait_until(function() return got end)
  expect.equal(got, "hello")
  check(expect.pack(sock:receive()), nil, "closed")
  close(heir, sender)
end)

-- A listener, handed over.
expect.tasks(function()
  local server, port = network.listener()
  local heir = network.listener()
  heir:close()
  heir:setfd(server:getfd())
  server:setfd(-1)
  local accepted
  cosock.spawn(function() accepted = heir:accept() end, "acceptor")
  local client = assert(socket.connect("127.0.0.1", port))
  network.wait_until(function() return accepted end)
  close(accepted, client, heir)
end)

-- Half closed by either side, in either direction.
expect.tasks(function()
  local sock, peer = network.pair()
  check(expect.pack(sock:shutdown("send")), 1)
  check(expect.pack(sock:send("x")), nil, "closed", 0)
  check(expect.pack(peer:receive("*a")), "")
  check(expect.pack(peer:send("still heard\n")), 12, nil, nil)
  check(expect.pack(sock:receive()), "still heard")
  close(sock, peer)

  sock, peer = network.pair()
  local results
  cosock.spawn(function() results = expect.pack(sock:receive()) end, "reader")
  socket.sleep(0.005)
  check(expect.pack(sock:shutdown("receive")), 1)
  network.wait_until(function() return results end, "the end of one's own reading wakes the reader")
  check(results, nil, "closed", "")
  check(expect.pack(sock:send("x\n")), 2, nil, nil)
  check(expect.pack(peer:receive()), "x")
  close(sock, peer)

  for _, how in ipairs { "both", "default" } do
    sock, peer = network.pair()
    if how == "both" then
      check(expect.pack(sock:shutdown(how)), 1)
    else
      check(expect.pack(sock:shutdown()), 1)
    end
    check(expect.pack(sock:receive()), nil, "closed", "")
    check(expect.pack(sock:send("x")), nil, "closed", 0)
    check(expect.pack(peer:receive()), nil, "closed", "")
    assert(sock:getfd() >= 0)
    close(sock, peer)
  end

  sock, peer = network.pair()
  for _, wrong in ipairs { "reading", "", "SEND" } do
    expect.raises("bad argument #2 to 'shutdown'", sock.shutdown, sock, wrong)
  end
  expect.raises("bad argument #2 to 'shutdown'", sock.shutdown, sock, {})
  check(expect.pack(sock.inner_sock:shutdown("send")), 1)
  check(expect.pack(peer:receive("*a")), "")
  close(sock, peer)
  check(expect.pack(sock:shutdown()), 1)
end)

-- dirty: only bytes that were received and not asked for count.
expect.tasks(function()
  local sock, peer = network.pair()
  expect.equal(sock:dirty(), false)
  peer:send("abc\ndef")
  network.wait_until(function() return socket.select({ sock }, nil, 0) end)
  expect.equal(sock:dirty(), false)
  check(expect.pack(sock:receive(1)), "a")
  expect.equal(sock:dirty(), true)
  check(expect.pack(sock:receive()), "bc")
  expect.equal(sock:dirty(), true)
  check(expect.pack(sock:receive(3)), "def")
  expect.equal(sock:dirty(), false)
  check({ n = 1, sock.inner_sock:dirty() }, false)
  -- What is buffered outlives a close, as in LuaSocket.
  peer:send("rest\nof it")
  check(expect.pack(sock:receive(1)), "r")
  sock:close()
  expect.equal(sock:dirty(), true)
  check(expect.pack(sock:receive()), "est")
  check(expect.pack(sock:receive()), nil, "closed", "of it")
  expect.equal(sock:dirty(), false)
  peer:close()
end)

world.finish()
