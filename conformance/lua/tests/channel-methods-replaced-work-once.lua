-- A `receive` that stands on ours does its part once for each message, also where ours waits in Lua: in a coroutine of
-- the program's own, and for a receiver with a `setwaker` of its own.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local channel = cosock.channel
local unpack = table.unpack or unpack

-- Runs the function in a coroutine of its own, and passes on what that yields.
local function relayed(fn)
  local co = coroutine.create(fn)
  local results = expect.pack(coroutine.resume(co))
  while coroutine.status(co) ~= "dead" do
    results = expect.pack(coroutine.resume(co, coroutine.yield(unpack(results, 2, 4))))
  end
  assert(results[1], results[2])
  return unpack(results, 2, results.n)
end

local function directly(fn)
  return fn()
end

local original = channel.receiver.receive
local function decoding(self)
  local message, err = original(self)
  return message and "<" .. message .. ">", err
end

-- What a program may make of a receiver, each decoding.
local kinds = {
  class = function(rx)
    channel.receiver.receive = decoding
    return rx
  end,
  field = function(rx)
    rx.receive = decoding
    return rx
  end,
  wrapper = function(rx)
    return setmetatable({ receive = decoding }, { __index = rx })
  end,
  ["with a setwaker"] = function(rx)
    local setwaker = rx.setwaker
    return setmetatable({
      receive = decoding,
      setwaker = function(_, kind, waker) return setwaker(rx, kind, waker) end,
    }, { __index = rx })
  end,
}

for kind, make in pairs(kinds) do
  for _, way in ipairs { directly, relayed } do
    local tx, rx = channel.new()
    local object = make(rx)
    local got = {}
    expect.tasks(function()
      for _ = 1, 4 do
        got[#got + 1] = expect.pack(way(function() return object:receive() end))
      end
      object.timeout = 0.001
      got[#got + 1] = expect.pack(way(function() return object:receive() end))
    end, function()
      tx:send "one"
      cosock.socket.sleep(0)
      cosock.socket.sleep(0)
      tx:send "two"
      tx:send "three"
      cosock.socket.sleep(0.001)
      tx:send "four"
    end)
    for place, message in ipairs { "<one>", "<two>", "<three>", "<four>" } do
      expect.equal(got[place][1], message, kind)
    end
    expect.equal(got[5][1], nil, kind)
    expect.equal(got[5][2], "timeout", kind)
    tx:close()
    expect.tasks(function()
      expect.list(expect.pack(way(function() return object:receive() end)), { n = 2, nil, "closed" }, kind)
    end)
    channel.receiver.receive = original
  end
end

-- Where it waits in Lua, it sees a channel that a program has marked as closed, as in the rock.
expect.tasks(function()
  local _, rx = channel.new()
  rx.link.closed = true
  expect.list(expect.pack(relayed(function() return rx:receive() end)), { n = 2, nil, "closed" })
end)
world.finish()
