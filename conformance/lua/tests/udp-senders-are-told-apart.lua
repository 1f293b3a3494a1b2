-- The text of the last sender's address is kept for the next datagram and for the answer. It is nobody else's:
-- each sender is told as who it is, however they take turns, and an answer goes where its text says.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local udp = socket.udp

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- A socket on a port of its own, and that port; it does not wait for ever.
local function datagrams(host)
  local sock, port = network.datagram(host)
  sock:settimeout(10)
  return sock, port
end

-- Tells who has sent each datagram, in the order in which they are sent, and answers with that.
local function serve(server, count)
  cosock.spawn(function()
    for _ = 1, count do
      local datagram, ip, port = server:receivefrom()
      assert(datagram, ip)
      assert(server:sendto(datagram .. " from " .. ip, ip, port))
    end
  end, "server")
end

-- Some of the loopback's addresses.
local hosts = { "127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.10", "127.0.0.3", "127.0.0.3", "127.100.20.3" }

-- One after the other: the server waits for each.
expect.tasks(function()
  local server, port = datagrams()
  serve(server, 3 * #hosts)
  for turn = 1, 3 do
    for place, host in ipairs(hosts) do
      local client = datagrams(host)
      local text = ("%d.%d"):format(turn, place)
      client:sendto(text, "127.0.0.1", port)
      check(expect.pack(client:receivefrom()), text .. " from " .. host, "127.0.0.1", port)
      client:close()
    end
    collectgarbage()
  end
  server:close()
end)

-- All there before the first is received.
expect.tasks(function()
  local server, port = datagrams()
  local clients, ports = {}, {}
  for place, host in ipairs(hosts) do
    clients[place], ports[place] = datagrams(host)
    clients[place]:sendto("to " .. place, "127.0.0.1", port)
  end
  for place, host in ipairs(hosts) do
    check(expect.pack(server:receivefrom()), "to " .. place, host, ports[place])
    -- To whom the program names, whoever was the last to send.
    local other = #hosts + 1 - place
    server:sendto("for " .. other, hosts[other], ports[other])
    server:sendto("again for " .. place, host, ports[place])
  end
  for place, client in ipairs(clients) do
    local got = {}
    for _ = 1, 2 do
      got[client:receive()] = true
    end
    assert(got["for " .. place] and got["again for " .. place], place)
    client:close()
  end
  server:close()
end)

-- Of both families, by turns, and never across.
expect.tasks(function()
  local four, four_port = datagrams "127.0.0.1"
  local six, six_port = datagrams "::1"
  for _ = 1, 3 do
    for host, server in pairs { ["127.0.0.1"] = four, ["::1"] = six } do
      local port = server == four and four_port or six_port
      local client, client_port = datagrams(host)
      client:sendto("question", host, port)
      local datagram, ip, from = server:receivefrom()
      check({ datagram, ip, from }, "question", host, client_port)
      local stranger = server == four and six or four
      check(expect.pack(stranger:sendto("lost", ip, from)), nil, "Address family for hostname not supported")
      check(expect.pack(server:sendto("answer", ip, from)), 6)
      check(expect.pack(client:receive()), "answer")
      client:close()
    end
  end
  -- A port that is no number, out of range, or with a fraction, though the address is known.
  local client, client_port = datagrams()
  client:sendto("question", "127.0.0.1", four_port)
  local _, ip = four:receivefrom()
  check(expect.pack(four:sendto("by text", ip, tostring(client_port))), 7)
  check(expect.pack(client:receive()), "by text")
  check(expect.pack(four:sendto("lost", ip, "domain")), nil, "Name or service not known")
  check(expect.pack(four:sendto("lost", ip, client_port + 0.5)), nil, "Name or service not known")
  check(expect.pack(four:sendto("lost", ip, 0)), nil, "Invalid argument")
  expect.raises("bad argument #4 to 'sendto'", four.sendto, four, "lost", ip, {})
  client:close()
  four:close()
  six:close()
end)

-- An address of one link carries the link's name, and the answer finds its way by it. Not every machine has one.
local function scoped_address()
  for line in io.lines "/proc/net/if_inet6" do
    local digits, scope, device = line:match "^(%x+) %x+ %x+ (%x+) %x+%s+(%S+)$"
    if scope == "20" then
      return digits:gsub("(%x%x%x%x)", "%1:"):sub(1, -2) .. "%" .. device, device
    end
  end
end

local scoped, device = scoped_address()
if scoped then
  expect.tasks(function()
    local server, port = datagrams "::"
    for _ = 1, 3 do
      for _, host in ipairs { scoped, "::1" } do
        local client, client_port = datagrams(host)
        client:sendto("question", host, port)
        local datagram, ip, from = server:receivefrom()
        check({ datagram, from }, "question", client_port)
        expect.equal(ip:match "%%(.*)$", host == scoped and device or nil)
        check(expect.pack(server:sendto("answer", ip, from)), 6)
        check(expect.pack(client:receivefrom()), "answer", ip, port)
        client:close()
      end
    end
    server:close()
  end)
end

-- Tasks of several sockets, each waiting with a size of its own, and a task that waits on them by turns.
expect.tasks(function()
  local a, a_port = datagrams "127.0.0.1"
  local b, b_port = datagrams "127.0.0.2"
  local sizes = { 4, 9000, 0, 8192, 8193, 1 }
  local sent = network.bytes(9000)
  local got = {}
  cosock.spawn(function()
    for _, size in ipairs(sizes) do
      got[#got + 1] = expect.pack(a:receive(size))
      got[#got + 1] = expect.pack(b:receivefrom(size))
      got[#got + 1] = expect.pack(b:receive())
    end
  end, "receiver")
  local sender, sender_port = datagrams()
  local function send(host, port)
    local before = #got
    assert(sender:sendto(sent, host, port))
    network.wait_until(function() return #got > before end)
    return got[#got]
  end
  for _, size in ipairs(sizes) do
    check(send("127.0.0.1", a_port), sent:sub(1, size))
    check(send("127.0.0.2", b_port), sent:sub(1, size), "127.0.0.1", sender_port)
    check(send("127.0.0.2", b_port), sent:sub(1, 8192))
  end
  for _, sock in ipairs { a, b, sender } do
    sock:close()
  end
end)

-- Finalizers that receive while a result is made take nothing from it.
expect.tasks(function()
  local function on_collection(act)
    if newproxy then
      getmetatable(newproxy(true)).__gc = act
    else
      setmetatable({}, { __gc = act })
    end
  end
  local server, port = datagrams()
  local other, other_port = datagrams()
  local client, client_port = datagrams "127.0.0.2"
  local stranger, stranger_port = datagrams "127.0.0.3"
  local seen = 0
  for number = 1, 300 do
    stranger:sendto("noise " .. number, "127.0.0.1", other_port)
    on_collection(function()
      local datagram, ip, from = other.inner_sock:receivefrom()
      assert(datagram:find "^noise %d+$" and ip == "127.0.0.3" and from == stranger_port)
      seen = seen + 1
    end)
    local text = ("x"):rep(number) .. number
    client:sendto(text, "127.0.0.1", port)
    check(expect.pack(server:receivefrom()), text, "127.0.0.2", client_port)
    check(expect.pack(server:sendto(text, "127.0.0.2", client_port)), #text)
    check(expect.pack(client:receive()), text)
    if number % 50 == 0 then
      collectgarbage()
    end
  end
  collectgarbage()
  collectgarbage()
  assert(seen > 0, "nothing was collected")
  for _, sock in ipairs { server, other, client, stranger } do
    sock:close()
  end
end)

-- A socket that has no address of its own gets one by sending.
expect.tasks(function()
  local server, port = datagrams()
  local client = udp()
  client:settimeout(10)
  client:sendto("question", "127.0.0.1", port)
  local _, ip, from = server:receivefrom()
  server:sendto("answer", ip, from)
  check(expect.pack(client:receivefrom()), "answer", "127.0.0.1", port)
  client:close()
  server:close()
end)

world.finish()
