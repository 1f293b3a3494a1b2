-- A task that receives much which is there already does not keep the others from running until it has it all:
-- counted bytes, all up to the end, a long line; plain and over TLS; with a timeout of its own, which each
-- wait has anew, and with one for all of it, which ends it although bytes still come.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local socket = cosock.socket
local block = ("x"):rep(64 * 1024)

-- What others may have to let pass at first; the buffer for what is received grows by doubling, and how
-- much goes into it at one go with it.
local FIRST = 1.25 * 1024 * 1024

-- Sends until the system takes no more; returns how much that is. `rest` goes after it, and the last TLS
-- record with it, when there is room; with `is_last` it is closed then.
local function fill(sender, rest, is_last)
  sender:settimeout(0)
  local filled = 0
  repeat
    local sent, _, reached = sender:send(block)
    filled = filled + (sent or reached)
  until not sent
  sender:settimeout()
  cosock.spawn(function()
    sender:send(rest)
    if is_last then
      sender:close()
    end
  end, "sends the rest")
  return filled
end

-- Counts the turns of another task while `work` runs.
local function turns_during(work)
  local over, turns = false, 0
  cosock.spawn(function()
    while not over do
      turns = turns + 1
      socket.sleep(0)
    end
  end, "counts turns")
  socket.sleep(0)
  local before = turns
  work()
  over = true
  return turns - before
end

local function assert_shared(what, turns, bytes)
  if turns < (bytes > 2 * FIRST and 2 or 1) then
    error(("%s: only %d turns for others during %d bytes"):format(what, turns, bytes))
  end
end

for kind, pair in pairs { plain = network.pair, TLS = secure.pair } do
  cosock.spawn(function()
    local sender, receiver = pair()
    local filled = fill(sender, "")
    expect.equal(filled > FIRST, true, kind .. ": the system holds " .. filled)

    receiver:settimeout(20)
    local turns = turns_during(function()
      local bytes, err, part = receiver:receive(filled)
      expect.list({ n = 3, bytes and #bytes, err, part and #part }, { n = 3, filled, nil, nil }, kind)
    end)
    assert_shared(kind .. ", a count", turns, filled)

    filled = fill(sender, "")
    turns = turns_during(function()
      receiver:settimeout(0)
      local bytes, err, part = receiver:receive(filled)
      -- What the system has not moved to this side yet may be missing.
      expect.equal(bytes ~= nil or err == "timeout" or err == "wantread", true, tostring(err))
      receiver:settimeout(20)
      local left = filled - #(bytes or part)
      expect.equal(#receiver:receive(left), left)
    end)
    assert_shared(kind .. ", a count without time", turns, filled)

    filled = fill(sender, "\n")
    turns = turns_during(function()
      expect.equal(#receiver:receive(), filled)
    end)
    assert_shared(kind .. ", a line", turns, filled)

    filled = fill(sender, "end", true)
    turns = turns_during(function()
      expect.equal(#receiver:receive("*a"), filled + 3)
    end)
    assert_shared(kind .. ", all", turns, filled)
    receiver:close()
  end, kind)
  cosock.run()
end

-- A stream without end: each turn of the sender's task adds to it.
cosock.spawn(function()
  local sender, receiver = network.pair()
  local over = false
  cosock.spawn(function()
    while not over do
      sender:send(block:rep(16))
      socket.sleep(0)
    end
    sender:close()
  end, "sends for ever")
  receiver:settimeout(0.05, "t")
  local start = socket.gettime()
  local bytes, err, part = receiver:receive("*a")
  expect.list({ n = 2, bytes, err }, { n = 2, nil, "timeout" })
  expect.equal(#part > 0 and socket.gettime() - start < 20, true)
  over = true
  receiver:settimeout(20)
  receiver:receive("*a")
  receiver:close()
end, "all of a stream without end")
cosock.run()

expect.nothing_waits()
world.finish()
