-- Finalizers run at any allocation, also at those inside cosock: they may spawn, cancel, send, close, reset, set
-- timers, wake and run, and may raise. Tasks that nobody meddled with do their work.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel, timers = cosock.socket, cosock.channel, require "cosock.timers"

-- Calls `action` when the collector comes by.
local function at_collection(action)
  if newproxy then
    getmetatable(newproxy(true)).__gc = action
  else
    setmetatable({}, { __gc = action })
  end
end

-- Calls `fn` under an eager collector; the usual one is back afterwards.
local function with_eager_collector(fn)
  expect.eager_collector()
  local results = expect.pack(pcall(fn))
  expect.usual_collector()
  return (table.unpack or unpack)(results, 1, results.n)
end

local victims, wakers, channels = {}, {}, {}

local actions = {
  spawn = function()
    victims[#victims + 1] = cosock.spawn(function()
      socket.sleep(0)
    end)
  end,
  cancel = function()
    local victim = table.remove(victims, 1)
    if victim then
      victim:cancel()
    end
  end,
  send = function()
    for _, each in ipairs(channels) do
      if #each.link.queue < 3 then
        each:send "from a finalizer"
      end
    end
  end,
  wake = function()
    for _, waker in ipairs(wakers) do
      waker()
    end
  end,
  time = function()
    timers.set(0, function() end, "timer")
    timers.set(1000, print, "timer")
    timers.cancel "timer"
  end,
  look = function()
    cosock.get_thread_metadata()
    cosock._debug()
  end,
  open = function()
    local sock = assert(socket.udp())
    assert(sock:setsockname("127.0.0.1", 0))
    sock:close()
  end,
  install = function()
    cosock.seterrorhandler(nil)
  end,
}

-- In a finalizer LuaJIT drops what a C function yields, so no task can be run there.
if expect.version ~= "jit" then
  function actions.run()
    pcall(cosock.run)
  end
end

-- The work: each kind of wait a few times, beside victims that finalizers cancel.
local function work(done)
  local tx, rx = channel.new()
  local object = {
    setwaker = function(_, _, waker)
      wakers[1] = waker or wakers[1]
    end,
  }
  channels[1] = channel.new()
  cosock.spawn(function()
    for number = 1, 5 do
      expect.equal(rx:receive(), number)
    end
    done.received = true
  end, "receives")
  cosock.spawn(function()
    for number = 1, 5 do
      tx:send(number)
      socket.sleep(0)
    end
    done.sent = true
  end, "sends")
  cosock.spawn(function()
    for _ = 1, 3 do
      local ready, _, err = socket.select({ object }, {}, 0.002)
      expect.equal(err == "timeout" or ready[1] == object, true)
    end
    done.selected = true
  end, "selects")
  cosock.spawn(function()
    error { "with a handler" }
  end, "fails", {
    onerror = function(err)
      done.failed = err[1] == "with a handler"
    end,
  })
  for _ = 1, 3 do
    victims[#victims + 1] = cosock.spawn(function()
      local _, silent = channel.new()
      silent:settimeout(0.01)
      silent:receive()
    end, "victim")
  end
end

for name, action in pairs(actions) do
  for _, raises in ipairs { false, true } do
    local what = name .. (raises and ", raising" or "")
    local count, active = 0, true
    local function finalize()
      if not active then
        return
      end
      count = count + 1
      -- Each finalizer makes the next one, but not without end.
      if count < 300 then
        at_collection(finalize)
      end
      pcall(action)
      if raises and count % 50 == 0 then
        error "by a finalizer"
      end
    end
    local done = {}
    local fine, err = with_eager_collector(function()
      at_collection(finalize)
      work(done)
      cosock.run()
    end)
    active = false
    if raises then
      -- Some versions let such an error out wherever the collection was.
      if not fine then
        expect.contains(type(err) == "string" and err or "by a finalizer", "by a finalizer", what)
      end
      cosock.reset()
    else
      expect.equal(fine, true, what .. ": " .. tostring(err))
      for _, part in ipairs { "received", "sent", "selected", "failed" } do
        expect.equal(done[part], true, what .. ": " .. part)
      end
      cosock.run()
    end
    expect.equal(count >= 3, true, what .. ": only " .. count .. " finalizers")
    victims, wakers, channels = {}, {}, {}
    timers.cancel "timer"
    cosock.reset()
    collectgarbage()
    collectgarbage()
    expect.nothing_waits()
  end
end

-- A finalizer that resets: nothing of before is left, and a new run works.
do
  local resets = 0
  local function finalize()
    resets = resets + 1
    if resets < 100 then
      at_collection(finalize)
    end
    if resets % 10 == 0 then
      cosock.reset()
    end
  end
  for _ = 1, 20 do
    with_eager_collector(function()
      at_collection(finalize)
      work {}
      pcall(cosock.run)
    end)
    victims, wakers, channels = {}, {}, {}
  end
  expect.equal(resets >= 100, true)
  cosock.reset()
  local done = {}
  work(done)
  cosock.run()
  expect.equal(done.received and done.sent and done.selected and done.failed, true)
end

-- A finalizer that spawns while another spawn makes room, which it does for 128 tasks at once: each error reaches
-- the handler of its own task.
do
  local tasks, own, others = 0, 0, 0
  local function spawn(...)
    tasks = tasks + 1
    cosock.spawn(...)
  end
  local function fail(whose)
    return function() error(whose, 0) end
  end
  local handler = {
    onerror = function(err)
      expect.equal(err, "own")
      own = own + 1
    end,
  }
  cosock.seterrorhandler(function(err)
    expect.equal(err, "a finalizer's")
    others = others + 1
  end)
  for at = 1, 8 do
    repeat
      spawn(tostring)
    until tasks % 128 == 0
    local count, active = 0, true
    local function finalize()
      count = count + 1
      if active and count < at then
        at_collection(finalize)
      elseif active then
        spawn(fail "a finalizer's")
      end
    end
    with_eager_collector(function()
      at_collection(finalize)
      spawn(fail "own", "fails", handler)
    end)
    active = false
  end
  cosock.run()
  cosock.seterrorhandler(nil)
  expect.equal(own, 8)
  expect.equal(others > 0, true)
end

expect.usual_collector()
world.finish()
