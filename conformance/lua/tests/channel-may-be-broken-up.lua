-- What a channel consists of is open to programs: one that takes it apart, even as a method looks at it, gets an
-- answer or an error, and reads no memory that is gone.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

-- Takes the queue from everything that leads to it, and has it collected.
local function break_up(channel)
  local sender, receiver = getmetatable(channel.tx), getmetatable(channel.rx)
  for _, half in ipairs { sender, receiver } do
    for place in pairs(half) do
      if type(place) == "number" then
        half[place] = nil
      end
    end
  end
  channel.rx.link.queue = nil
  channel.tx = nil
  collectgarbage()
  collectgarbage()
end

-- A channel that is broken up when its receiver, or its sender, is asked for `name`.
local function breaking(name, of)
  local channel = {}
  channel.tx, channel.rx = cosock.channel.new()
  local half = channel[of]
  local methods = getmetatable(half).__index
  -- What is asked for of the half itself has to be missing there.
  local link = half.link
  if name == "link" then
    half.link = nil
  end
  getmetatable(half).__index = function(_, key)
    if key == name and channel.tx then
      channel.rx.link = link
      break_up(channel)
    end
    return key == "link" and link or methods[key]
  end
  return half, methods
end

for _, name in ipairs { "setwaker", "timeout" } do
  cosock.spawn(function()
    local rx, methods = breaking(name, "rx")
    local message, err = methods.receive(rx)
    expect.equal(message, nil)
    expect.equal(err, "closed")
  end)
  cosock.run()
end

for _, act in ipairs {
  { "rx", "close" },
  { "tx", "close" },
  { "rx", "setwaker", "recvr", function() end },
  { "tx", "send", 1 },
} do
  cosock.spawn(function()
    local half, methods = breaking("link", act[1])
    local keeps = half
    pcall(methods[act[2]], half, act[3], act[4])
    assert(keeps)
  end)
  cosock.run()
end

-- What a half is told its queue is, when the table of a burst is given up, and when the messages become several.
for _, instead in ipairs { false, 5, {} } do
  for _, count in ipairs { 2, 1000 } do
    local tx, rx = cosock.channel.new()
    for number = 1, count do
      tx:send(number)
    end
    getmetatable(rx)[2] = instead
    for number = 1, count do
      expect.equal(rx:receive(), number)
    end
    getmetatable(tx)[2] = instead
    for number = 1, count do
      -- An error, where there has to be more room.
      pcall(tx.send, tx, number)
    end
    for number = 1, #rx.link.queue do
      expect.equal(rx:receive(), number)
    end
  end
end

expect.nothing_waits()
world.finish()
