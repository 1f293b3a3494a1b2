-- Many handshakes at once; connections and contexts that the collector closes, in every state; and
-- memory that does not grow with the number of handshakes.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl, socket = cosock.ssl, cosock.socket

expect.usual_collector()

-- The process's memory in kilobytes.
local function memory()
  local status = assert(io.open "/proc/self/status")
  local text = status:read "*a"
  status:close()
  return tonumber(text:match "VmRSS:%s*(%d+)")
end

local function many_at_once(count)
  local listener, port = network.listener("127.0.0.1", 1024)
  local server_context = assert(ssl.newcontext(secure.server({}, "server-ec")))
  local client_context = assert(ssl.newcontext(secure.client { verify = "peer" }))
  local over = 0
  cosock.spawn(function()
    for _ = 1, count do
      local accepted = assert(listener:accept())
      cosock.spawn(function()
        local server = assert(ssl.wrap(accepted, server_context))
        assert(server:dohandshake())
        server:send(assert(server:receive()) .. "\n")
        server:close()
        over = over + 1
      end, "server")
    end
    listener:close()
  end, "listener")
  for number = 1, count do
    cosock.spawn(function()
      local client = assert(ssl.wrap(assert(socket.connect("127.0.0.1", port)), client_context))
      assert(client:dohandshake())
      client:send(number .. "\n")
      expect.equal(client:receive(), tostring(number))
      client:close()
      over = over + 1
    end, "client")
  end
  cosock.run()
  expect.equal(over, 2 * count)
  expect.nothing_waits()
end

-- Nobody closes these.
local function forgotten()
  local config, server_config = secure.client(), secure.server({}, "server-ec")
  ssl.newcontext(config)
  ssl.newcontext(server_config)
  secure.wrapped(config, server_config)
  local client, server = secure.wrapped(config, server_config)
  client:settimeout(0)
  server:settimeout(0)
  client:dohandshake()
  server:dohandshake()
  secure.pair(config, server_config)
  client, server = secure.pair(config, server_config)
  client:send(("x"):rep(100000))
  server:receive(5)
  client, server = secure.pair(config, server_config)
  client:getpeercertificate()
  client:getpeerchain()
  server:close()
  -- The asking function holds the connection that its context belongs to.
  local holder = {}
  holder.client, holder.server = secure.wrapped(
    secure.client { alpn = "h2" },
    secure.server {
      alpn = function()
        return holder.name
      end,
    }
  )
  secure.handshakes(holder.client, holder.server)
end

local function one_after_another(count)
  local server_context = assert(ssl.newcontext(secure.server({}, "server-ec")))
  local client_context = assert(ssl.newcontext(secure.client { verify = "peer" }))
  for _ = 1, count do
    local client, server = secure.pair(client_context, server_context)
    client:send "x\n"
    assert(server:receive() == "x")
    client:getpeercertificate()
    client:close()
    server:close()
  end
end

-- COSOCK_TEST_HANDSHAKES asks for more, where no memory checker slows them down.
local count = tonumber(os.getenv "COSOCK_TEST_HANDSHAKES") or 100
many_at_once(count)
expect.tasks(forgotten)
collectgarbage()
collectgarbage()
world.check()

-- What grows with each handshake is seen; what is kept for reuse is there by then.
expect.tasks(function()
  one_after_another(50)
end)
collectgarbage()
collectgarbage()
local before = memory()
expect.tasks(function()
  one_after_another(count)
end)
collectgarbage()
collectgarbage()
local growth = memory() - before
assert(growth < 4000, "memory grew by " .. growth .. " kB")
world.finish()
