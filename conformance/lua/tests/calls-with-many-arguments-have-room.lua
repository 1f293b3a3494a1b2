-- Calls that hand their arguments on have room for them, or say that they have not.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket
local unpack = table.unpack or unpack

local many = {}
for place = 1, 3000 do
  many[place] = place
end

local counted
local function count(...)
  counted = select("#", ...)
end

for _, amount in ipairs { 0, 1, 50, 500, 3000 } do
  -- In a coroutine of its own, whose stack is still small.
  local ok, err = coroutine.resume(coroutine.create(function()
    local sock = socket.tcp()
    sock:setwaker("recvr", count)
    expect.equal(sock:_wake("recvr", unpack(many, 1, amount)), true)
    expect.equal(counted, amount)
    local foreign = setmetatable({ inner_sock = { close = count } }, { __index = socket.tcp })
    foreign:close(unpack(many, 1, amount))
    expect.equal(counted, amount + 1)
  end))
  assert(ok, err)
end
world.finish()
