-- A small web server: answers each request of a connection by its path.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())

local function answer(path)
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " .. #path .. "\r\n\r\n" .. path
end

local function serve(client)
  -- As text, lines may end in CR LF.
  client:setmode("tl", "bf")
  while true do
    local request = client:read("*l")
    if not request then
      break
    end
    local header
    repeat
      header = client:read("*l")
    until not header or header == ""
    client:write(answer(request:match("^GET (%S+) HTTP/1%.1$")))
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
