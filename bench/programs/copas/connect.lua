-- Clients that connect to PORT, send a line, wait for it to come back, and close: ten at a time, for
-- SECONDS of processor time. connect.lua SECONDS PORT

local copas = require "copas"
local socket = require "socket"

local budget, port = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local clients = 10
local done = 0
local start = os.clock()

for client = 1, clients do
  copas.addthread(function()
    local greeting = ("client %d"):format(client)
    while os.clock() - start < budget do
      local connection = copas.wrap(assert(socket.tcp()))
      assert(connection:connect("127.0.0.1", port))
      assert(connection:send(greeting .. "\n"))
      assert(connection:receive() == greeting)
      connection:close()
      done = done + 1
    end
  end)
end
copas.loop()
print("done", done, os.clock() - start)
