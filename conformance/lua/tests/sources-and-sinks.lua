-- socket.source and socket.sink: the ltn12 ends of a socket, in blocks of cosock.socket.BLOCKSIZE.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- All chunks of a source until it ends; and what it ended with.
local function pump(source)
  local chunks = {}
  while true do
    local chunk, err = source()
    if not chunk then
      return chunks, err
    end
    chunks[#chunks + 1] = chunk
  end
end

local function with_pair(test)
  expect.tasks(function()
    local sock, peer = network.pair()
    test(sock, peer)
    sock:close()
    peer:close()
  end)
end

local data = network.bytes(5000)

-- By length: so many bytes in blocks, and no more.
with_pair(function(sock, peer)
  peer:send(data .. "rest")
  local source = socket.source("by-length", sock, 5000)
  local chunks, err = pump(source)
  expect.equal(err, nil)
  expect.equal(#chunks, 3)
  expect.equal(#chunks[1], 2048)
  expect.equal(#chunks[3], 5000 - 4096)
  expect.equal(table.concat(chunks), data)
  expect.equal(sock:receive(4), "rest")
  check(expect.pack(source()), nil)
  -- Length zero.
  check(expect.pack(socket.source("by-length", sock, 0)()), nil)
  -- Waits for what is not there yet; an end too early is an error.
  source = socket.source("by-length", sock, 10)
  cosock.spawn(function()
    socket.sleep(0.005)
    peer:send("0123456789")
  end, "sender")
  check(expect.pack(source()), "0123456789")
  source = socket.source("by-length", sock, 10)
  peer:send("early")
  peer:close()
  local chunk, why = source()
  expect.equal(chunk, nil)
  expect.equal(why, "closed")
end)

-- Until closed, by name and by default.
for _, name in ipairs { "until-closed", "default" } do
  with_pair(function(sock, peer)
    peer:send(data)
    peer:close()
    local source = name == "default" and socket.source(sock) or socket.source(name, sock)
    local chunks, err = pump(source)
    expect.equal(err, nil)
    expect.equal(table.concat(chunks), data)
    expect.equal(sock:getfd(), -1)
    check(expect.pack(source()), nil)
  end)
end
with_pair(function(sock, peer)
  sock:settimeout(0.01)
  check(expect.pack(socket.source(sock)()), nil, "timeout")
  assert(sock:getfd() >= 0, "a timeout closes nothing")
  peer:send("x")
end)

-- The block size is the module's.
with_pair(function(sock, peer)
  local before = socket.BLOCKSIZE
  expect.equal(before, 2048)
  socket.BLOCKSIZE = 1000
  peer:send(data)
  peer:close()
  local chunks = pump(socket.source("by-length", sock, 2500))
  expect.equal(#chunks, 3)
  expect.equal(#chunks[1], 1000)
  chunks = pump(socket.source("until-closed", sock))
  expect.equal(#chunks[1], 1000)
  expect.equal(table.concat(chunks), data:sub(2501))
  socket.BLOCKSIZE = before
end)

-- Sinks.
with_pair(function(sock, peer)
  local sink = socket.sink(sock)
  check(expect.pack(sink("hello ")), 6, nil, nil)
  check(expect.pack(sink("world\n")), 6, nil, nil)
  check(expect.pack(sink(nil)), 1)
  check(expect.pack(sink()), 1)
  expect.equal(peer:receive(), "hello world")
  check(expect.pack(socket.sink("keep-open", sock)("again\n")), 6, nil, nil)
  expect.equal(peer:receive(), "again")
  sink = socket.sink("close-when-done", sock)
  expect.equal(sink.getfd(), sock:getfd())
  expect.equal(sink.dirty(), false)
  check(expect.pack(sink("last\n")), 5, nil, nil)
  check(expect.pack(sink(nil)), 1)
  expect.equal(sock:getfd(), -1)
  expect.equal(peer:receive("*a"), "last\n")
  check(expect.pack(sink("late")), nil, "closed", 0)
end)

-- From one to the other, larger than any buffer.
expect.tasks(function()
  local large = network.bytes(3000000)
  local from, from_peer = network.pair()
  local to, to_peer = network.pair()
  local got
  cosock.spawn(function()
    from_peer:send(large)
    from_peer:close()
  end, "writer")
  cosock.spawn(function() got = to_peer:receive("*a") end, "reader")
  local source, sink = socket.source(from), socket.sink("close-when-done", to)
  expect.equal(source.getfd(), from:getfd())
  repeat
    local chunk = source()
    assert(sink(chunk))
  until not chunk
  network.wait_until(function() return got end)
  assert(got == large, "a byte was lost or repeated")
  to_peer:close()
end)

expect.raises("unknown key (by-magic)", socket.source, "by-magic")
expect.raises("unknown key (by-magic)", socket.sink, "by-magic")
expect.equal(type(socket.sourcet["by-length"]), "function")
expect.equal(type(socket.sinkt["close-when-done"]), "function")

world.finish()
