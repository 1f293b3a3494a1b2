-- One task serves ten clients, but never more than five at a time: it selects over the clients it
-- has, and over the listening socket only while there is room. The others wait in the system's
-- queue, connected but not yet accepted.
--
--   lua five_at_a_time.lua [rounds|forever]
local cosock = require "cosock"
local socket = require "cosock.socket"

local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 3
local visitors = 10
local seats = 5

local port_sender, port_receiver = cosock.channel.new()

-- Answers one line of a guest; false when the guest has left.
local function answer(guest)
  local request = guest:receive()
  if not request then
    guest:close()
    return false
  end
  guest:send("pong for " .. request:match("%d+") .. "\n")
  return true
end

local function serve()
  local listener = assert(socket.bind("127.0.0.1", 0))
  port_sender:send((select(2, listener:getsockname())))
  listener:settimeout(0)

  local guests, count, served = {}, 0, 0
  while served < visitors do
    local readable = {}
    for guest in pairs(guests) do
      readable[#readable + 1] = guest
    end
    if count < seats then
      readable[#readable + 1] = listener
    end

    local ready, _, problem = socket.select(readable, nil, 5)
    if not ready then
      error("nobody spoke for five seconds: " .. problem)
    end
    for _, source in ipairs(ready) do
      if source == listener then
        guests[assert(listener:accept())] = true
        count = count + 1
        print("server has " .. count .. " after one came")
      elseif not answer(source) then
        guests[source] = nil
        count, served = count - 1, served + 1
        print("server has " .. count .. " after one left")
      end
    end
  end
  listener:close()
end

local function visit(id, port)
  local client = assert(socket.connect("127.0.0.1", port))
  for round = 1, rounds do
    client:send("ping from " .. id .. "\n")
    local reply = assert(client:receive())
    if round == 1 then
      print("client " .. id .. " is in")
    end
    assert(reply == "pong for " .. id)
    socket.sleep(0.02 + 0.01 * id)
  end
  print("client " .. id .. " leaves")
  client:close()
end

cosock.spawn(serve, "server")

cosock.spawn(function()
  local port = assert(port_receiver:receive())
  for id = 1, visitors do
    cosock.spawn(function()
      visit(id, port)
    end, "client " .. id)
  end
end, "starter")

cosock.run()
