-- A method taken from the module and called on an inner socket refuses it, where it would have to wait by
-- the object's fields; the collector's own method is out of reach.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local refused = 0

cosock.spawn(function()
  local client = assert(socket.connect("127.0.0.1", port))
  local peer = assert(listener:accept())
  for _, call in ipairs {
    function() return socket.tcp.receive(client.inner_sock) end,
    function() return socket.tcp.accept(listener.inner_sock) end,
  } do
    local ok, err = pcall(call)
    assert(not ok and type(err) == "string" and err:find("socket expected", 1, true), err)
    refused = refused + 1
  end
  -- Names as well: an inner socket has no timeout to look for.
  local other = socket.tcp()
  pcall(socket.tcp.connect, other.inner_sock, "localhost", port)
  other:close()
  expect.equal(getmetatable(client.inner_sock), false)
  peer:send "line\n"
  expect.equal(client:receive(), "line")
  client:close()
  peer:close()
end)
cosock.run()
expect.equal(refused, 2)
listener:close()
world.finish()
