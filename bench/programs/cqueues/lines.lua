-- A server that counts the lines up to an empty one and says how many they were.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(client)
  client:setmode("bl", "bf")
  local count, bytes = 0, 0
  while true do
    local line = client:read("*l")
    if not line then
      break
    end
    if line == "" then
      client:write(count, " ", bytes, "\n")
      client:flush()
      count, bytes = 0, 0
    else
      count, bytes = count + 1, bytes + #line
    end
  end
  client:close()
end

loop:wrap(function()
  while true do
    -- What the listener has is not handed on.
    local client = assert(listener:accept { nodelay = true })
    loop:wrap(function()
      serve(client)
    end)
  end
end)

print("ready", (select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
