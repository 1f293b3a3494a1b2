-- Tasks run in the order in which they became ready: spawned, woken by messages, by wakers, by deadlines.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function in_order(count)
  local list = {}
  for number = 1, count do
    list[number] = number
  end
  return table.concat(list, " ")
end

-- Spawned; also after their places were used by tasks that ended in another order.
for _ = 1, 3 do
  local order = {}
  for number = 1, 50 do
    cosock.spawn(function()
      order[#order + 1] = number
      for _ = 1, number * 7 % 5 do
        socket.sleep(0)
      end
    end)
  end
  cosock.run()
  expect.equal(table.concat(order, " "), in_order(50))
end

-- sleep(0) in a loop: strictly in turns.
do
  local order = {}
  for number = 1, 3 do
    cosock.spawn(function()
      for _ = 1, 3 do
        order[#order + 1] = number
        socket.sleep(0)
      end
    end)
  end
  cosock.run()
  expect.equal(table.concat(order, " "), "1 2 3 1 2 3 1 2 3")
end

-- Woken by messages, in the order of the sends; and never inside the sender.
do
  local order, senders = {}, {}
  for number = 1, 20 do
    local tx, rx = channel.new()
    senders[number] = tx
    cosock.spawn(function()
      local message = rx:receive()
      order[#order + 1] = message
    end)
  end
  cosock.spawn(function()
    for number = 20, 1, -1 do
      senders[number]:send(21 - number)
      expect.equal(#order, 0)
    end
  end)
  cosock.run()
  expect.equal(table.concat(order, " "), in_order(20))
end

-- Woken by wakers of objects of the user's own.
do
  local order, wakers = {}, {}
  for number = 1, 5 do
    cosock.spawn(function()
      socket.select { {
        setwaker = function(_, _, waker)
          wakers[number] = waker or wakers[number]
        end,
      } }
      order[#order + 1] = number
    end)
  end
  cosock.spawn(function()
    for _, number in ipairs { 3, 1, 5, 2, 4 } do
      wakers[number]()
    end
  end)
  cosock.run()
  expect.equal(table.concat(order, " "), "3 1 5 2 4")
end

-- By deadlines: the earliest first, equal ones in the order in which they were set.
do
  local order = {}
  for index, seconds in ipairs { 0.25, 0.1, 0.2, 0.15, 0.05 } do
    cosock.spawn(function()
      socket.sleep(seconds)
      order[#order + 1] = index
    end)
  end
  cosock.run()
  expect.equal(table.concat(order, " "), "5 2 4 3 1")
end

-- The same when all deadlines have passed before anybody looks.
do
  local order = {}
  for index, seconds in ipairs { 0.25, 0.1, 0.2, 0.15, 0.05 } do
    cosock.spawn(function()
      socket.sleep(seconds)
      order[#order + 1] = index
    end)
  end
  cosock.spawn(function()
    local start = socket.gettime()
    repeat
    until socket.gettime() - start > 0.26
  end)
  cosock.run()
  expect.equal(table.concat(order, " "), "5 2 4 3 1")
end

-- A task woken in a turn runs in the next one, behind those that were ready before it.
do
  local order = {}
  local tx, rx = channel.new()
  cosock.spawn(function()
    rx:receive()
    order[#order + 1] = "woken"
  end)
  cosock.spawn(function()
    tx:send()
    order[#order + 1] = "waker"
    cosock.spawn(function()
      order[#order + 1] = "spawned after the wake"
    end)
  end)
  cosock.spawn(function()
    order[#order + 1] = "ready before"
  end)
  cosock.run()
  expect.equal(table.concat(order, ", "), "waker, ready before, woken, spawned after the wake")
end

-- Two sends before the receiver runs are one wake-up.
do
  local tx, rx = channel.new()
  local turns, got = 0, {}
  local receiver = cosock.spawn(function()
    for _ = 1, 3 do
      local message = rx:receive()
      got[#got + 1] = message
    end
  end)
  cosock.spawn(function()
    tx:send "a"
    tx:send "b"
    tx:send "c"
    while receiver:is_alive() do
      turns = turns + 1
      socket.sleep(0)
    end
  end)
  cosock.run()
  expect.equal(table.concat(got), "abc")
  expect.equal(turns, 1)
end

world.finish()
