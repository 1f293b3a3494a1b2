-- Every socket call that waits, made in a coroutine that the task itself created and whose yields it passes
-- on by hand: it yields the protocol's three values, and gives what it gives in the task itself. So does
-- an iterator through cosock.install_coroutine, also when many tasks do it at once.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local unpack = table.unpack or unpack

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Calls `fn(...)` in a coroutine and passes its yields on; returns how often it waited and its results.
local function relay(fn, ...)
  local co = coroutine.create(fn)
  local waits = 0
  local values = expect.pack(coroutine.resume(co, ...))
  while coroutine.status(co) ~= "dead" do
    assert(values[1], values[2])
    -- Two lists or nil, and a number or nil.
    for place = 2, 3 do
      assert(values[place] == nil or type(values[place]) == "table")
    end
    assert(values[4] == nil or tonumber(values[4]))
    waits = waits + 1
    values = expect.pack(coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])))
  end
  if not values[1] then
    error(values[2], 0)
  end
  return waits, unpack(values, 2, values.n)
end

local function soon(fn)
  cosock.spawn(function()
    socket.sleep(0.01)
    fn()
  end, "soon")
end

-- receive, with each kind of pattern, what it must yield, and every byte once.
expect.tasks(function()
  local sock, peer = network.pair()
  local co = coroutine.create(function() return sock:receive() end)
  sock:settimeout(7)
  local values = expect.pack(coroutine.resume(co))
  expect.equal(values[1], true)
  expect.list(values[2], { sock })
  expect.equal(next(values[3]), nil)
  expect.equal(values[4], 7)
  peer:send("relayed\n")
  values = expect.pack(coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])))
  check(values, true, "relayed")
  expect.equal(coroutine.status(co), "dead")

  sock:settimeout(nil)
  soon(function()
    peer:send("12")
    socket.sleep(0.01)
    peer:send("34")
    socket.sleep(0.01)
    peer:send("5678")
  end)
  local results = expect.pack(relay(sock.receive, sock, 5))
  assert(results[1] >= 2)
  check({ n = results.n - 1, unpack(results, 2) }, "12345")
  check(expect.pack(select(2, relay(sock.receive, sock, 3))), "678")
  soon(function() peer:send("cdef\n") end)
  check(expect.pack(select(2, relay(sock.receive, sock, 4, "ab"))), "abcd")
  check(expect.pack(select(2, relay(sock.receive, sock, "*l", "> "))), "> ef")
  check(expect.pack(select(2, relay(sock.receive, sock, 0))), "")
  -- Timeouts, with what came before them.
  sock:settimeout(0.02)
  peer:send("part")
  check(expect.pack(select(2, relay(sock.receive, sock, 10, "a "))), nil, "timeout", "a part")
  check(expect.pack(select(2, relay(sock.receive, sock))), nil, "timeout", "")
  sock:settimeout(0)
  peer:send("now")
  check(expect.pack(select(2, relay(sock.receive, sock))), nil, "timeout", "now")
  -- A carriage return at the seam of two parts, and a number as text.
  sock:settimeout(nil)
  soon(function()
    peer:send("a\r")
    socket.sleep(0.01)
    peer:send("\nnext")
  end)
  check(expect.pack(select(2, relay(sock.receive, sock, "*l"))), "a")
  check(expect.pack(select(2, relay(sock.receive, sock, "4"))), "next")
  -- A refused pattern raises there as well.
  expect.raises("invalid receive pattern", relay, sock.receive, sock, "*x")
  -- The end.
  soon(function()
    peer:send("the ")
    socket.sleep(0.01)
    peer:send("rest")
    peer:close()
  end)
  check(expect.pack(select(2, relay(sock.receive, sock, "*a"))), "the rest")
  check(expect.pack(select(2, relay(sock.receive, sock, "*a"))), nil, "closed", "")
  sock:close()
  check(expect.pack(select(2, relay(sock.receive, sock, 5, "pre"))), nil, "closed", "pre")
end)

-- The empty success of the first "*a".
expect.tasks(function()
  local sock, peer = network.pair()
  soon(function() peer:close() end)
  check(expect.pack(select(2, relay(sock.receive, sock, "*a"))), "")
  check(expect.pack(select(2, relay(sock.receive, sock, "*a"))), nil, "closed", "")
  sock:close()
end)

