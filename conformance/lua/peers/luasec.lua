-- A client of LuaSec's server. Arguments: its port, and how many bytes to exchange in each direction.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local flow = require "flow"
local secure = require "secure"

local port, count = ...

for _, version in ipairs { "tlsv1_2", "tlsv1_3" } do
  expect.tasks(function()
    local sock = assert(cosock.socket.connect("127.0.0.1", tonumber(port)))
    local object = assert(cosock.ssl.wrap(sock, secure.client {
      protocol = version,
      certificate = secure.file "client.pem",
      key = secure.file "client.key",
      verify = "peer",
      verify_host = "localhost",
    }))
    assert(object:dohandshake())
    flow.talk(object, tonumber(count))
    object:close()
  end)
end
world.finish()
