-- The end of a stream. "*a" that reaches it first returns what there is, even the empty string, as HTTP
-- libraries rely on; everything after it says "closed".
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function with_stream(data, test)
  expect.tasks(function()
    local sock, peer = network.pair()
    peer:send(data)
    peer:close()
    test(sock)
    sock:close()
  end)
end

for _, all in ipairs { "*a", "a", "*all" } do
  with_stream("body", function(sock)
    check(expect.pack(sock:receive(all)), "body")
    for _ = 1, 3 do
      check(expect.pack(sock:receive(all)), nil, "closed", "")
    end
    check(expect.pack(sock:receive("*l")), nil, "closed", "")
    check(expect.pack(sock:receive(1)), nil, "closed", "")
  end)
  with_stream("", function(sock)
    check(expect.pack(sock:receive(all)), "")
    check(expect.pack(sock:receive(all)), nil, "closed", "")
  end)
  with_stream("", function(sock)
    check(expect.pack(sock:receive(all, "prefix")), "prefix")
    check(expect.pack(sock:receive(all, "prefix")), nil, "closed", "prefix")
  end)
  -- Everything after the headers, though there is nothing.
  with_stream("header\r\n\r\n", function(sock)
    check(expect.pack(sock:receive("*l")), "header")
    check(expect.pack(sock:receive("*l")), "")
    check(expect.pack(sock:receive(all)), "")
    check(expect.pack(sock:receive(all)), nil, "closed", "")
  end)
end

-- A read loop on "*a" ends.
with_stream(("x"):rep(200000), function(sock)
  local count, rounds = 0, 0
  while true do
    local part, err = sock:receive("*a")
    rounds = rounds + 1
    assert(rounds < 10, "it never ends")
    if not part then
      expect.equal(err, "closed")
      break
    end
    count = count + #part
  end
  expect.equal(count, 200000)
end)

-- A last line without its feed, and a count that is not reached, come as partial results.
with_stream("one\nlast", function(sock)
  check(expect.pack(sock:receive("*l")), "one")
  check(expect.pack(sock:receive("*l")), nil, "closed", "last")
  check(expect.pack(sock:receive("*l")), nil, "closed", "")
end)
with_stream("0123", function(sock)
  check(expect.pack(sock:receive(5)), nil, "closed", "0123")
  check(expect.pack(sock:receive(5)), nil, "closed", "")
  check(expect.pack(sock:receive(0)), "")
end)

-- The end comes while a task waits, after parts.
for _, case in ipairs { { "*a", "onetwo" }, { "*l", nil, "closed", "onetwo" }, { 100, nil, "closed", "onetwo" } } do
  expect.tasks(function()
    local sock, peer = network.pair()
    cosock.spawn(function()
      peer:send("one")
      socket.sleep(0.01)
      peer:send("two")
      socket.sleep(0.01)
      peer:close()
    end, "writer")
    local results = expect.pack(sock:receive(case[1]))
    expect.list(results, { n = case[2] and 1 or 3, case[2], case[3], case[4] })
    sock:close()
  end)
end

-- Half closed: the other direction still works.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("question")
  peer:shutdown("send")
  check(expect.pack(sock:receive("*a")), "question")
  check(expect.pack(sock:receive("*a")), nil, "closed", "")
  check(expect.pack(sock:send("answer\n")), 7, nil, nil)
  check(expect.pack(peer:receive("*l")), "answer")
  sock:close()
  peer:close()
end)

-- A reset is an end, too: what came before it may be lost with it, but the word is the same.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:setoption("linger", { on = true, timeout = 0 })
  cosock.spawn(function()
    socket.sleep(0.02)
    peer:close()
  end, "resetter")
  check(expect.pack(sock:receive("*l")), nil, "closed", "")
  check(expect.pack(sock:receive("*l")), nil, "closed", "")
  local sent, err, last = sock:send("x")
  check({ n = 3, sent, err, last }, nil, "closed", 0)
  sock:close()
end)

-- "*a" gets what came before a reset, and an end, as the rock has it: a server that closes before it has read all
-- of a question resets the connection after its answer.
for _, waits in ipairs { true, false } do
  expect.tasks(function()
    local sock, peer = network.pair()
    peer:send("answer")
    local function reset()
      peer:setoption("linger", { on = true, timeout = 0 })
      peer:close()
    end
    if waits then
      cosock.spawn(function()
        socket.sleep(0.02)
        reset()
      end, "resetter")
    else
      check(expect.pack(sock:receive(3)), "ans")
      reset()
    end
    check(expect.pack(sock:receive("*a")), waits and "answer" or "wer")
    check(expect.pack(sock:receive("*a")), nil, "closed", "")
    check(expect.pack(sock:receive("*l")), nil, "closed", "")
    sock:close()
  end)
end

-- Sending to a peer that is gone ends in "closed" too, and the process lives on.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:close()
  local results
  network.wait_until(function()
    results = expect.pack(sock:send("x"))
    return results[1] == nil
  end)
  check(results, nil, "closed", 0)
  check(expect.pack(sock:send("xyz", 2)), nil, "closed", 1)
  sock:close()
end)

-- A socket closed on this side.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("never read")
  network.wait_until(function()
    return socket.select({ sock }, nil, 0)
  end)
  sock:close()
  for _, pattern in ipairs { "*l", "*a", 5 } do
    check(expect.pack(sock:receive(pattern)), nil, "closed", "")
    check(expect.pack(sock:receive(pattern, "pre")), nil, "closed", "pre")
  end
  check(expect.pack(sock:send("data")), nil, "closed", 0)
  check(expect.pack(sock:send("data", 3)), nil, "closed", 2)
  check(expect.pack(sock:send("")), 0, nil, nil)
  check(expect.pack(sock:close()), 1)
  check(expect.pack(sock:getsockname()), nil, "Bad file descriptor")
  check(expect.pack(sock:getpeername()), nil, "Bad file descriptor")
  check(expect.pack(sock:setoption("keepalive", true)), nil, "setsockopt failed")
  check(expect.pack(sock:getoption("keepalive")), nil, "getsockopt failed")
  expect.equal(sock:getfd(), -1)
  peer:close()
end)

world.finish()
