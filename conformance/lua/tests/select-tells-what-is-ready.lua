-- select on real sockets: what is ready at this moment is told, whether it became so before or after, and
-- again as long as it is; nothing else is told.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function close(...)
  for _, sock in ipairs { ... } do
    sock:close()
  end
end

-- Runs select and checks its three values; nil stands for an absent list.
local function selects(recvt, sendt, timeout, recvr, sendr, err)
  local results = expect.pack(socket.select(recvt, sendt, timeout))
  expect.equal(results.n, 3)
  for place, wanted in ipairs { recvr or false, sendr or false } do
    if wanted then
      expect.list(results[place], wanted)
    else
      expect.equal(results[place], nil)
    end
  end
  expect.equal(results[3], err)
end

-- Nothing is ready.
expect.tasks(function()
  local sock, peer = network.pair()
  local server = network.listener()
  local datagrams = network.datagram()
  local all = { sock, server, datagrams }
  selects(all, nil, 0, nil, nil, "timeout")
  selects(all, {}, "0", nil, nil, "timeout")
  local started = socket.gettime()
  selects(all, nil, 0.03, nil, nil, "timeout")
  assert(socket.gettime() - started >= 0.03)
  selects(nil, nil, 0, nil, nil, "timeout")
  selects({}, {}, 0, nil, nil, "timeout")
  started = socket.gettime()
  selects({}, {}, 0.03, nil, nil, "timeout")
  assert(socket.gettime() - started >= 0.03)
  close(peer, (table.unpack or unpack)(all))
end)

-- Data that came before the select, and readiness that lasts as long as data is there.
expect.tasks(function()
  local sock, peer = network.pair()
  local quiet, quiet_peer = network.pair()
  peer:send("0123456789")
  selects({ quiet, sock }, nil, 10, { sock }, nil)
  -- Not read: told again, at once, and with every kind of timeout.
  for _ = 1, 30 do
    selects({ sock }, nil, 0, { sock }, nil)
    selects({ sock }, nil, nil, { sock }, nil)
    selects({ sock }, nil, -1, { sock }, nil)
  end
  -- Partly read: the rest is in the object's buffer.
  expect.equal(sock:receive(4), "0123")
  expect.equal(sock:dirty(), true)
  selects({ quiet, sock }, nil, 10, { sock }, nil)
  selects({ sock }, nil, 0, { sock }, nil)
  expect.equal(sock:receive(6), "456789")
  selects({ sock }, nil, 0, nil, nil, "timeout")
  -- Read elsewhere, by the inner socket.
  peer:send("abc")
  selects({ sock }, nil, 10, { sock }, nil)
  expect.equal(sock.inner_sock:receive(3), "abc")
  selects({ sock }, nil, 0, nil, nil, "timeout")
  -- More than one read takes: still there.
  peer:send(("x"):rep(200000))
  expect.equal(#sock:receive(100000), 100000)
  selects({ sock }, nil, 10, { sock }, nil)
  close(sock, peer, quiet, quiet_peer)
end)

-- Data that comes while it waits; with a limit that is longer.
for _, timeout in ipairs { 10, -1, math.huge } do
  expect.tasks(function()
    local sock, peer = network.pair()
    cosock.spawn(function()
      socket.sleep(0.01)
      peer:send("x")
    end, "sender")
    selects({ sock }, nil, timeout, { sock }, nil)
    close(sock, peer)
  end)
end

-- A drained socket, again and again: no readiness is missed, none is invented.
expect.tasks(function()
  local sock, peer = network.pair()
  for number = 1, 200 do
    selects({ sock }, nil, 0, nil, nil, "timeout")
    peer:send("line " .. number .. "\n")
    if number % 2 == 0 then
      selects({ sock }, nil, 0, { sock }, nil)
    else
      selects({ sock }, nil, 10, { sock }, nil)
    end
    expect.equal(sock:receive(), "line " .. number)
  end
  close(sock, peer)
end)

-- The end of a stream is readiness, for ever.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:close()
  selects({ sock }, nil, 10, { sock }, nil)
  selects({ sock }, nil, 10, { sock }, nil)
  expect.list(expect.pack(sock:receive()), { n = 3, nil, "closed", "" })
  selects({ sock }, nil, 10, { sock }, nil)
  sock:close()
  -- A closed one is ready in both lists: what is done with it then tells why.
  selects({ sock }, nil, 10, { sock }, nil)
  selects(nil, { sock }, 10, nil, { sock })
  selects({ sock }, { sock }, nil, { sock }, { sock })
  -- Just as one that was never opened.
  local new = socket.tcp()
  selects({ new }, nil, 10, { new }, nil)
  local datagrams = socket.udp()
  selects({ datagrams }, { datagrams }, 10, { datagrams }, { datagrams })
end)