-- send: partly, wholly, and too late.
expect.tasks(function()
  local sock, peer = network.pair()
  local data = network.bytes(6 * 1024 * 1024)
  local got
  soon(function()
    got = peer:receive(#data)
  end)
  local results = expect.pack(relay(sock.send, sock, data))
  assert(results[1] >= 1, "it waits")
  check({ n = results.n - 1, unpack(results, 2) }, #data, nil, nil)
  network.wait_until(function() return got end)
  assert(got == data, "a byte was lost or repeated")
  got = nil
  soon(function()
    got = peer:receive(#data - 1000 - 999)
  end)
  check(expect.pack(select(2, relay(sock.send, sock, data, 1000, -1001))), #data - 1000, nil, nil)
  network.wait_until(function() return got end)
  assert(got == data:sub(1000, -1001), "a byte was lost or repeated")
  sock:settimeout(0.02)
  -- More than any buffer of the system.
  local large = data:rep(16)
  results = expect.pack(select(2, relay(sock.send, sock, large)))
  check(results, nil, "timeout", results[3])
  assert(results[3] > 0 and results[3] < #large)
  assert(peer:receive(results[3]) == large:sub(1, results[3]), "a byte was lost or repeated")
  close(sock, peer)
  check(expect.pack(select(2, relay(sock.send, sock, "x", 1))), nil, "closed", 0)
end)

-- accept and connect.
expect.tasks(function()
  local server, port = network.listener()
  local client
  soon(function() client = assert(socket.connect("127.0.0.1", port)) end)
  local waits, accepted = relay(server.accept, server)
  expect.equal(waits, 1)
  expect.equal(accepted.class, "tcp{client}")
  assert(getmetatable(accepted) == getmetatable(server))
  network.wait_until(function() return client end)
  client:send("hello\n")
  check(expect.pack(accepted:receive()), "hello")
  server:settimeout(0.01)
  check(expect.pack(select(2, relay(server.accept, server))), nil, "timeout")

  local sock = socket.tcp()
  check(expect.pack(select(2, relay(sock.connect, sock, "127.0.0.1", port))), 1)
  expect.equal(sock.class, "tcp{client}")
  check(expect.pack(select(2, relay(sock.connect, sock, "127.0.0.1", port))), nil, "already connected")
  local _, other = relay(socket.connect, "localhost", port)
  expect.equal(other.class, "tcp{client}")
  local refusing, keeper = network.refusing_port()
  check(expect.pack(select(2, relay(socket.connect, "127.0.0.1", refusing))), nil, "connection refused")
  close(server, client, accepted, sock, other, keeper)

  local full, full_port, fillers = network.full_listener()
  sock = socket.tcp()
  sock:settimeout(0.02)
  check(expect.pack(select(2, relay(sock.connect, sock, "127.0.0.1", full_port))), nil, "timeout")
  close(sock, full, unpack(fillers))
end)

-- Datagrams.
expect.tasks(function()
  local sock, port = network.datagram()
  local sender = socket.udp()
  sender:setsockname("127.0.0.1", 0)
  soon(function() sender:sendto("first", "127.0.0.1", port) end)
  check(expect.pack(relay(sock.receive, sock)), 1, "first")
  soon(function() sender:sendto("second", "127.0.0.1", port) end)
  check(expect.pack(relay(sock.receivefrom, sock, 3)), 1, "sec", "127.0.0.1",
    tonumber((select(2, sender:getsockname()))))
  soon(function() sender:sendto("", "127.0.0.1", port) end)
  check(expect.pack(relay(sock.receive, sock)), 1, "")
  sock:settimeout(0.01)
  check(expect.pack(relay(sock.receive, sock)), 1, nil, "timeout")
  check(expect.pack(relay(sock.receivefrom, sock)), 1, nil, "timeout")
  close(sock, sender)
end)

-- select, sleep and a yield by hand; what is there already waits in the coroutine all the same.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("x")
  -- Lua 5.1 makes no coroutine of a C function.
  local function select_in_lua(...) return socket.select(...) end
  local function yield_in_lua(...) return coroutine.yield(...) end
  local waits, recvr, sendr, err = relay(select_in_lua, { sock }, nil, 10)
  expect.equal(waits, 1)
  expect.list(recvr, { sock })
  check({ n = 2, sendr, err }, nil, nil)
  check(expect.pack(relay(socket.sleep, 0.01)), 1)
  local started = socket.gettime()
  waits, recvr, sendr, err = relay(yield_in_lua, { peer }, {}, 0.02)
  check({ n = 4, waits, recvr, sendr, err }, 1, nil, nil, "timeout")
  assert(socket.gettime() - started >= 0.02)
  close(sock, peer)
end)

-- Three deep.
expect.tasks(function()
  local sock, peer = network.pair()
  soon(function() peer:send("deep\n") end)
  local function deeper(...)
    return select(2, relay(...))
  end
  check(expect.pack(deeper(deeper, deeper, sock.receive, sock)), "deep")
  close(sock, peer)
end)

-- Two coroutines of one task wait for one socket: the second one's error is the task's to handle.
expect.tasks(function()
  local sock, peer = network.pair()
  local first = coroutine.create(function() return sock:receive() end)
  local _, recvt = coroutine.resume(first)
  expect.list(recvt, { sock })
  local line
  cosock.spawn(function() line = sock:receive() end, "reader")
  socket.sleep(0)
  local fine, message
  cosock.spawn(function() coroutine.yield(recvt) end, "second", {
    onerror = function(err)
      fine, message = false, err
    end,
  })
  network.wait_until(function() return fine == false end)
  expect.contains(message, "recvr waker already set")
  peer:send("line\n")
  network.wait_until(function() return line end)
  close(sock, peer)
end)

-- Iterators, written without any relay, in many tasks.
cosock.install_coroutine()
expect.tasks(function()
  local done = 0
  for number = 1, 10 do
    cosock.spawn(function()
      local sock, peer = network.pair()
      cosock.spawn(function()
        for line = 1, 5 do
          peer:send(number .. "/" .. line .. "\n")
          socket.sleep(0)
        end
        peer:close()
      end, "writer " .. number)
      local lines = coroutine.wrap(function()
        while true do
          local line = sock:receive()
          if not line then
            return
          end
          coroutine.yield(line)
        end
      end)
      local count = 0
      local line = lines()
      while line do
        count = count + 1
        expect.equal(line, number .. "/" .. count)
        line = lines()
      end
      expect.equal(count, 5)
      sock:close()
      done = done + 1
    end, "reader " .. number)
  end
  network.wait_until(function() return done == 10 end)
end)

world.finish()
