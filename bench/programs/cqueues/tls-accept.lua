-- A server of one line for each connection, under TLS.
-- tls-accept.lua CERTIFICATE KEY

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local context = require "context"(arg[1], arg[2])

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(client)
  assert(client:starttls(context))
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
