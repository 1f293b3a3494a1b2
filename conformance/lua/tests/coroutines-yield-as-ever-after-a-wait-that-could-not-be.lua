-- Where the language cannot yield, a wait raises; the next yield of that coroutine is the program's own,
-- and goes to whoever resumed it.
local world = require "world"
local cosock = require "cosock"
local socket = cosock.socket
cosock.install_coroutine()

local _, rx = cosock.channel.new()
local waits = {
  function()
    socket.sleep(0)
  end,
  function()
    socket.select({}, {}, 0)
  end,
  function()
    rx:receive()
  end,
}
local ended = 0
for _, wait in ipairs(waits) do
  cosock.spawn(function()
    local values = coroutine.wrap(function()
      local ok = pcall(table.sort, { 2, 1, 3 }, function(a, b)
        wait()
        return a < b
      end)
      coroutine.yield(nil, nil, 0)
      return ok
    end)
    assert(select("#", values()) == 3)
    assert(values() == false)
    ended = ended + 1
  end)
end
cosock.run()
assert(ended == #waits)
world.finish()
