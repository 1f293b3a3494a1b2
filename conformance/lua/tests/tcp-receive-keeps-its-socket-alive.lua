-- A receive that waits keeps its socket alive, also where nobody else has it: through collections, whether it gets a
-- line alone, one in parts, or one of several.
local world = require "world"
local cosock = require "cosock"
local socket = require "cosock.socket"

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local lines = {}

local function collect()
  for _ = 1, 3 do
    collectgarbage()
  end
end

-- A connection whose other end knows that this one is about to wait.
local function accept()
  local receiver = assert(listener:accept())
  assert(receiver:send("?"))
  return receiver
end

cosock.spawn(function()
  -- Nobody has the socket but the wait.
  lines[1] = assert(accept():receive())
  lines[2] = assert(accept():receive("*l"))
  lines[3] = assert(accept():receive("*l", "prefixed "))
  local several = accept()
  for _ = 1, 3 do
    lines[#lines + 1] = assert(several:receive())
  end
  several:close()
end, "receives")

cosock.spawn(function()
  local function send(...)
    local sender = assert(socket.connect("127.0.0.1", port))
    assert(sender:receive(1) == "?")
    for _, part in ipairs { ... } do
      collect()
      assert(sender:send(part))
      socket.sleep(0)
    end
    sender:close()
  end
  send("alone\n")
  send("in ", "parts\r\n")
  send("line\n")
  send("one\ntwo\nthr", "ee\n")
end, "sends")

cosock.run()
local expected = { "alone", "in parts", "prefixed line", "one", "two", "three" }
for place, line in ipairs(expected) do
  assert(lines[place] == line, tostring(lines[place]))
end
assert(#lines == #expected)
listener:close()
world.finish()
