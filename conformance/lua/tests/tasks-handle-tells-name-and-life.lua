-- A handle's text is the task's name, or its coroutine while it lives; is_alive tells until when.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

local function noop() end

-- The name, converted; false counts as none.
local named = setmetatable({}, {
  __tostring = function()
    return "by __tostring"
  end,
})
for _, case in ipairs {
  { "text", "text" },
  { "", "" },
  { 12, "12" },
  { true, "true" },
  { named, "by __tostring" },
} do
  expect.equal(tostring(cosock.spawn(noop, case[1])), case[2])
end
expect.contains(tostring(cosock.spawn(noop)), "thread: 0x")
expect.contains(tostring(cosock.spawn(noop, false)), "thread: 0x")
cosock.run()

-- A nameless task is its coroutine while it lives, and then a dead one; a name outlives its task.
local inside
local handle, gone
handle = cosock.spawn(function()
  inside = tostring(coroutine.running())
  expect.equal(tostring(handle), inside)
  expect.equal(handle:is_alive(), true, "while it runs")
  cosock.socket.sleep(0)
  expect.equal(tostring(handle), inside, "after a wait")
end)
local before = tostring(handle)
cosock.run()
expect.equal(before, inside)
expect.equal(tostring(handle), "dead-thread")
gone = cosock.spawn(noop, "gone")
cosock.run()
expect.equal(tostring(gone), "gone")

-- A cancelled task is dead at once, on every version.
local cancelled = cosock.spawn(noop)
cancelled:cancel()
expect.equal(tostring(cancelled), "dead-thread")
expect.equal(cancelled:is_alive(), false)

-- is_alive from spawn until the end, however that comes.
local parked = cosock.spawn(function()
  cosock.socket.sleep(0.02)
end)
local failing = cosock.spawn(function()
  error("on purpose")
end)
expect.equal(parked:is_alive(), true, "before run")
expect.equal(failing:is_alive(), true, "before run")
expect.raises("on purpose", cosock.run)
expect.equal(failing:is_alive(), false, "after its error")
expect.equal(parked:is_alive(), true, "while it waits")
cosock.run()
expect.equal(parked:is_alive(), false, "after its end")

-- A handle of an old task never speaks for a new one that took its place.
local old = cosock.spawn(noop)
cosock.run()
local new = cosock.spawn(noop)
expect.equal(old:is_alive(), false)
old:cancel()
expect.equal(new:is_alive(), true)
cosock.run()

-- Two handles differ; a handle can be a key, and outlives everything else of its task.
local set = {}
for number = 1, 10 do
  set[cosock.spawn(noop)] = number
end
cosock.run()
local size = 0
for each in pairs(set) do
  size = size + 1
  expect.equal(each:is_alive(), false)
end
expect.equal(size, 10)

-- The methods refuse everything but handles.
local methods = getmetatable(old)
expect.equal(methods.__index, methods)
for _, name in ipairs { "is_alive", "cancel", "__tostring" } do
  for _, bad in ipairs { 1, "text", true, noop } do
    expect.raises("task handle expected, got " .. type(bad), methods[name], bad)
  end
  expect.raises("task handle expected, got no value", methods[name])
end

-- A table that only looks like a handle is no living task.
expect.equal(methods.is_alive(setmetatable({ name = "no task" }, methods)), false)
expect.equal(select("#", methods.cancel(setmetatable({}, methods))), 0)

world.finish()
