-- A task has one handle for life, which is known as long as the task lives: to who is told of it, and to finalizers,
-- whether or not the program holds it. When the task is over, nothing holds it any more.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local sleep = cosock.socket.sleep

local function collect()
  collectgarbage()
  collectgarbage()
end

-- In a function of its own, which leaves nothing of the handle on the stack.
local function spawn_weakly(...)
  return setmetatable({ handle = (cosock.spawn(...)) }, { __mode = "v" })
end

local ran = 0
local function run()
  sleep(0)
  ran = ran + 1
end

local nameless = spawn_weakly(run)
local named = spawn_weakly(run, "named")
local watched = spawn_weakly(run, nil, { onerror = print })
collect()
expect.equal(nameless.handle:is_alive(), true)
expect.equal(tostring(named.handle), "named")
expect.equal(watched.handle:is_alive(), true)
nameless.handle.name = "named later"
collect()
expect.equal(cosock.get_thread_metadata()[1].name, "named later")
cosock.run()
expect.equal(ran, 3)
collect()
for _, each in ipairs { nameless, named, watched } do
  expect.equal(each.handle, nil, "its task is over")
end

-- An object that ends its task when nobody has it any more, and another that saves the handle.
do
  local turns, found = 0, {}
  local function work()
    while true do
      sleep(0)
      turns = turns + 1
    end
  end
  local finalize = function(object)
    found[#found + 1] = object.worker:is_alive()
    object.worker:cancel()
    found.saved = object.other
  end
  local function make()
    local object = { worker = cosock.spawn(work), other = cosock.spawn(run) }
    if newproxy then
      -- Only userdata have finalizers here.
      local guard = newproxy(true)
      getmetatable(guard).__gc = function()
        finalize(object)
      end
    else
      setmetatable(object, { __gc = finalize })
    end
  end
  make()
  local collector = cosock.spawn(function()
    while #found == 0 do
      collect()
      sleep(0)
    end
  end)
  cosock.run()
  expect.equal(#found, 1)
  expect.equal(found[1], true, "the task lived")
  expect.equal(turns <= 3, true, "it was cancelled")
  expect.equal(found.saved == nil, false)
  expect.equal(collector:is_alive(), false)
end

-- A handler that is set later gets the handle that the program has kept.
local function fail()
  sleep(0)
  error("on purpose", 0)
end

local told
local function tell(err, _, handle)
  expect.equal(err, "on purpose")
  told = handle
end

local kept = cosock.spawn(fail)
cosock.seterrorhandler(tell)
collect()
cosock.run()
expect.equal(told, kept)
cosock.seterrorhandler(nil)

-- Or that of which the program let go.
local weakly = spawn_weakly(fail)
collect()
local expected = tostring(weakly.handle)
cosock.seterrorhandler(function(err, traceback, handle)
  expect.equal(handle, weakly.handle)
  tell(err, traceback, handle)
end)
cosock.run()
cosock.seterrorhandler(nil)
expect.contains(expected, "thread")
expect.equal(getmetatable(told), getmetatable(kept))
expect.equal(told:is_alive(), false)

-- Each handle is that of its own task, however many there are, and whichever were let go.
local count = 700
local handles, lived = {}, {}
for number = 1, count do
  local handle = cosock.spawn(function()
    sleep(0)
    lived[number] = true
  end)
  if number % 3 > 0 then
    handles[number] = handle
  end
end
collect()
for number = 1, count do
  if number % 3 == 1 then
    expect.equal(handles[number]:is_alive(), true)
    handles[number]:cancel()
    expect.equal(handles[number]:is_alive(), false)
  end
end
-- These get the places of others.
for number = count + 1, count + 100 do
  handles[number] = cosock.spawn(run)
end
collect()
for number = 1, count do
  if handles[number] then
    expect.equal(handles[number]:is_alive(), number % 3 == 2)
  end
end
ran = 0
cosock.run()
expect.equal(ran, 100)
for number = 1, count do
  expect.equal(lived[number], number % 3 ~= 1 or nil)
end
for _, handle in pairs(handles) do
  expect.equal(handle:is_alive(), false)
end

world.finish()
