-- A server that answers a line with a number by so many blocks of 1 MiB, each by one write, under TLS.
-- tls-send.lua CERTIFICATE KEY

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local block = ("0123456789abcdef"):rep(65536)
local context = require "context"(arg[1], arg[2])

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function serve(client)
  assert(client:starttls(context))
  client:setmode("bl", "bn")
  while true do
    local line = client:read("*l")
    if not line then
      break
    end
    for _ = 1, tonumber(line) do
      assert(client:write(block))
    end
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
