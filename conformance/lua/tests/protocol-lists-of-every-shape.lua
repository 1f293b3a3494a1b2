-- What a wait may list: nil, lists with holes, maps, string keys, __pairs where the language has them; native
-- and foreign objects mixed; lists that change while the task waits. The results are lists anew.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function foreign()
  local self = { wakers = {} }
  function self:setwaker(kind, waker)
    self.wakers[kind] = waker
  end
  return self
end

local function wait(recvt, sendt, timeout, wake)
  local results
  cosock.spawn(function()
    results = expect.pack(socket.select(recvt, sendt, timeout))
  end)
  cosock.spawn(wake or function() end)
  cosock.run()
  expect.equal(results.n, 3)
  return results[1], results[2], results[3]
end

local a, b = foreign(), foreign()
local function wake_b()
  b.wakers.recvr()
end

-- Keys do not matter.
for _, list in ipairs {
  { a, b },
  { [1] = a, [5] = b },
  { [-3] = a, [1.5] = b },
  { key = a, other = b },
  { [a] = a, [b] = b },
  { [true] = a, [print] = b, [{}] = foreign() },
  { a, nil, nil, b },
} do
  local recvr, sendr, err = wait(list, nil, nil, wake_b)
  expect.list(recvr, { b })
  expect.equal(sendr, nil)
  expect.equal(err, nil)
  recvr, sendr, err = wait({}, list, 5, function()
    b.wakers.sendr()
  end)
  expect.equal(recvr, nil)
  expect.list(sendr, { b })
  expect.equal(err, nil)
end

-- Nothing listed, only time.
for _, lists in ipairs { { {}, {} }, { nil, {} }, { {}, nil }, {} } do
  local recvr, sendr, err = wait(lists[1], lists[2], 0.001)
  expect.equal(recvr, nil)
  expect.equal(sendr, nil)
  expect.equal(err, "timeout")
end

-- __pairs is honoured where `pairs` knows it; elsewhere, as with `pairs`, the table itself counts.
do
  local hidden = { b }
  local closed = 0
  local closing = setmetatable({}, { __close = function() closed = closed + 1 end })
  local proxy = setmetatable({ a }, {
    __pairs = function()
      return next, hidden, nil, closing
    end,
  })
  local honoured = false
  for _, value in pairs(proxy) do
    honoured = honoured or value == b
  end
  expect.equal(honoured, expect.version ~= "5.1" and expect.version ~= "jit")
  local recvr = wait(proxy, nil, 5, function()
    expect.equal(b.wakers.recvr ~= nil, honoured)
    expect.equal(a.wakers.recvr ~= nil, not honoured)
    local woken = honoured and b or a
    woken.wakers.recvr()
  end)
  expect.list(recvr, { honoured and b or a })
  -- Since 5.5 `pairs` hands on what is closed after the last step: here, and in `wait`.
  expect.equal(closed, expect.version == "5.5" and 2 or 0)
  -- A proxy that only indexes is empty.
  local _, _, err = wait(setmetatable({}, { __index = { a, b } }), nil, 0.001)
  expect.equal(err, "timeout")
end

-- A __pairs that raises or answers nonsense fails its task alone.
if expect.version ~= "5.1" and expect.version ~= "jit" then
  for _, pairs_of in ipairs {
    function() error("by __pairs", 0) end,
    function() return 5 end,
    function() return function() error("by __pairs", 0) end end,
  } do
    local errors, other = 0, false
    cosock.spawn(function()
      coroutine.yield(setmetatable({}, { __pairs = pairs_of }))
    end, nil, {
      onerror = function()
        errors = errors + 1
      end,
    })
    cosock.spawn(function()
      socket.sleep(0)
      other = true
    end)
    cosock.run()
    expect.equal(errors, 1)
    expect.equal(other, true)
  end
end

