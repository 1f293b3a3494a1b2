-- The patterns of receive: lines, everything, and counts in all their spellings.
local world = require "world"
local expect = require "expect"
local network = require "network"

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- What `receive(...)` gives of `data` and what is left after it.
local function received(data, ...)
  local arguments = expect.pack(...)
  local results, rest
  expect.tasks(function()
    local sock, peer = network.pair()
    peer:send(data)
    peer:close()
    results = expect.pack(sock:receive((table.unpack or unpack)(arguments, 1, arguments.n)))
    rest = sock:receive("*a")
    sock:close()
  end)
  return results, rest
end

local function gives(data, expected, rest, ...)
  local results, left = received(data, ...)
  check(results, expected)
  expect.equal(left, rest)
end

-- Lines.
for _, pattern in ipairs { "*l", "l", "*line", "*lX" } do
  gives("one\ntwo\n", "one", "two\n", pattern)
end
gives("one\ntwo\n", "one", "two\n")
gives("one\ntwo\n", "one", "two\n", nil)
gives("\n\n", "", "\n", "*l")
gives("\r\n\n", "", "\n", "*l")
gives("a\r\nb\n", "a", "b\n", "*l")
gives("\r\ra\rb\r\r\n\r", "ab", "\r", "*l")
gives("zero\0inside\nnext", "zero\0inside", "next", "*l")
gives("line\nnext", "prefix line", "next", "*l", "prefix ")
gives("\nnext", "prefix", "next", "*l", "prefix")
gives("line\nnext", "line", "next", "*l", nil)
gives("line\nnext", "line", "next", "*l", {})
gives(("x"):rep(200000) .. "\nnext", ("x"):rep(200000), "next", "*l")

-- Everything.
for _, pattern in ipairs { "*a", "a", "*all", "*abc" } do
  gives("one\r\ntwo\0", "one\r\ntwo\0", nil, pattern)
end
gives("rest", "prefix rest", nil, "*a", "prefix ")

-- Counts.
gives("0123456789", "0123", "456789", 4)
gives("0123456789", "0123", "456789", "4")
gives("0123456789", "0123", "456789", 4.0)
gives("0123456789", "0123", "456789", 4.9)
gives("0123456789", "0123", "456789", "4.9")
gives("0123456789", "0123", "456789", "0x4")
gives("0123456789", "0123", "456789", " 4 ")
gives("0123456789", "0123456789", "", 10)
gives("01\r\n23\n456", "01\r\n2", "3\n456", 5)
gives("0123456789", "", "0123456789", 0)
gives("0123456789", "", "0123456789", 0.5)
gives("0123456789", "", "0123456789", "0")
gives("0123456789", "", "0123456789", -0.0)

-- The prefix counts, if it is a string.
gives("0123456789", "abc0", "123456789", 4, "abc")
gives("0123456789", "abc", "0123456789", 3, "abc")
gives("0123456789", "abcdef", "0123456789", 3, "abcdef")
gives("0123456789", "prefix", "0123456789", 0, "prefix")
gives("0123456789", "01234", "56789", 5, 7)

-- Nothing to wait for, though nothing has come.
expect.tasks(function()
  local sock, peer = network.pair()
  check(expect.pack(sock:receive(0)), "")
  check(expect.pack(sock:receive(3, "abc")), "abc")
  check(expect.pack(sock:receive(2, "abc")), "abc")
  sock:settimeout(0)
  check(expect.pack(sock:receive(0)), "")
  sock:close()
  peer:close()
  -- On a socket that is closed there is nothing at all, beyond what had come and the prefix.
  check(expect.pack(sock:receive(0)), nil, "closed", "")
  check(expect.pack(sock:receive(0, nil)), nil, "closed", "")
  check(expect.pack(sock:receive(0, "abc")), "abc")
end)

-- What is no pattern is refused, and takes nothing.
expect.tasks(function()
  local sock, peer = network.pair()
  peer:send("untouched")
  for _, pattern in ipairs { "*n", "n", "L", "*L", "", "line", "all", "*", " *l", "x5", -1, -0.5, "-1", 0 / 0 } do
    -- A bare letter is taken from io's spellings, a word is not.
    expect.raises("invalid receive pattern", sock.receive, sock, pattern)
  end
  for _, pattern in ipairs { {}, true, false, print, coroutine.create(function() end) } do
    local message = expect.raises("bad argument #2 to 'receive'", sock.receive, sock, pattern)
    expect.contains(message, "string expected, got " .. type(pattern))
  end
  check(expect.pack(sock:receive(9)), "untouched")
  sock:close()
  peer:close()
end)

world.finish()
