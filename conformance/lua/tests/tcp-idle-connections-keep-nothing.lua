-- A connection that has had all it received keeps nothing of that, however it was cut.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket
expect.usual_collector()

local function in_use()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

local connections, lines = 20, 300
local text = ("."):rep(99) .. "\n"
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local ways = {
  function(client)
    for _ = 1, lines do
      expect.equal(client:receive(), ("."):rep(99))
    end
  end,
  function(client)
    for _ = 1, lines do
      expect.equal(client:receive(#text), text)
    end
  end,
}
for number, receive in ipairs(ways) do
  cosock.spawn(function()
    local pairs_of = {}
    for place = 1, connections do
      local client = assert(socket.connect("127.0.0.1", port))
      pairs_of[place] = { client, assert(listener:accept()) }
    end
    local function exchange(pair)
      expect.equal(pair[1]:send(text:rep(lines)), #text * lines)
      receive(pair[2])
    end
    -- What the first one makes serves all.
    exchange(pairs_of[1])
    local before = in_use()
    for _, pair in ipairs(pairs_of) do
      exchange(pair)
    end
    local grown = (in_use() - before) / connections
    expect.equal(grown < 5, true, "way " .. number .. " keeps " .. grown .. " KiB for each")
    for _, pair in ipairs(pairs_of) do
      pair[1]:close()
      pair[2]:close()
    end
  end, "receives " .. number)
  cosock.run()
end
listener:close()

world.finish()
