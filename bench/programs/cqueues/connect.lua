-- Clients that connect to PORT, send a line, wait for it to come back, and close: ten at a time, for
-- SECONDS of processor time. connect.lua SECONDS PORT

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local budget, port = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local clients = 10
local loop = cqueues.new()
local done = 0
local start = os.clock()

for client = 1, clients do
  loop:wrap(function()
    local greeting = ("client %d"):format(client)
    while os.clock() - start < budget do
      local connection = assert(socket.connect("127.0.0.1", port))
      connection:setmode("bl", "bf")
      assert(connection:write(greeting, "\n"))
      assert(connection:flush())
      assert(connection:read("*l") == greeting)
      connection:close()
      done = done + 1
    end
  end)
end
assert(loop:loop())
print("done", done, os.clock() - start)
