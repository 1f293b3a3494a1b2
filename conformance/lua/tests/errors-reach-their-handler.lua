-- A handler, of one task or of all, gets the error value unchanged, the traceback and the handle, and run
-- goes on. What a handler does is its own business: it may spawn, cancel, send; it cannot wait; if it raises,
-- run ends with that.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function fail_with(value)
  error(value, 0)
end

-- Runs a task that raises the value, with one that goes on; returns what the handler got.
local function caught(value, all)
  local got, handle
  local went_on = false
  local function handler(...)
    got = expect.pack(...)
    expect.equal(handle:is_alive(), false)
  end
  if all then
    expect.equal(select("#", cosock.seterrorhandler(handler)), 0)
  end
  handle = cosock.spawn(function()
    socket.sleep(0)
    fail_with(value)
  end, "fails", not all and { onerror = handler } or nil)
  cosock.spawn(function()
    socket.sleep(0)
    socket.sleep(0)
    went_on = true
  end)
  cosock.run()
  cosock.seterrorhandler(nil)
  expect.equal(went_on, true)
  expect.equal(got.n, 3)
  expect.equal(got[3], handle)
  return got[1], got[2]
end

for _, all in ipairs { false, true } do
  local object = setmetatable({}, {
    __tostring = function()
      error "nobody asks for its text"
    end,
  })
  for _, value in ipairs { "text", "", 42, 1.5, true, false, object, io.stdout, print } do
    local got, traceback = caught(value, all)
    expect.equal(got, value)
    expect.equal(traceback:sub(1, 17), "stack traceback:\n")
    expect.contains(traceback, "fail_with")
    expect.equal(traceback:find("in function 'run'", 1, true), nil)
  end
  expect.equal((caught(nil, all)), expect.nil_error)
end

-- A number keeps its subtype where there are any.
if math.type then
  expect.equal(math.type((caught(42))), "integer")
  expect.equal(math.type((caught(42.0))), "float")
end

-- The task's own handler comes before that of all; each hears of its own task only.
do
  local heard = {}
  local function handler(name)
    return function(err, _, handle)
      heard[#heard + 1] = name .. ": " .. err .. " of " .. tostring(handle)
    end
  end
  cosock.seterrorhandler(handler "all")
  cosock.spawn(function()
    fail_with {}
  end, "a", { onerror = handler "own" })
  cosock.spawn(function()
    fail_with "second"
  end, "b")
  cosock.spawn(function()
    fail_with "third"
  end, "c", { onerror = handler "another's own" })
  cosock.spawn(function() end, "d", { onerror = handler "unheard" })
  cosock.spawn(function()
    pcall(fail_with, "caught within")
  end, "e", { onerror = handler "unheard" })
  heard = {}
  local fine, raised = pcall(cosock.run)
  -- The first one's handler raised, for a table is no text.
  expect.equal(fine, false)
  expect.contains(raised, "concatenate")
  cosock.run()
  expect.list(heard, { "all: second of b", "another's own: third of c" })
  cosock.seterrorhandler(nil)
end

-- A handler that spawns, cancels and sends; and the failed task's places are free already.
do
  local tx, rx = channel.new()
  local log = {}
  local parked = cosock.spawn(function()
    socket.sleep(1000)
  end)
  local receiver = cosock.spawn(function()
    local message = rx:receive()
    log[#log + 1] = message
  end)
  cosock.spawn(function()
    socket.sleep(0)
    fail_with "first"
  end, "first", {
    onerror = function(err, _, handle)
      handle:cancel()
      parked:cancel()
      expect.equal(parked:is_alive(), false)
      tx:send(err)
      cosock.spawn(function()
        fail_with "second"
      end, "second", {
        onerror = function(again)
          log[#log + 1] = again
        end,
      })
      for _, task in ipairs(cosock.get_thread_metadata()) do
        expect.equal(task.name ~= "first", true)
      end
    end,
  })
  cosock.run()
  expect.list(log, { "first", "second" })
  expect.equal(receiver:is_alive(), false)
end

-- It is no part of a task: it cannot wait, and may cancel any task.
do
  local problems = {}
  local function problem(fn, ...)
    local fine, raised = pcall(fn, ...)
    problems[#problems + 1] = not fine and raised or "no error"
  end
  local _, rx = channel.new()
  cosock.spawn(fail_with, "fails", {
    onerror = function()
      problem(socket.sleep, 0)
      problem(socket.select, { rx })
      problem(rx.receive, rx)
      problem(coroutine.yield)
      problem(cosock.run)
    end,
  })
  cosock.run()
  for number = 1, 4 do
    expect.contains(problems[number], "yield", number)
  end
  expect.equal(problems[5], "cosock.run is already running")
end

-- A handler that raises ends run with what it raised; the others can still be run.
for _, value in ipairs { "raised by the handler", {}, 7 } do
  local went_on = false
  cosock.spawn(fail_with, "fails", {
    onerror = function()
      error(value, 0)
    end,
  })
  cosock.spawn(function()
    socket.sleep(0)
    went_on = true
  end)
  local fine, raised = pcall(cosock.run)
  expect.equal(fine, false)
  expect.equal(raised, value)
  expect.equal(went_on, false)
  cosock.run()
  expect.equal(went_on, true)
end

-- A handler set, replaced or taken away counts from the next error on; also by a handler itself.
do
  local heard = {}
  local function second(err)
    heard[#heard + 1] = "second " .. err
    cosock.seterrorhandler(nil)
  end
  cosock.seterrorhandler(function(err)
    heard[#heard + 1] = "first " .. err
    cosock.seterrorhandler(second)
  end)
  for _, name in ipairs { "a", "b", "c" } do
    cosock.spawn(function()
      fail_with(name)
    end)
  end
  expect.raises("c\nstack traceback:", cosock.run)
  expect.list(heard, { "first a", "second b" })
end

-- Errors of the wait itself reach the handler too: a bad list, a setwaker that raises.
do
  local heard = {}
  local function hear(err)
    heard[#heard + 1] = tostring(err)
  end
  cosock.spawn(function()
    coroutine.yield { {} }
  end, nil, { onerror = hear })
  cosock.spawn(function()
    coroutine.yield({ {
      setwaker = function(_, _, waker)
        if waker then
          fail_with "by setwaker"
        end
      end,
    } })
  end, nil, { onerror = hear })
  cosock.spawn(function()
    coroutine.yield(nil, nil, {})
  end, nil, { onerror = hear })
  cosock.run()
  expect.contains(heard[1], "non-wakeable socket")
  expect.equal(heard[2], "by setwaker")
  expect.contains(heard[3], "timeout")
end

-- What is no function is refused.
for _, bad in ipairs { 1, "text", {}, true } do
  expect.raises("bad argument #1 to 'seterrorhandler' (function expected, got " .. type(bad) .. ")",
    cosock.seterrorhandler, bad)
end

-- A thousand failures, each told; nothing of them is kept.
do
  local count = 0
  local kept = setmetatable({}, { __mode = "k" })
  cosock.seterrorhandler(function(err)
    count = count + 1
    kept[err] = true
  end)
  for _ = 1, 1000 do
    cosock.spawn(function()
      fail_with {}
    end)
  end
  cosock.run()
  cosock.seterrorhandler(nil)
  expect.equal(count, 1000)
  collectgarbage()
  collectgarbage()
  local left = 0
  for _ in pairs(kept) do
    left = left + 1
  end
  -- The last one may still lie in a dead part of the stack.
  expect.equal(left <= 1, true, left .. " errors kept")
end

world.finish()
