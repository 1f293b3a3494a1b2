-- A wait in a coroutine of a task is handed on by the one that resumed it. Whatever runs between the two, a finalizer or
-- a debug hook, may wait for something else in the task's name, in vain, for nobody can yield there: it does not take
-- the coroutine's wait away, and where it does, in a hook, the task ends and nothing else.
local world = require "world"
local expect = require "expect"
local collector = require "collector"
local network = require "network"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

cosock.install_coroutine()

local function with_finalizer(finalize)
  if newproxy then
    getmetatable(newproxy(true)).__gc = finalize
  else
    setmetatable({}, { __gc = finalize })
  end
end

-- A collection runs at the next thing that is made.
do
  local result, tries = nil, 0
  local tx, rx = channel.new()
  local other_tx, other_rx = channel.new()
  local receive, other = rx.receive, other_rx.receive
  cosock.spawn(function()
    local waits = coroutine.wrap(function()
      collector.eager()
      with_finalizer(function()
        tries = tries + 1
        pcall(other, other_rx)
      end)
      return receive(rx)
    end)
    result = waits()
    collector.usual()
  end, "waits in a coroutine")
  cosock.spawn(function()
    socket.sleep(0.01)
    tx:send("message")
  end)
  cosock.run()
  expect.equal(result, "message")
  collectgarbage()
  collectgarbage()
  assert(tries > 0)
  other_tx:close()
end

-- A hook in the lines of cosock's own Lua. Where the language does not tell it that nothing can wait there, the task
-- ends, for what its coroutine waits for is lost; what a send has on its stack is never taken for what a message has.
do
  local tx, rx = channel.new()
  local object, peer
  local length, sent, tries = 20000000, nil, 0
  local sender = cosock.spawn(function()
    object, peer = network.pair()
    local data = network.bytes(length)
    local sends = coroutine.wrap(function()
      return object:send(data)
    end)
    local own = coroutine.running()
    debug.sethook(own, function()
      if tries < 30 and debug.getinfo(2, "S").source == "=[cosock]" then
        tries = tries + 1
        pcall(rx.receive, rx)
      end
    end, "l")
    sent = sends()
    debug.sethook(own)
  end, "sends in a coroutine")
  cosock.spawn(function()
    socket.sleep(0.05)
    tx:send("message")
    socket.sleep(0.05)
    local left = sender:is_alive() and length or 0
    while left > 0 do
      local part, err, rest = peer:receive(math.min(left, 65536))
      left = left - #(part or rest)
      assert(left == 0 or not err, err)
    end
  end, "goes on")
  cosock.run()
  assert(tries > 0)
  local tells = expect.version ~= "5.1" and expect.version ~= "5.2"
  expect.equal(sent, tells and length or nil)
  object:close()
  peer:close()
  tx:close()
end

world.finish()
