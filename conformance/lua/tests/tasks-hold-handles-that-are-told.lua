-- A handle is collected once the program lets go of it, though its task lives; but a task with a name, or with a
-- handler of its errors when it is spawned, holds it. Whoever is told of a task gets the handle that the
-- program has, or one that is as good.
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
cosock.seterrorhandler(print)
local watched_by_all = spawn_weakly(run)
cosock.seterrorhandler(nil)
collect()
expect.equal(nameless.handle, nil)
expect.equal(tostring(named.handle), "named")
expect.equal(watched.handle:is_alive(), true)
expect.equal(watched_by_all.handle:is_alive(), true)
cosock.run()
expect.equal(ran, 4)
expect.equal(named.handle:is_alive(), false)
collect()
for _, each in ipairs { named, watched, watched_by_all } do
  expect.equal(each.handle, nil, "its task is over")
end

-- Metadata and the report of a deadlock need no handle.
spawn_weakly(run)
collect()
expect.equal(#cosock.get_thread_metadata(), 1)
expect.equal(cosock.get_thread_metadata()[1].name, nil)
cosock.run()
local tx, rx = cosock.channel.new()
spawn_weakly(function()
  rx:receive()
end)
collect()
expect.raises("waits in receive of a channel", cosock.run)
tx:close()
cosock.run()
expect.equal(#cosock.get_thread_metadata(), 0)

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

-- Or a new one, of the same task.
local inside
local again
spawn_weakly(function()
  inside = tostring(coroutine.running())
  fail()
end)
collect()
cosock.seterrorhandler(function(err, traceback, handle)
  tell(err, traceback, handle)
  again = cosock.spawn(run)
end)
cosock.run()
cosock.seterrorhandler(nil)
expect.equal(getmetatable(told), getmetatable(kept))
expect.equal(told:is_alive(), false)
expect.equal(tostring(told), "dead-thread")
expect.contains(inside, "thread: ")
expect.equal(told == again, false)

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
