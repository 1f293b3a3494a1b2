-- A reader that was woken and has not run yet still counts: another that would wait is refused, and
-- the first gets what comes later. (A second reader once took its place and was never woken.)
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

local tx, rx = cosock.channel.new()
local got, refused = {}, nil

cosock.spawn(function()
  for place = 1, 2 do
    got[place] = rx:receive()
  end
end, "first")

cosock.spawn(function()
  cosock.socket.sleep(0)
  tx:send "taken"
  -- The first is ready by now, but this task runs.
  expect.equal(rx:receive(), "taken")
  local parked = cosock.spawn(function() rx:receive() end, "second", {
    onerror = function(err) refused = err end,
  })
  cosock.socket.sleep(0)
  cosock.socket.sleep(0)
  expect.equal(parked:is_alive(), false)
  tx:send "one"
  tx:send "two"
end, "sender")

cosock.run()
expect.list(got, { "one", "two" })
expect.equal(type(refused), "string")
assert(refused:find("waker already set", 1, true), refused)
world.finish()
