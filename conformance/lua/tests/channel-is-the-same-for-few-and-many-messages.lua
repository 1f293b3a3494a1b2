-- A channel keeps its promises whether it holds one message or hundreds, in loops that run often, and with the
-- compiler of LuaJIT on or off. (There, Lua does itself what wakes nobody, while several messages are queued.)
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- The same numbers in every Lua.
local seed
local function random(below)
  seed = (seed * 16807) % 2147483647
  return seed % below + 1
end

local kinds = { 1, "text", false, true, 2.5, {}, print, "nothing" }

-- Random calls beside a list that says what must come.
local function calls_beside_a_list(rounds)
  local tx, rx = channel.new()
  local around_tx, around_rx = setmetatable({}, { __index = tx }), setmetatable({}, {
    __index = function(_, key)
      return rx[key]
    end,
  })
  local queued, first, last = {}, 1, 0
  local wakes, watched = 0, false

  local function send(half)
    last = last + 1
    queued[last] = kinds[random(#kinds)]
    if queued[last] == "nothing" then
      queued[last] = nil
    end
    local before = wakes
    expect.list(expect.pack(half:send(queued[last])), { true, n = 1 })
    expect.equal(wakes - before, watched and 1 or 0)
  end

  local function receive(half)
    if first > last then
      return
    end
    local results = expect.pack(half:receive())
    expect.equal(results.n, 1)
    expect.equal(results[1], queued[first])
    queued[first] = nil
    first = first + 1
  end

  for round = 1, rounds do
    local what = random(20)
    if what <= 8 then
      for _ = 1, random(12) do
        send(tx)
      end
    elseif what <= 16 then
      for _ = 1, random(12) do
        receive(rx)
      end
    elseif what == 17 then
      send(around_tx)
    elseif what == 18 then
      receive(around_rx)
    elseif what == 19 then
      local is_there = first <= last
      wakes, watched = 0, not watched
      rx:setwaker("recvr", watched and function()
        wakes = wakes + 1
      end or nil)
      expect.equal(wakes, watched and is_there and 1 or 0)
    else
      -- More than a queue keeps when it is empty.
      for _ = 1, random(600) do
        send(tx)
      end
      for _ = 1, random(600) do
        receive(rx)
      end
    end
    local queue = tx.link.queue
    expect.equal(#queue, last - first + 1, round)
    if first <= last then
      local place = random(last - first + 1)
      expect.equal(queue[place].msg, queued[first + place - 1])
    end
    expect.equal(queue[last - first + 2], nil)
  end
  rx:setwaker("recvr", nil)
  watched = false
  for _ = 1, 5 do
    send(tx)
  end
  local half = random(2) == 1 and tx or rx
  half:close()
  expect.list(expect.pack(tx:send "late"), { false, "closed", n = 2 })
  while first <= last do
    receive(rx)
    expect.list(expect.pack(tx:send "late"), { false, "closed", n = 2 })
  end
  expect.list(expect.pack(rx:receive()), { nil, "closed", n = 2 })
end

-- A reader that waits now and then, beside one that takes what is there before the reader runs. Each message comes
-- once and in order; a wake that is missed is a deadlock.
local function readers_that_wait(rounds)
  local tx, rx = channel.new()
  local sent, received, taken = 0, 0, {}
  local function note(number)
    received = received + 1
    expect.equal(taken[number], nil)
    taken[number] = true
  end
  cosock.spawn(function()
    while true do
      local message, problem = rx:receive()
      if not message then
        expect.equal(problem, "closed")
        break
      end
      note(message)
    end
  end, "reads")
  cosock.spawn(function()
    for _ = 1, rounds do
      for _ = 1, random(15) do
        sent = sent + 1
        tx:send(sent)
      end
      for _ = 1, random(3) == 1 and random(#rx.link.queue) or 0 do
        note((rx:receive()))
      end
      if random(4) > 1 then
        socket.sleep(0)
      end
    end
    tx:close()
  end, "sends")
  cosock.run()
  expect.equal(received, sent)
end

-- A select, and a wait with a timeout, while messages come and go.
local function other_waits(rounds)
  local tx, rx = channel.new()
  local sent, received = 0, 0
  cosock.spawn(function()
    while received < rounds do
      expect.list(socket.select({ rx }, nil, 1000), { rx })
      rx:settimeout(0)
      local message, problem = rx:receive()
      while message do
        received = received + 1
        expect.equal(message, received)
        message, problem = rx:receive()
      end
      expect.equal(problem, "timeout")
      rx:settimeout(nil)
    end
  end, "selects")
  cosock.spawn(function()
    while sent < rounds do
      for _ = 1, math.min(random(15), rounds - sent) do
        sent = sent + 1
        tx:send(sent)
      end
      if random(2) == 1 then
        socket.sleep(0)
      end
    end
  end, "sends")
  cosock.run()
  expect.equal(received, rounds)
  expect.equal(rx.link.waker, nil)
end

-- Whose link it is tells which channel, where the metatable is none of ours.
local function metatables_of_others()
  local tx, rx = channel.new()
  local other_tx, other_rx = channel.new()
  for number = 1, 20 do
    tx:send(number)
    other_tx:send(-number)
  end
  local function like(half, link)
    local metatable = {}
    for key, value in pairs(getmetatable(half)) do
      metatable[key] = value
    end
    return setmetatable({ link = link }, metatable)
  end
  expect.equal(like(rx, other_rx.link):receive(), -1)
  expect.equal(rx:receive(), 1)
  like(tx, other_rx.link):send "other"
  expect.equal(#rx.link.queue, 19)
  expect.equal(#other_rx.link.queue, 20)
  -- A metatable that allows no looking for what it has not.
  local strict = setmetatable({ __index = rx }, {
    __index = function(_, key)
      error("no field " .. tostring(key))
    end,
  })
  expect.equal(setmetatable({}, strict):receive(), 2)
  expect.equal(setmetatable({ link = rx.link, send = tx.send }, { __metatable = false }):send(), true)
  -- Either method takes either half.
  expect.equal(tx.send(rx, "by the receiver"), true)
  expect.equal(rx.receive(tx), 3)
end

-- Finalizers that send and receive while a queue grows and is given back, and so in the middle of other calls:
-- each message comes once.
local function finalizers()
  local tx, rx = channel.new()
  local sent, received, finalized = 0, 0, 0
  local taken = {}
  local function send()
    sent = sent + 1
    tx:send(sent)
  end
  local function take()
    local number = rx:receive()
    expect.equal(taken[number], nil)
    taken[number] = true
    received = received + 1
  end
  local function finalize()
    finalized = finalized + 1
    for _ = 1, finalized % 7 do
      send()
    end
    if #rx.link.queue > 3 then
      take()
    end
  end
  local function leave_garbage()
    if newproxy then
      getmetatable(newproxy(true)).__gc = finalize
    else
      setmetatable({}, { __gc = finalize })
    end
  end
  for round = 1, 40 do
    for _ = 1, 30 * (round % 11) do
      leave_garbage()
      send()
    end
    while #rx.link.queue > 0 do
      take()
    end
  end
  collectgarbage()
  collectgarbage()
  while #rx.link.queue > 0 do
    take()
  end
  expect.equal(finalized > 1000, true)
  expect.equal(received, sent)
end

-- Errors are the caller's, in loops too.
local function errors()
  local here = debug.getinfo(1, "S").short_src
  local tx = channel.new()
  for _ = 1, 200 do
    tx:send(1)
    local raised = expect.raises("bad argument #1 to 'send' (channel expected, got number)", function()
      tx.send(5, 1)
    end)
    expect.equal(raised:match("^(.-):%d+:"), here)
    raised = expect.raises("bad argument #1 to 'receive' (channel expected, got table)", function()
      tx.link.receive = channel.receiver.receive
      tx.link:receive()
    end)
    expect.equal(raised:match("^(.-):%d+:"), here)
  end
  expect.raises("bad argument #1 to 'send' (channel expected, got nil)", tx.send)
  expect.raises("bad argument #1 to 'send' (channel expected, got nil)", tx.send, nil, 1)
  expect.raises("bad argument #1 to 'receive' (channel expected, got no value)", channel.receiver.receive)
end

-- A hook that raises in the middle of anything: what was sent comes in order, and an interrupted call lost at most
-- its own message.
local function interruptions()
  local tx, rx = channel.new()
  local sent, seen = 0, 0
  local finished = false
  local place = 0
  while not finished do
    place = place + 1
    local before = #rx.link.queue
    finished = pcall(function()
      debug.sethook(function()
        debug.sethook()
        error("interrupted", 0)
      end, "", place)
      for _ = 1, 4 do
        sent = sent + 1
        tx:send(sent)
      end
      for _ = 1, 4 do
        local message = rx:receive()
        expect.equal(type(message), "number")
        expect.equal(message > seen, true)
        seen = message
      end
      debug.sethook()
    end)
    expect.equal(#rx.link.queue - before <= 4 and #rx.link.queue >= before, true)
  end
  -- What is compiled calls no hook.
  expect.equal(place > 20 or (rawget(_G, "jit") and jit.status()), true)
  local count = #rx.link.queue
  for _ = 1, count do
    local message = rx:receive()
    expect.equal(type(message), "number")
    expect.equal(message > seen, true)
    seen = message
  end
  expect.equal(#rx.link.queue, 0)
end

-- A hook that sends in the middle of other calls.
local function hooks_that_send()
  local tx, rx = channel.new()
  local hooked, taken, count = 0, {}, 0
  local function take()
    local message = rx:receive()
    expect.equal(taken[message], nil)
    taken[message] = true
    count = count + 1
  end
  debug.sethook(function()
    hooked = hooked + 1
    tx:send(-hooked)
  end, "", 7)
  for number = 1, 2000 do
    tx:send(number)
    if number % 3 == 0 then
      take()
    end
  end
  debug.sethook()
  for _ = 1, #rx.link.queue do
    take()
  end
  expect.equal(count, 2000 + hooked)
end

local function all()
  seed = 1
  calls_beside_a_list(400)
  readers_that_wait(1000)
  other_waits(2000)
  metatables_of_others()
  finalizers()
  errors()
  interruptions()
  hooks_that_send()
end

all()
if rawget(_G, "jit") then
  jit.off()
  jit.flush()
  all()
  jit.on()
  all()
end

world.finish()