-- Native objects, receivers and foreign ones in both lists; each in the list in which it was named.
do
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local client, peer
  cosock.spawn(function()
    client = assert(socket.connect("127.0.0.1", port))
    peer = assert(listener:accept())
  end)
  cosock.run()
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 0))
  local tx, rx = channel.new()

  -- Writable at once.
  local recvr, sendr, err = wait({ client, rx, a, udp, listener }, { peer, b }, 5)
  expect.equal(recvr, nil)
  expect.list(sendr, { peer })
  expect.equal(err, nil)

  -- Each in its turn.
  for _, case in ipairs {
    { rx, function() tx:send() end },
    { a, function() a.wakers.recvr() end },
    { client, function() assert(peer:send "line\n") end },
    { udp, function()
      local ip, own_port = udp:getsockname()
      assert(udp:sendto("datagram", ip, tonumber(own_port)))
    end },
    { listener, function() assert(socket.connect("127.0.0.1", port)):close() end },
  } do
    recvr, sendr, err = wait({ client, rx, a, udp, listener }, { b }, 5, case[2])
    expect.list(recvr, { case[1] })
    expect.equal(sendr, nil)
    expect.equal(err, nil)
    -- Still ready, if the event is one that stays; a limit of nothing finds it too.
    if case[1] ~= a then
      recvr, sendr, err = wait({ client, rx, a, udp, listener }, nil, 0)
      expect.list(recvr, { case[1] })
      expect.equal(err, nil)
    end
    cosock.spawn(function()
      if case[1] == rx then
        rx:receive()
      elseif case[1] == client then
        client:receive()
      elseif case[1] == udp then
        udp:receive()
      elseif case[1] == listener then
        assert(listener:accept()):close()
      end
    end)
    cosock.run()
  end

  -- The same socket in both lists.
  recvr, sendr, err = wait({ client }, { client }, 5)
  expect.equal(recvr, nil)
  expect.list(sendr, { client })
  assert(peer:send "line\n")
  recvr, sendr, err = wait({ client }, { client }, 5)
  expect.list(sendr, { client })
  expect.equal(err, nil)

  -- Results know where a listed object is, as LuaSocket's do, and show nothing else.
  recvr = wait({ a, client }, nil, 5)
  expect.equal(recvr[client], 1)
  expect.equal(recvr[a], nil)
  expect.equal(recvr[2], nil)
  expect.equal(#recvr, 1)
  local keys = 0
  for key in pairs(recvr) do
    keys = keys + 1
    expect.equal(key, 1)
  end
  expect.equal(keys, 1)

  -- A list changed while its task waits changes nothing for it.
  local list = { client, rx, a }
  assert(client:receive())
  recvr = wait(list, nil, 5, function()
    list[1], list[2], list[3], list[4] = nil, nil, nil, "nonsense"
    expect.equal(a.wakers.recvr ~= nil, true)
    a.wakers.recvr()
  end)
  expect.list(recvr, { a })
  expect.equal(a.wakers.recvr, nil)

  -- The same list may be waited on again, also by two tasks at once.
  list = { a }
  local woken = 0
  for _ = 1, 2 do
    cosock.spawn(function()
      if socket.select(list, nil, 0.01) then
        woken = woken + 1
      end
    end)
  end
  cosock.spawn(function()
    a.wakers.recvr()
  end)
  cosock.run()
  expect.equal(woken, 1)

  for _, sock in ipairs { client, peer, listener, udp } do
    sock:close()
  end
end

-- Hundreds of objects.
do
  local list, last = {}, nil
  for number = 1, 500 do
    local tx, rx = channel.new()
    list[number] = number % 2 == 0 and rx or foreign()
    last = number % 2 == 0 and tx or last
  end
  local recvr = wait(list, nil, 5, function()
    last:send "message"
    list[1].wakers.recvr()
  end)
  expect.equal(#recvr, 2)
  expect.equal(recvr[list[500]] ~= nil and recvr[list[1]] ~= nil, true)
  for number = 1, 500, 2 do
    expect.equal(list[number].wakers.recvr, nil)
  end
  expect.nothing_waits()
end

world.finish()
