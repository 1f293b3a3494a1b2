-- beside-luasec.lua ORDER: our module and LuaSec in one interpreter. ORDER names both, as in
-- "ssl,cosock.ssl", and they are loaded in that order. Each makes connections among its own and with the
-- other, in both roles; they may share a library, so errors of one must not show up in the other.
for name in arg[1]:gmatch "[^,]+" do
  require(name)
end

local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"
local ours, theirs = require "cosock.ssl", require "ssl"
local luasocket = require "socket"

local rounds = 3

-- Leaves errors in the queue of whatever library LuaSec uses, which it does not clear.
local function leave_errors()
  local client = { mode = "client", protocol = "any", key = secure.file "missing" }
  expect.equal(theirs.newcontext(client), nil)
  expect.equal(theirs.loadcertificate "-----BEGIN CERTIFICATE-----\nnoise\n-----END CERTIFICATE-----\n", nil)
  expect.equal(ours.newcontext(client), nil)
  -- Ours clears the queue.
  expect.equal(theirs.newcontext(client), nil)
end

-- Goes on with LuaSec's method, which only tries, until it is done; lets the tasks run meanwhile.
local function finish(connection, method, ...)
  while true do
    local result, why = connection[method](connection, ...)
    if result or (why ~= "wantread" and why ~= "wantwrite") then
      return result, why
    end
    cosock.socket.sleep(0)
  end
end

-- LuaSec over LuaSocket, as an object with methods that wait.
local function wrap_theirs(socket, config)
  local connection = assert(theirs.wrap(socket, config))
  connection:settimeout(0)
  return {
    dohandshake = function() return finish(connection, "dohandshake") end,
    send = function(_, data) return finish(connection, "send", data) end,
    receive = function() return finish(connection, "receive") end,
    close = function() connection:close() end,
  }
end

local function wrap_ours(socket, config)
  return assert(ours.wrap(socket, config))
end

-- Two sockets of LuaSocket, or of cosock, or one of each, the client's first.
local function connect(client_is_ours, server_is_ours)
  if client_is_ours and server_is_ours then
    return network.pair()
  end
  local listener = assert((server_is_ours and cosock.socket or luasocket).bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  -- The kernel completes the connection before it is accepted, so nobody waits here.
  local client = assert((client_is_ours and cosock.socket or luasocket).connect("127.0.0.1", tonumber(port)))
  local server = assert(listener:accept())
  listener:close()
  return client, server
end

local function talk(client_is_ours, server_is_ours)
  local client, server = connect(client_is_ours, server_is_ours)
  client = (client_is_ours and wrap_ours or wrap_theirs)(client, secure.client { verify = "peer" })
  server = (server_is_ours and wrap_ours or wrap_theirs)(server, secure.server())
  cosock.spawn(function()
    assert(server:dohandshake())
    assert(server:send(assert(server:receive()):upper() .. "\n"))
    server:close()
  end, "server")
  assert(client:dohandshake())
  -- Between the calls of connections that wait, too.
  leave_errors()
  assert(client:send "from here and back\n")
  leave_errors()
  expect.equal(client:receive(), "FROM HERE AND BACK")
  client:close()
end

-- Objects of one are none of the other's.
local function mix()
  local file = assert(io.open(secure.file "ca.pem"))
  local pem = file:read "*a"
  file:close()
  local our_certificate, their_certificate = ours.loadcertificate(pem), theirs.loadcertificate(pem)
  expect.equal(our_certificate:digest(), their_certificate:digest())
  expect.raises("SSL:Certificate expected", our_certificate.issued, our_certificate, their_certificate)
  expect.raises("SSL:Certificate expected", their_certificate.issued, their_certificate, our_certificate)
  local our_context, their_context = ours.newcontext(secure.client()), theirs.newcontext(secure.client())
  local client, server = network.pair()
  expect.equal(pcall(ours.wrap, client, their_context), false)
  client:close()
  server:close()
  expect.equal(pcall(theirs.wrap, luasocket.tcp(), our_context), false)
end

expect.tasks(function()
  for _ = 1, rounds do
    for _, client_is_ours in ipairs { true, false } do
      for _, server_is_ours in ipairs { true, false } do
        leave_errors()
        talk(client_is_ours, server_is_ours)
      end
    end
    mix()
    collectgarbage()
  end
end)

print "ok"
