-- A module for asyncify/: it takes its sockets from LuaSocket, as far as it knows.
local socket = require "socket"
local helper = require "asyncified.helper"

local client = { socket = socket, ssl = require "ssl", helper = helper }

-- What comes back for each line that is sent to a server on this machine.
function client.ask(port, lines)
  local conn = assert(socket.connect("127.0.0.1", port))
  local answers = {}
  for index, line in ipairs(lines) do
    assert(conn:send(line .. "\n"))
    answers[index] = assert(conn:receive())
  end
  conn:close()
  return answers
end

return client
