-- A server that returns every line, with one task that selects over all of its sockets.

local cosock = require "cosock"
local socket = cosock.socket

local listener = assert(socket.bind("127.0.0.1", 0, 128))
local sockets = { listener }

local function forget(client)
  for place, other in ipairs(sockets) do
    if other == client then
      table.remove(sockets, place)
      break
    end
  end
  client:close()
end

cosock.spawn(function()
  while true do
    for _, ready in ipairs(assert(socket.select(sockets))) do
      if ready == listener then
        local client = assert(listener:accept())
        client:setoption("tcp-nodelay", true)
        table.insert(sockets, client)
      else
        local line = ready:receive()
        if line then
          ready:send(line .. "\n")
        else
          forget(ready)
        end
      end
    end
  end
end, "selects")

print("ready", (select(2, listener:getsockname())))
io.stdout:flush()
cosock.run()