-- A listener with somebody in its queue, as long as it is so.
expect.tasks(function()
  local server, port = network.listener()
  selects({ server }, nil, 0, nil, nil, "timeout")
  local client = socket.connect("127.0.0.1", port)
  local second = socket.connect("127.0.0.1", port)
  for _ = 1, 3 do
    selects({ server }, nil, 10, { server }, nil)
  end
  local accepted = server:accept()
  selects({ server }, nil, 10, { server }, nil)
  local other = server:accept()
  selects({ server }, nil, 0, nil, nil, "timeout")
  cosock.spawn(function()
    socket.sleep(0.01)
    socket.connect("127.0.0.1", port):close()
  end, "late client")
  selects({ server }, nil, nil, { server }, nil)
  close(server:accept(), server, client, second, accepted, other)
end)

-- Datagrams, empty ones as well, and the error of a peer that is gone.
expect.tasks(function()
  local sock, port = network.datagram()
  local sender = socket.udp()
  sender:sendto("", "127.0.0.1", port)
  selects({ sock }, nil, 10, { sock }, nil)
  selects({ sock }, nil, 10, { sock }, nil)
  expect.equal(sock:receive(), "")
  selects({ sock }, nil, 0, nil, nil, "timeout")
  selects(nil, { sock }, 10, nil, { sock })
  sender:setpeername("127.0.0.1", port)
  sock:close()
  sender:send("x")
  selects({ sender }, nil, 10, { sender }, nil)
  expect.list(expect.pack(sender:receive()), { n = 2, nil, "connection refused" })
  sender:close()
end)

-- Room to write, none, and some again.
expect.tasks(function()
  local sock, peer = network.pair()
  selects(nil, { sock }, 10, nil, { sock })
  selects({ sock }, { sock }, 10, nil, { sock })
  sock:settimeout(0)
  local _, _, sent = sock:send(("x"):rep(12 * 1024 * 1024))
  selects(nil, { sock }, 0, nil, nil, "timeout")
  selects({ sock }, { sock }, 0.02, nil, nil, "timeout")
  cosock.spawn(function()
    local left = sent
    while left > 0 do
      local part = peer:receive(math.min(left, 100000))
      left = left - #part
    end
  end, "reader")
  selects(nil, { sock }, 20, nil, { sock })
  peer:send("y")
  network.wait_until(function() return (socket.select({ sock }, nil, 0)) end)
  selects({ sock }, { sock }, 10, { sock }, { sock })
  close(sock, peer)
end)

