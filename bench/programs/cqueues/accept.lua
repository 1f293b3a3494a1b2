-- A server of one line for each connection.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(client)
  client:setmode("bl", "bf")
  local line = client:read("*l")
  if line then
    client:write(line, "\n")
    client:flush()
  end
  client:close()
end

loop:wrap(function()
  while true do
    local client = assert(listener:accept())
    loop:wrap(function()
      serve(client)
    end)
  end
end)

print("ready", (select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
