-- A receive that times out returns each byte that came so far once, as its third value, beginning with
-- the prefix; passed back as the prefix, the rest completes it. What it returned is no longer buffered.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

local function with_pair(test)
  expect.tasks(function()
    local sock, peer = network.pair()
    test(sock, peer)
    sock:close()
    peer:close()
  end)
end

-- One part.
with_pair(function(sock, peer)
  peer:send("part")
  sock:settimeout(0.05)
  local started = socket.gettime()
  check(expect.pack(sock:receive(10)), nil, "timeout", "part")
  assert(socket.gettime() - started >= 0.05, "it gave up too early")
  check(expect.pack(sock:receive(10)), nil, "timeout", "")
  peer:send("rest\n")
  check(expect.pack(sock:receive("*l", "part")), "partrest")
end)

-- Several parts that arrive while it waits, each within the limit of one wait.
for _, pattern in ipairs { "*l", 20, "*a" } do
  network.in_some_try("each wait has the whole limit", function()
    local partial
    with_pair(function(sock, peer)
      sock:settimeout(0.1)
      cosock.spawn(function()
        for _, part in ipairs { "AA", "BB", "CC" } do
          socket.sleep(0.04)
          peer:send(part)
        end
      end, "writer")
      local started = socket.gettime()
      local data, err
      data, err, partial = sock:receive(pattern)
      expect.equal(data, nil)
      expect.equal(err, "timeout")
      expect.equal(partial, ("AABBCC"):sub(1, #partial))
      assert(partial ~= "AABBCC" or socket.gettime() - started >= 0.12 + 0.1)
    end)
    return partial == "AABBCC"
  end)
end

-- A limit of zero: what is there at once, and no more.
with_pair(function(sock, peer)
  sock:settimeout(0)
  check(expect.pack(sock:receive(4)), nil, "timeout", "")
  peer:send("ab")
  check(expect.pack(sock:receive(4)), nil, "timeout", "ab")
  check(expect.pack(sock:receive(4)), nil, "timeout", "")
  peer:send("abcdef")
  check(expect.pack(sock:receive(4)), "abcd")
  check(expect.pack(sock:receive("*l")), nil, "timeout", "ef")
  peer:send("line\nnext")
  check(expect.pack(sock:receive()), "line")
  check(expect.pack(sock:receive()), nil, "timeout", "next")
  -- What is sent in this very turn is there already.
  for number = 1, 40 do
    check(expect.pack(sock:receive()), nil, "timeout", "")
    peer:send(number .. "\n")
    check(expect.pack(sock:receive()), tostring(number))
  end
end)

-- The prefix leads the partial result and counts towards the number asked for.
with_pair(function(sock, peer)
  sock:settimeout(0.03)
  peer:send("cd")
  check(expect.pack(sock:receive(8, "ab")), nil, "timeout", "abcd")
  peer:send("efgh+")
  check(expect.pack(sock:receive(8, "abcd")), "abcdefgh")
  check(expect.pack(sock:receive(1)), "+")
  check(expect.pack(sock:receive("*l", "only the prefix")), nil, "timeout", "only the prefix")
  check(expect.pack(sock:receive("*a", "only the prefix")), nil, "timeout", "only the prefix")
end)

-- Carriage returns of a line that is cut by timeouts are dropped too; of a count they are not.
with_pair(function(sock, peer)
  sock:settimeout(0.03)
  peer:send("a\rb\r")
  check(expect.pack(sock:receive("*l")), nil, "timeout", "ab")
  peer:send("\rc\r\nnext")
  check(expect.pack(sock:receive("*l", "ab")), "abc")
  peer:send("\r\n")
  check(expect.pack(sock:receive(9)), nil, "timeout", "next\r\n")
end)

-- A long stream read with tiny limits: resumed again and again, every byte comes once.
with_pair(function(sock, peer)
  local data = network.bytes(300000)
  cosock.spawn(function()
    for first = 1, #data, 7919 do
      peer:send(data, first, math.min(first + 7918, #data))
      socket.sleep(0.001)
    end
  end, "writer")
  sock:settimeout(0.0005)
  local got, err, partial = nil, nil, ""
  local limit = socket.gettime() + 20
  repeat
    got, err, partial = sock:receive(#data, partial)
    assert(got or err == "timeout", err)
    assert(socket.gettime() < limit, "it never ends")
  until got
  assert(got == data, "a byte was lost or repeated")
end)

-- A peer that closes: the same, with another reason.
with_pair(function(sock, peer)
  peer:send("the last words")
  peer:close()
  check(expect.pack(sock:receive(100, "> ")), nil, "closed", "> the last words")
  check(expect.pack(sock:receive(100)), nil, "closed", "")
end)

world.finish()
