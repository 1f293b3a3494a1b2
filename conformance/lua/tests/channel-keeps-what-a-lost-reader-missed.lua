-- A message that comes before or after somebody else has resumed or closed the coroutine that was parked in
-- `receive` stays in the queue for the next receiver. Many receivers at once each get their own.
local world = require "world"
local cosock = require "cosock"
local sleep = cosock.socket.sleep

-- A receiver of `count` messages that is parked, and what it got.
local function parked(rx, count)
  local reader = { got = {} }
  cosock.spawn(function()
    reader.coroutine = coroutine.running()
    for place = 1, count do
      reader.got[place] = rx:receive()
    end
  end, "reader")
  sleep(0.005)
  return reader
end

local function in_queue(rx)
  local queue, list = rx.link.queue, {}
  for place = 1, #queue do
    list[place] = tostring(queue[place].msg)
  end
  return table.concat(list, " ")
end

local function resume(reader)
  assert(coroutine.resume(reader.coroutine, "from outside"))
  assert(reader.got[1] == "from outside")
end

local function case(leave, woken)
  local tx, rx = cosock.channel.new()
  local reader = parked(rx, 1)
  if woken then
    assert(tx:send(1))
    leave(reader)
    assert(tx:send(2))
  else
    leave(reader)
    assert(tx:send(1) and tx:send(2))
  end
  assert(in_queue(rx) == "1 2", in_queue(rx))
  -- The runtime finds out that its task is elsewhere.
  sleep(0.005)
  assert(in_queue(rx) == "1 2", in_queue(rx))
  assert(rx:receive() == 1)
  assert(in_queue(rx) == "2", in_queue(rx))
  assert(rx:receive() == 2)
  assert(#rx.link.queue == 0)
end

cosock.spawn(function()
  local leaves = { resume }
  if coroutine.close then
    leaves[2] = function(reader) coroutine.close(reader.coroutine) end
  end
  for _, leave in ipairs(leaves) do
    case(leave, false)
    case(leave, true)
  end

  -- Many receivers are given theirs before the first of them runs; some of those are taken again.
  local channels = {}
  for number = 1, 30 do
    local tx, rx = cosock.channel.new()
    channels[number] = { tx = tx, rx = rx, reader = parked(rx, 1) }
  end
  for number, channel in ipairs(channels) do
    assert(channel.tx:send(number))
  end
  for number = 3, 30, 3 do
    assert(in_queue(channels[number].rx) == tostring(number))
    assert(channels[number].rx:receive() == number)
    assert(channels[number].tx:send(-number))
  end
  sleep(0.005)
  for number, channel in ipairs(channels) do
    local expected = number % 3 == 0 and -number or number
    assert(channel.reader.got[1] == expected, number)
    assert(#channel.rx.link.queue == 0)
  end
end, "test")
cosock.run()

-- Nothing keeps a message that was taken.
local kept = setmetatable({}, { __mode = "v" })
cosock.spawn(function()
  local tx, rx = cosock.channel.new()
  cosock.spawn(function()
    for _ = 1, 2 do
      kept[#kept + 1] = rx:receive()
    end
  end, "takes")
  sleep(0.005)
  tx:send({})
  tx:send({})
end, "gives")
cosock.run()
collectgarbage()
collectgarbage()
assert(next(kept) == nil)

-- A message that code sends which runs while the object is looked at is not missed; nor is an end.
cosock.spawn(function()
  for _, act in ipairs { "send", "close" } do
    local tx, rx = cosock.channel.new()
    local wrapper = setmetatable({}, {
      __index = function(_, key)
        if key == "setwaker" then
          tx[act](tx, "in time")
        end
        return rx[key]
      end,
    })
    local message, err = wrapper:receive()
    if act == "send" then
      assert(message == "in time", err)
    else
      assert(message == nil and err == "closed", err)
    end
  end
end, "looks")
cosock.run()

-- The timeout of a wait is that at its beginning, beside busy tasks too; equal ones end in order; a bad one is an
-- error of its task.
cosock.spawn(function()
  local tx, rx = cosock.channel.new()
  rx:settimeout(0.01)
  local busy = true
  cosock.spawn(function()
    while busy do
      sleep(0)
    end
  end, "busy")
  local started = cosock.socket.gettime()
  local message, err = rx:receive()
  assert(message == nil and err == "timeout", err)
  assert(cosock.socket.gettime() - started >= 0.009)
  busy = false

  local order = {}
  for number = 1, 5 do
    cosock.spawn(function()
      local _, waits = cosock.channel.new()
      waits:settimeout(0.01)
      cosock.spawn(function()
        waits:settimeout(nil)
      end, "changes it")
      waits:receive()
      order[#order + 1] = number
    end, "in order")
  end
  sleep(0.05)
  assert(table.concat(order, " ") == "1 2 3 4 5", table.concat(order, " "))

  local bad = {}
  rx.timeout = bad
  local told
  cosock.spawn(function()
    rx:receive()
  end, "bad", {
    onerror = function(raised) told = raised end,
  })
  sleep(0.005)
  assert(told:find("bad timeout (number expected, got table)", 1, true), told)
  tx:close()
end, "timeouts")
cosock.run()

world.finish()
