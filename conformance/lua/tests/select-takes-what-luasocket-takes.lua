-- select takes tables that tell their descriptor by getfd and have no setwaker, as LuaSocket's select does; its
-- results are then LuaSocket's, tables always. A descriptor below zero is never ready; `dirty` makes a reader ready.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function wrapper(sock)
  return {
    getfd = function() return sock:getfd() end,
    dirty = function() return sock:dirty() end,
  }
end

expect.tasks(function()
  local sock, peer = network.pair()
  local wrapped = wrapper(sock)

  -- Nothing is ready, at once and after a while.
  for _, timeout in ipairs { 0, 0.001 } do
    local readers, writers, err = socket.select({ wrapped }, nil, timeout)
    expect.list(readers, {})
    expect.list(writers, {})
    expect.equal(err, "timeout")
    expect.equal(readers[wrapped], nil)
  end

  -- A reader, now and later; a writer; and socket objects beside them.
  local readers, writers, err = socket.select({ wrapped }, { wrapped }, 1)
  expect.list(readers, {})
  expect.list(writers, { wrapped })
  expect.equal(err, nil)
  expect.equal(writers[wrapped], 1)
  cosock.spawn(function()
    socket.sleep(0.001)
    peer:send("one\ntwo\n")
  end, "sender")
  readers, writers = socket.select({ wrapped, peer }, {})
  expect.list(readers, { wrapped })
  expect.list(writers, {})
  expect.equal(readers[wrapped], 1)

  -- What was read already and not taken.
  expect.equal(sock:receive(), "one")
  expect.equal(sock:dirty(), true)
  readers = socket.select({ wrapped }, nil, 0)
  expect.equal(readers[wrapped], 1)
  expect.equal(sock:receive(), "two")
  readers = socket.select({ wrapped }, nil, 0)
  expect.list(readers, {})

  -- Without `dirty`; without a descriptor; with the class's method; closed.
  readers = socket.select({ { getfd = function() return sock:getfd() end } }, nil, 0)
  expect.list(readers, {})
  for _, none in ipairs { -1, 0 / 0, 1 / 0, 2 ^ 31, -1 / 0 } do
    local object = { getfd = function() return none end }
    readers, writers = socket.select({ object }, { object }, 0.001)
    expect.list(readers, {}, none)
    expect.list(writers, {}, none)
  end
  local class = setmetatable({}, { __index = { getfd = function() return peer:getfd() end } })
  readers, writers = socket.select(nil, { class }, 0)
  expect.equal(writers[class], 1)
  sock:close()
  readers = socket.select({ wrapped }, nil, 0.001)
  expect.list(readers, {})

  -- Only socket objects: as ever, nil for a list of none.
  readers, writers, err = socket.select({ peer }, nil, 0)
  expect.list(readers, { peer })
  expect.equal(writers, nil)
  expect.equal(err, nil)
  peer:close()
end)

-- An error of getfd or dirty is the waiting task's, and nothing stays behind.
for _, broken in ipairs {
  { getfd = function() error("from getfd", 0) end },
  { getfd = function() return 0 end, dirty = function() error("from dirty", 0) end },
} do
  cosock.spawn(function()
    socket.select({ broken }, nil, 0)
  end, "broken")
  expect.raises("from ", cosock.run)
end
expect.nothing_waits()

world.finish()
