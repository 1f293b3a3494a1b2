-- A peer that sends more than fits in memory ends the receive that has asked for it, with a reason; the
-- process lives, and so does every other task.
local child = require "child"
local expect = require "expect"
local world = require "world"

-- In KiB: room for all that is loaded, and for some tens of MiB of what is sent.
local memory = "-v 180000"

local code = [[
local cosock = require "cosock"
local module, pattern = %q, %q
cosock.spawn(function()
  local reader, writer = require(module).pair()
  cosock.spawn(function()
    local block = ("."):rep(2 ^ 20)
    repeat
    until not writer:send(block)
    writer:close()
  end, "endless")
  local sender, receiver = cosock.channel.new()
  cosock.spawn(function()
    assert(receiver:receive() == "more")
    print("another goes on")
  end, "another")
  local data, err, partial = reader:receive(tonumber(pattern) or pattern)
  print(data, err, type(partial))
  reader:close()
  sender:send("more")
end, "reader")
cosock.run()
]]

for _, module in ipairs { "network", "secure" } do
  for _, pattern in ipairs { "*a", "*l", "1000000000" } do
    local output, exit = child.run(code:format(module, pattern), "both", nil, nil, memory)
    expect.equal(output, "nil\tnot enough memory\tstring\nanother goes on\n", module .. " " .. pattern)
    expect.equal(exit, 0)
  end
end

world.finish()
