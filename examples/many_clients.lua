-- One server, ten clients: the server gives each connection a task of its own.
--
--   lua many_clients.lua [rounds|forever]
local cosock = require "cosock"
local socket = require "cosock.socket"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local clients = 10

local port_sender, port_receiver = cosock.channel.new()

local function answer(connection)
  local request = connection:receive()
  while request do
    print("server got " .. request)
    connection:send("pong for " .. request:match("%d+") .. "\n")
    request = connection:receive()
  end
  connection:close()
end

local function serve()
  local listener = assert(socket.bind("127.0.0.1", 0))
  port_sender:send((select(2, listener:getsockname())))
  for number = 1, clients do
    local connection = assert(listener:accept())
    cosock.spawn(function()
      answer(connection)
    end, "connection " .. number)
  end
  listener:close()
end

local function visit(id, port)
  local client = assert(socket.connect("127.0.0.1", port))
  for _ = 1, rounds do
    client:send("ping from " .. id .. "\n")
    print("client " .. id .. " got " .. assert(client:receive()))
    socket.sleep(0.1)
  end
  print("client " .. id .. " leaves")
  client:close()
end

cosock.spawn(serve, "server")

cosock.spawn(function()
  local port = assert(port_receiver:receive())
  for id = 1, clients do
    cosock.spawn(function()
      visit(id, port)
    end, "client " .. id)
  end
end, "starter")

cosock.run()
