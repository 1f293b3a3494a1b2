-- A server that counts records of SIZE bytes up to one that is all dots, and says how many they were,
-- under TLS.
-- tls-receive.lua SIZE CERTIFICATE KEY

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local size = assert(tonumber(arg[1]))
local last = ("."):rep(size)
local context = require "context"(arg[2], arg[3])

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(client)
  assert(client:starttls(context))
  client:setmode("bf", "bf")
  local count = 0
  while true do
    local record = client:read(size)
    if not record then
      break
    end
    if record == last then
      client:write(count, "\n")
      client:flush()
      count = 0
    else
      count = count + 1
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
