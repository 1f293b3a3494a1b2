-- TLS objects in waits of every kind: select, with bytes inside the TLS layer and without; wakers and _wake;
-- coroutines of a task's own that pass waits on; readers and writers at once; a second waiter; cancelled
-- tasks; and a close by another task.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local socket = cosock.socket
local pack, unpack = expect.pack, table.unpack or unpack

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

local function soon(fn)
  cosock.spawn(function()
    socket.sleep(0.005)
    fn()
  end, "soon")
end

-- Select -------------------------------------------------------------------------------------------

local function selects()
  local client, server = secure.pair()
  client:send "one\ntwo\nthree\n"
  expect.equal(server:receive(), "one")
  -- The rest is decrypted already; the system knows nothing of it.
  for _, timeout in ipairs { 0, 10 } do
    local ready, _, err = socket.select({ server }, nil, timeout)
    expect.list({ n = 3, #ready, ready[1], err }, { n = 3, 1, server, nil })
  end
  expect.equal(server:receive(), "two")
  expect.equal(server:receive(), "three")
  expect.list(pack(socket.select({ server }, nil, 0)), { n = 3, nil, nil, "timeout" })
  expect.list(pack(socket.select({ server }, nil, 0.01)), { n = 3, nil, nil, "timeout" })

  -- Two records arrive at once; reading the first must not hide the second.
  client:send "first\n"
  client:send "second\n"
  expect.equal(server:receive(), "first")
  expect.equal(#socket.select({ server }, nil, 10), 1)
  expect.equal(server:receive(), "second")

  soon(function()
    client:send "late\n"
  end)
  expect.equal(#socket.select({ server }, nil, 20), 1)
  expect.equal(server:receive(), "late")
  expect.equal(#select(2, socket.select(nil, { server }, 20)), 1)
  client:close()
  expect.equal(#socket.select({ server }, nil, 20), 1)
  expect.list(pack(server:receive()), { n = 3, nil, "closed", "" })
  server:close()
end

-- More than the reactor reads at once, so that records stay inside.
local function selects_large()
  local client, server = secure.pair()
  local data = network.bytes(300000)
  cosock.spawn(function()
    client:send(data)
  end, "sender")
  local count, parts = 0, {}
  while count < #data do
    local ready = socket.select({ server }, nil, 20)
    assert(ready, "select misses what is there")
    server:settimeout(0)
    local part, err, rest = server:receive(777)
    assert(part or err == "wantread", err)
    parts[#parts + 1] = part or rest
    count = count + #parts[#parts]
  end
  assert(table.concat(parts) == data)
  close(client, server)
end

-- What is no data, such as a ticket, does not end a read.
local function tickets()
  local client, server = secure.pair(secure.client { protocol = "tlsv1_3" })
  client:settimeout(0.01)
  expect.list(pack(client:receive()), { n = 3, nil, "wantread", "" })
  client:settimeout(nil)
  soon(function()
    server:send "data\n"
  end)
  expect.equal(client:receive(), "data")
  close(client, server)
end

-- Wakers and coroutines ----------------------------------------------------------------------------

local function wakers()
  local client, server = secure.pair()
  local woken = {}
  client:setwaker("recvr", function(...)
    woken[#woken + 1] = select("#", ...)
    client:setwaker("recvr", nil)
  end)
  expect.equal(client:_wake "recvr", true)
  expect.equal(#woken, 1)
  -- With data inside the TLS layer a waker is called at once, as select needs it.
  client:send "a\nb\n"
  expect.equal(server:receive(), "a")
  local ready = coroutine.yield({ server }, nil, 20)
  expect.list(ready, { server })
  expect.equal(server:receive(), "b")
  close(client, server)
end

-- Passes a coroutine's waits on by hand; returns how often it waited, and its results.
local function relay(fn, ...)
  local co = coroutine.create(fn)
  local waits, values = 0, pack(coroutine.resume(co, ...))
  while coroutine.status(co) ~= "dead" do
    assert(values[1], values[2])
    for place = 2, 3 do
      assert(values[place] == nil or type(values[place]) == "table")
    end
    waits = waits + 1
    values = pack(coroutine.resume(co, coroutine.yield(values[2], values[3], values[4])))
  end
  assert(values[1], values[2])
  return waits, unpack(values, 2, values.n)
end

local function coroutines()
  local client, server = secure.wrapped()
  local their_waits, their_ok
  local done, wait = cosock.channel.new()
  cosock.spawn(function()
    their_waits, their_ok = relay(server.dohandshake, server)
    done:send(true)
  end, "server")
  local waits, ok = relay(client.dohandshake, client)
  wait:receive()
  expect.list({ ok, their_ok }, { true, true })
  assert(waits > 0 and their_waits > 0)

  soon(function()
    client:send "ab"
    socket.sleep(0.005)
    client:send "cd\n"
  end)
  local line
  waits, line = relay(server.receive, server)
  expect.equal(line, "abcd")
  assert(waits > 0)
  server:settimeout(0.005)
  expect.list({ n = 3, select(2, relay(server.receive, server)) }, { n = 3, nil, "wantread", "" })

  local data = network.bytes(9000000)
  local received
  cosock.spawn(function()
    received = network.drain(client, 50000)
    done:send(true)
  end, "receiver")
  server:settimeout(nil)
  local last
  waits, last = relay(server.send, server, data)
  assert(waits > 0)
  expect.equal(last, #data)
  server:close()
  wait:receive()
  assert(received == data)
  client:close()

  client, server = secure.wrapped()
  client:settimeout(0.005)
  expect.list({ n = 3, relay(client.dohandshake, client) }, { n = 3, 1, false, "timeout" })
  close(client, server)
end

-- An ALPN function that waits while its handshake goes on in a coroutine of the task's own.
local function asked_in_a_coroutine()
  local client, server = secure.wrapped(
    secure.client { alpn = { "h2", "http/1.1" } },
    secure.server {
      alpn = function(offered)
        socket.sleep(0.002)
        return offered[2]
      end,
    }
  )
  local done, wait = cosock.channel.new()
  cosock.spawn(function()
    assert(client:dohandshake())
    done:send(true)
  end, "client")
  local _, ok = relay(server.dohandshake, server)
  wait:receive()
  expect.list({ ok, server:getalpn(), client:getalpn() }, { true, "http/1.1", "http/1.1" })
  close(client, server)
end

-- Several tasks --------------------------------------------------------------------------------------

-- One task writes while another reads, on both sides, each way through small buffers.
local function both_ways(version)
  local client, server = network.pair()
  for _, object in ipairs { client, server } do
    object:setoption("send-buffer-size", 32768)
    object:setoption("recv-buffer-size", 32768)
  end
  client = assert(cosock.ssl.wrap(client, secure.client { protocol = version }))
  server = assert(cosock.ssl.wrap(server, secure.server { protocol = version }))
  assert(secure.handshakes(client, server)[1])
  local there = network.bytes(1500000)
  local back = there:reverse()
  local results = {}
  local done, wait = cosock.channel.new()
  local function task(name, fn)
    cosock.spawn(function()
      results[name] = fn()
      done:send(true)
    end, name)
  end
  task("client sends", function()
    return client:send(there)
  end)
  task("server sends", function()
    return server:send(back)
  end)
  task("server receives", function()
    return server:receive(#there) == there
  end)
  task("client receives", function()
    return client:receive(#back) == back
  end)
  for _ = 1, 4 do
    wait:receive()
  end
  expect.equal(results["client sends"], #there)
  expect.equal(results["server sends"], #back)
  expect.equal(results["server receives"], true)
  expect.equal(results["client receives"], true)
  close(client, server)
end

local function second_waiter()
  local client, server = secure.pair()
  local line, message
  cosock.spawn(function()
    line = server:receive()
  end, "first")
  cosock.spawn(function()
    server:receive()
  end, "second", {
    onerror = function(err)
      message = err
    end,
  })
  network.wait_until(function()
    return message
  end)
  expect.contains(message, "recvr waker already set")
  client:send "for the first\n"
  network.wait_until(function()
    return line
  end)
  expect.equal(line, "for the first")
  close(client, server)
end

-- What was cancelled in the middle leaves a connection that another task can go on with.
local function cancelled()
  local client, server = secure.wrapped()
  local handshake = cosock.spawn(function()
    client:dohandshake()
  end, "handshake")
  socket.sleep(0.005)
  handshake:cancel()
  local ours, theirs = secure.handshakes(client, server)
  expect.list({ ours[1], theirs[1] }, { true, true })

  local receive = cosock.spawn(function()
    server:receive()
  end, "receive")
  socket.sleep(0.005)
  receive:cancel()
  client:send "still there\n"
  expect.equal(server:receive(), "still there")

  local data = network.bytes(8000000)
  local send = cosock.spawn(function()
    client:send(data)
  end, "send")
  socket.sleep(0.01)
  send:cancel()
  -- How much was sent nobody knows; but what arrives is its beginning, and no record is damaged.
  client:settimeout(0)
  local done, wait = cosock.channel.new()
  local got
  cosock.spawn(function()
    got = network.drain(server, 100000)
    done:send(true)
  end, "drain")
  client:settimeout(nil)
  client:send "END"
  client:close()
  wait:receive()
  assert(#got > 3 and got:sub(-3) == "END", #got)
  assert(data:sub(1, #got - 3) == got:sub(1, -4), "the data is damaged")
  server:close()
end

local function closed_by_another()
  local function check(wanted, object, method, ...)
    local results
    local arguments = pack(...)
    cosock.spawn(function()
      results = pack(object[method](object, unpack(arguments, 1, arguments.n)))
    end, method)
    socket.sleep(0.005)
    assert(not results, "it did not wait")
    object:close()
    network.wait_until(function()
      return results
    end)
    expect.list(results, wanted)
  end
  local client, server = secure.wrapped()
  check({ n = 2, false, "closed" }, client, "dohandshake")
  close(server)
  client, server = secure.pair()
  check({ n = 3, nil, "closed", "" }, client, "receive")
  close(server)
  client, server = secure.pair()
  local last, err, at
  cosock.spawn(function()
    last, err, at = client:send(("x"):rep(20000000))
  end, "send")
  socket.sleep(0.01)
  client:close()
  network.wait_until(function()
    return err
  end)
  expect.list({ n = 2, last, err }, { n = 2, nil, "closed" })
  assert(at >= 0 and at < 20000000)
  close(server)
end

for _, part in ipairs {
  selects, selects_large, tickets, wakers, coroutines, asked_in_a_coroutine, second_waiter, cancelled,
  closed_by_another,
} do
  expect.tasks(part)
  expect.nothing_waits()
end
for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  expect.tasks(function()
    both_ways(version)
  end)
  expect.nothing_waits()
end
world.finish()
