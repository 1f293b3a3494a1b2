-- An error that no handler takes leaves run: a text with the task's traceback, any other value as it is. Who
-- catches it can call run again: no other task is lost, ready or parked.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- The only line of this file that fails.
local function fail_with(value, level)
  error(value, level)
end

local function run_failing(value, level)
  local handle = cosock.spawn(function()
    socket.sleep(0)
    fail_with(value, level)
  end, "fails")
  local results = expect.pack(pcall(cosock.run))
  expect.equal(results[1], false)
  expect.equal(results.n, 2)
  expect.equal(handle:is_alive(), false)
  expect.nothing_waits()
  return results[2]
end

-- A text: as it is, then the traceback of the task, not of run.
do
  local raised = run_failing("the message", 0)
  expect.equal(raised:sub(1, 29), "the message\nstack traceback:\n")
  expect.contains(raised, "fail_with")
  expect.equal(raised:find("run_failing", 1, true), nil)
  raised = run_failing "the message"
  expect.contains(raised:match "^[^\n]*\n", "spare-the-other-tasks.lua:")
  expect.equal(select(2, raised:gsub("stack traceback:", "")), 1, "tracebacks")
end

-- Bytes that are no text stay what they are; an empty text too.
expect.contains(run_failing("a\0b\255c", 0), "a\0b\255c\nstack traceback:")
expect.equal(run_failing("", 0):sub(1, 17), "\nstack traceback:")

-- A number is a text, which older versions give a position.
expect.contains(run_failing(42), "42\nstack traceback:")
expect.equal(run_failing(42, 0):sub(1, 19), "42\nstack traceback:")

-- Tables, userdata, functions, booleans and coroutines: the same value.
local telling = setmetatable({}, {
  __tostring = function()
    return "a text"
  end,
})
local coroutine_value = coroutine.create(function() end)
for _, value in ipairs { {}, telling, io.stdout, print, true, false, coroutine_value } do
  expect.equal(run_failing(value), value)
end

-- nil: what the language makes of it.
do
  local raised = run_failing(nil)
  if expect.version == "5.1" or expect.version == "jit" then
    expect.equal(raised, nil)
  else
    local text = expect.nil_error and expect.nil_error .. "\n" or ""
    expect.equal(raised:sub(1, #text + 16), text .. "stack traceback:")
  end
end

-- An error of the language itself.
do
  cosock.spawn(function()
    local nothing
    return nothing.field
  end)
  local raised = expect.raises("attempt to index", cosock.run)
  expect.contains(raised, "stack traceback:")
end

-- An error in a coroutine of the task, which the task does not catch.
do
  cosock.spawn(function()
    coroutine.wrap(function()
      error("from within", 0)
    end)()
  end)
  expect.raises("from within", cosock.run)
end

-- The first turn, a turn in the middle: whoever was ready or parked goes on in the next run.
for failing_turn = 0, 2 do
  local log, tx, rx = {}, channel.new()
  local function add(text)
    log[#log + 1] = text
  end
  for number = 1, 5 do
    cosock.spawn(function()
      for turn = 0, 3 do
        if number == 3 and turn == failing_turn then
          error "on purpose"
        end
        add(number .. "." .. turn)
        socket.sleep(0)
      end
    end)
  end
  cosock.spawn(function()
    local message = rx:receive()
    add(message)
    socket.sleep(0.01)
    add "slept"
  end)
  cosock.spawn(function()
    socket.sleep(0)
    socket.sleep(0)
    tx:send "message"
  end)
  expect.raises("on purpose", cosock.run)
  expect.equal(cosock._debug().tasks, 6)
  cosock.run()
  table.sort(log)
  local expected = { "message", "slept" }
  for number = 1, 5 do
    for turn = 0, number == 3 and failing_turn - 1 or 3 do
      expected[#expected + 1] = number .. "." .. turn
    end
  end
  table.sort(expected)
  expect.list(log, expected)
end

-- Every task of a turn fails: each error in its own run.
do
  for number = 1, 3 do
    cosock.spawn(function()
      error("failure " .. number, 0)
    end)
  end
  local never_started = false
  cosock.spawn(function()
    never_started = true
  end)
  for number = 1, 3 do
    expect.raises("failure " .. number, cosock.run)
  end
  cosock.run()
  expect.equal(never_started, true)
end

-- A failed task is not listed any more, and what it waited for is free.
do
  local tx, rx = channel.new()
  local handle = cosock.spawn(function()
    rx:settimeout(0.001)
    rx:receive()
    error "after a timeout"
  end, "failed")
  expect.raises("after a timeout", cosock.run)
  expect.equal(#cosock.get_thread_metadata(), 0)
  rx:settimeout(nil)
  handle:cancel()
  local got
  cosock.spawn(function()
    got = rx:receive()
  end)
  cosock.spawn(function()
    tx:send "message"
  end)
  cosock.run()
  expect.equal(got, "message")
end

-- An error that is caught inside the task is nobody else's business.
do
  cosock.spawn(function()
    expect.equal(select(2, pcall(error, "caught", 0)), "caught")
    socket.sleep(0)
  end)
  cosock.run()
end

-- Raised by what a task waits on, in the wait itself: the error names the traceback of that task.
do
  local function waits_on_a_number()
    coroutine.yield { 5 }
  end
  cosock.spawn(waits_on_a_number)
  local raised = expect.raises("attempt to index a number value", cosock.run)
  expect.contains(raised, "stack traceback:")
  expect.contains(raised, "in function")
  expect.nothing_waits()
end

-- A stack overflow is an error of its task.
do
  expect.usual_collector()
  local function deeper()
    return 1 + deeper()
  end
  cosock.spawn(deeper)
  expect.raises("stack overflow", cosock.run)
  expect.nothing_waits()
end

world.finish()
