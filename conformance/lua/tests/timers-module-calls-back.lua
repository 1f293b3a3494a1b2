-- cosock.timers: callbacks by time. set, cancel by reference, and run for programs that have a loop of
-- their own; within cosock.run they are called between turns, in the order of their deadlines.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local timers = require "cosock.timers"
local socket, channel = cosock.socket, cosock.channel

local log
local function note(text)
  return function(...)
    expect.equal(select("#", ...), 0)
    log[#log + 1] = text
  end
end

local function busy(seconds)
  local start = socket.gettime()
  repeat
  until socket.gettime() - start > seconds
end

-- By hand: run calls what is due, earliest first, and tells the seconds to the next.
do
  log = {}
  expect.list(expect.pack(timers.run()), { nil, n = 1 })
  expect.equal(select("#", timers.set(0.15, note "second")), 0)
  timers.set(0.1, note "first")
  timers.set(1000, note "far", "far")
  local left = timers.run()
  expect.equal(#log, 0)
  expect.equal(left > 0 and left <= 0.1, true)
  busy(0.16)
  left = timers.run()
  expect.list(log, { "first", "second" })
  expect.equal(left > 900 and left <= 1000, true)
  expect.equal(cosock._debug().timers, 1)
  expect.equal(select("#", timers.cancel "far"), 0)
  expect.equal(cosock._debug().timers, 0)
  expect.equal(timers.run(), nil, "a cancelled timer counts no more")
end

-- Equal deadlines in the order in which they were set; a past or zero one is due now.
do
  log = {}
  for _, seconds in ipairs { 0, -1, -math.huge } do
    timers.set(seconds, note(tostring(seconds)))
  end
  timers.run()
  expect.list(log, { "0", "-1", tostring(-math.huge) })
end

-- One set by a callback is for the next run.
do
  log = {}
  timers.set(0, function()
    note "outer" ()
    timers.set(0, note "inner")
  end)
  timers.run()
  expect.list(log, { "outer" })
  timers.run()
  expect.list(log, { "outer", "inner" })
end

-- Cancel: by any reference; unknown ones are fine; within a callback, also of one that is due as well.
do
  log = {}
  local reference = {}
  timers.set(0, note "by table", reference)
  timers.set(0, note "by name", "name")
  timers.set(0, note "by number", 12)
  timers.set(0, note "kept", false)
  timers.cancel(reference)
  timers.cancel "name"
  timers.cancel(12)
  timers.cancel "unknown"
  timers.cancel {}
  timers.run()
  expect.list(log, { "kept" })
  log = {}
  timers.set(0, function()
    timers.cancel "next"
  end)
  timers.set(0, note "cancelled", "next")
  timers.run()
  expect.list(log, {})
  -- One that was called can be cancelled no more, and its reference used again.
  timers.set(0, note "again", "next")
  timers.cancel "next"
  timers.set(0, note "once more", "next")
  timers.run()
  timers.cancel "next"
  expect.list(log, { "once more" })
end

-- A reference used twice: both are called, and it cancels the newer.
do
  log = {}
  timers.set(0.001, note "older", "reference")
  timers.set(0.001, note "newer", "reference")
  timers.cancel "reference"
  busy(0.002)
  timers.run()
  expect.list(log, { "older" })
  timers.cancel "reference"
  timers.set(0, note "older", "reference")
  timers.set(1000, note "newer", "reference")
  timers.run()
  -- The older one's end leaves the reference to the newer.
  timers.cancel "reference"
  expect.equal(timers.run(), nil)
  expect.list(log, { "older", "older" })
  expect.nothing_waits()
end

-- Within cosock.run: between turns, before the tasks that they wake; they keep it running only as long as
-- there are tasks.
do
  log = {}
  local tx, rx = channel.new()
  timers.set(0.001, function()
    note "timer" ()
    tx:send "from a timer"
  end)
  timers.set(1000, note "never", "far")
  cosock.spawn(function()
    local message = rx:receive()
    log[#log + 1] = message
    timers.cancel "far"
  end)
  cosock.run()
  expect.list(log, { "timer", "from a timer" })
  timers.set(0, note "left over", "left over")
  cosock.run()
  expect.equal(#log, 2)
  timers.cancel "left over"
end

-- A callback cannot wait; it can spawn. One that raises ends run, and the others are still called.
do
  log = {}
  timers.set(0, function()
    local fine, raised = pcall(socket.sleep, 0)
    expect.equal(fine, false)
    expect.contains(raised, "yield")
    cosock.spawn(function()
      note "spawned" ()
    end)
  end)
  cosock.spawn(function()
    socket.sleep(0.001)
  end)
  cosock.run()
  expect.list(log, { "spawned" })
  for _, value in ipairs { "by a callback", {} } do
    log = {}
    timers.set(0, function()
      error(value, 0)
    end)
    timers.set(0, note "next")
    expect.raises(value, timers.run)
    timers.run()
    expect.list(log, { "next" })
    log = {}
    timers.set(0, function()
      error(value, 0)
    end)
    timers.set(0, note "next")
    local slept
    cosock.spawn(function()
      -- Past the first callback's error, however busy the machine is: else it is ready by then, and ends `run`.
      socket.sleep(0.1)
      slept = true
    end)
    expect.raises(value, cosock.run)
    cosock.run()
    expect.equal(slept, true)
    expect.list(log, { "next" })
  end
end

-- Bad arguments.
for _, bad in ipairs { "text", {}, true, print } do
  expect.raises("bad argument #1 to 'set' (number expected, got " .. type(bad) .. ")", timers.set, bad, print)
end
expect.raises("bad argument #1 to 'set' (number expected, got no value)", timers.set)
expect.raises("NaN", timers.set, 0 / 0, print)
for _, bad in ipairs { "text", {}, true, 1 } do
  expect.raises("bad argument #2 to 'set' (function expected, got " .. type(bad) .. ")", timers.set, 1, bad)
end
expect.raises("bad argument #2 to 'set' (function expected, got no value)", timers.set, 1)
expect.raises("NaN", timers.set, 1, print, 0 / 0)
expect.raises("index is nil", timers.cancel)
expect.raises("index is nil", timers.cancel, nil)
timers.cancel(0 / 0)
expect.nothing_waits()

-- Ten thousand set and cancelled leave nothing, not even their functions.
do
  local kept = setmetatable({}, { __mode = "k" })
  for number = 1, 10000 do
    local function callback()
      return number
    end
    kept[callback] = true
    timers.set(1000 + number, callback, number)
  end
  expect.equal(cosock._debug().timers, 10000)
  for number = 10000, 1, -1 do
    timers.cancel(number)
  end
  expect.nothing_waits()
  collectgarbage()
  collectgarbage()
  expect.equal(next(kept), nil)
end

-- A huge time never comes.
timers.set(math.huge, print, "huge")
timers.set(1e300, print, "large")
expect.equal(timers.run(), nil)
timers.cancel "huge"
timers.cancel "large"

world.finish()
