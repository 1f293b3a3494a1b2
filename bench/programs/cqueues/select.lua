-- A server that returns every line, with one task that polls all of its sockets.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local unpack = table.unpack or unpack
local loop = cqueues.new()
local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(listener:listen())
-- What a socket itself asks to be polled for is what it last waited for.
local function readable(object)
  return { pollfd = object:pollfd(), events = "r", object = object }
end

local polled = { readable(listener) }

local function forget(entry)
  for place, other in ipairs(polled) do
    if other == entry then
      table.remove(polled, place)
      break
    end
  end
  entry.object:close()
end

local function handle(ready)
  if ready.object == listener then
    local client = assert(listener:accept { nodelay = true })
    client:setmode("bl", "bf")
    table.insert(polled, readable(client))
  else
    local line = ready.object:read("*l")
    if line then
      ready.object:write(line, "\n")
      ready.object:flush()
    else
      forget(ready)
    end
  end
end

loop:wrap(function()
  while true do
    for _, ready in ipairs { cqueues.poll(unpack(polled)) } do
      handle(ready)
    end
  end
end)

print("ready", (select(3, listener:localname())))
io.stdout:flush()
assert(loop:loop())