-- Many at once: exactly those that are ready are told, in ascending order of descriptors, those with
-- buffered bytes first; and recvr[sock] is the place of each.
expect.tasks(function()
  local count = 150
  local all, peers = {}, {}
  for place = 1, count do
    all[place], peers[place] = network.pair()
  end
  local wanted = {}
  for place = 7, count, 10 do
    peers[place]:send("x")
    wanted[#wanted + 1] = all[place]
  end
  local both = {}
  for place = 1, count do
    both[#both + 1] = all[place]
    both[#both + 1] = peers[place]
  end
  network.wait_until(function()
    local ready = socket.select(both, nil, 0)
    return ready and #ready == #wanted
  end)
  local ready, sendr, err = socket.select(both, nil, 10)
  expect.equal(sendr, nil)
  expect.equal(err, nil)
  table.sort(wanted, function(a, b) return a:getfd() < b:getfd() end)
  expect.list(ready, wanted)
  for place, sock in ipairs(ready) do
    expect.equal(ready[sock], place)
  end
  expect.equal(ready[all[1]], nil)
  expect.equal(ready[0], nil)
  expect.equal(ready.n, nil)
  local visited = 0
  for key, sock in pairs(ready) do
    expect.equal(ready[key], sock)
    visited = visited + 1
  end
  expect.equal(visited, #wanted)
  -- All of them can be written to.
  local _, writable = socket.select(nil, both, 10)
  expect.equal(#writable, #both)
  for place, sock in ipairs(writable) do
    expect.equal(writable[sock], place)
  end
  -- One has bytes in its buffer: it comes first.
  local last = all[count - 3]
  assert(last == wanted[#wanted], "it has the highest descriptor of the ready ones")
  peers[count - 3]:send("yz")
  network.wait_until(function() return last:receive(1) and last:dirty() end)
  ready = socket.select(both, nil, 10)
  expect.equal(ready[1], last)
  expect.equal(#ready, #wanted)
  close((table.unpack or unpack)(all))
  close((table.unpack or unpack)(peers))
end)

-- Lists as maps, with holes, and with a metatable that is not asked for.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("x")
  selects({ reader = sock }, nil, 10, { sock }, nil)
  selects({ [5] = sock, [9] = peer }, nil, 10, { sock }, nil)
  selects({ [1.5] = sock }, { w = peer }, 10, { sock }, { peer })
  close(sock, peer)
end)

-- What it refuses is raised in the task, with the argument's number, and leaves nothing behind.
expect.tasks(function()
  local sock, peer = network.pair()
  for _, wrong in ipairs { 5, "list", true, false, print } do
    expect.raises("bad argument #1 to 'select' (table expected, got " .. type(wrong), socket.select, wrong)
    expect.raises("bad argument #2 to 'select' (table expected, got " .. type(wrong), socket.select, nil, wrong)
  end
  for _, wrong in ipairs { {}, "text", 5, true, print } do
    expect.raises("non-wakeable socket", socket.select, { sock, wrong })
    expect.raises("non-wakeable socket", socket.select, nil, { wrong, sock })
  end
  expect.raises("non-wakeable socket", socket.select, { sock.inner_sock })
  for _, wrong in ipairs { {}, true, "soon", 0 / 0 } do
    expect.raises("bad argument #3 to 'select'", socket.select, { sock }, nil, wrong)
  end
  peer:send("fine\n")
  expect.equal(sock:receive(), "fine")
  expect.nothing_waits { tasks = 1 }
  close(sock, peer)
end)

-- A server for many clients in one task.
expect.tasks(function()
  local server, port = network.listener("127.0.0.1", 64)
  local served, done = 0, 0
  for number = 1, 20 do
    cosock.spawn(function()
      local client = assert(socket.connect("127.0.0.1", port))
      for round = 1, 5 do
        local line = "client " .. number .. " round " .. round
        client:send(line .. "\n")
        expect.equal(client:receive(), line)
      end
      client:close()
      done = done + 1
    end, "client " .. number)
  end
  local list = { server }
  while served < 20 do
    local ready = assert(socket.select(list, nil, 20))
    for _, sock in ipairs(ready) do
      if sock == server then
        list[#list + 1] = assert(server:accept())
      else
        local line, err = sock:receive()
        if line then
          sock:send(line .. "\n")
        else
          expect.equal(err, "closed")
          sock:close()
          for place, other in ipairs(list) do
            if other == sock then
              table.remove(list, place)
              break
            end
          end
          served = served + 1
        end
      end
    end
  end
  network.wait_until(function() return done == 20 end)
  server:close()
end)

world.finish()
