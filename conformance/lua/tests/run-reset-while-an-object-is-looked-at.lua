-- A `reset` by what an object inherits from, as a method looks how it is to wait, ends the task like any other;
-- tasks that are spawned afterwards are not mistaken for it.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

-- An object that resets once, when `name` is asked for.
local function resets(object, name)
  local asked
  local methods = getmetatable(object).__index
  return setmetatable({ link = rawget(object, "link"), inner_sock = rawget(object, "inner_sock") }, {
    __index = function(_, key)
      if key == name and not asked then
        asked = true
        cosock.reset()
      end
      return methods[key]
    end,
  })
end

local function case(act)
  local went_on, ran
  cosock.spawn(function()
    act()
    went_on = true
  end, "first")
  cosock.run()
  expect.equal(went_on, nil, "nothing resumes a task that was forgotten")
  local handle = cosock.spawn(function()
    socket.sleep(0)
    ran = true
  end, "second")
  cosock.run()
  expect.equal(ran, true)
  expect.equal(handle:is_alive(), false)
  expect.nothing_waits()
end

for _, name in ipairs { "setwaker", "_wake", "timeout" } do
  local near, far
  expect.tasks(function()
    near, far = network.pair()
  end)
  case(function()
    local object = resets(near, name)
    near.receive(object)
  end)
  near:close()
  far:close()
  local udp = network.datagram()
  case(function()
    udp.receive(resets(udp, name))
  end)
  udp:close()
end

for _, name in ipairs { "setwaker", "timeout" } do
  local _, rx = cosock.channel.new()
  case(function()
    rx.receive(resets(rx, name))
  end)
end

-- A look-up that was begun for it is given up.
cosock.spawn(function()
  local tcp = socket.tcp()
  expect.list(expect.pack(tcp.connect(resets(tcp, "timeout"), "localhost", 1)), { n = 2, nil, "closed" })
  tcp:close()
end)
cosock.run()
expect.nothing_waits()

world.finish()
