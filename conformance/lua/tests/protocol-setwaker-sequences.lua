-- Which setwaker calls an object of the user's own gets, and when: once with a waker when its task waits,
-- once with nil inside the waker, and once with nil before its task goes on, for whatever reason.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

local calls

-- An object that notes its calls as "name kind fn" or "name kind nil".
local function object(name)
  local self = { name = name, wakers = {} }
  function self.setwaker(...)
    local this, kind, waker = ...
    expect.equal(this, self)
    expect.equal(select("#", ...), 3)
    expect.equal(kind == "recvr" or kind == "sendr", true)
    expect.equal(waker == nil or type(waker) == "function", true)
    calls[#calls + 1] = name .. " " .. kind .. (waker and " fn" or " nil")
    self.wakers[kind] = waker
  end
  return self
end

-- Waits in one task; `wake` runs in another when the first waits. Returns the results of the wait and the
-- calls, with those of the two kinds apart, whose order among each other is nobody's business.
local function wait(recvt, sendt, timeout, wake)
  calls = {}
  local results
  cosock.spawn(function()
    results = expect.pack(coroutine.yield(recvt, sendt, timeout))
    calls[#calls + 1] = "resumed"
  end)
  if wake then
    cosock.spawn(wake)
  end
  cosock.run()
  expect.equal(results.n, 3)
  expect.equal(calls[#calls], "resumed", "nothing after the resume")
  local kinds = { recvr = {}, sendr = {} }
  for _, call in ipairs(calls) do
    local name, kind, value = call:match "(%w+) (%w+) (%w+)"
    if name then
      table.insert(kinds[kind], name .. ":" .. value)
    end
  end
  return results, table.concat(kinds.recvr, " "), table.concat(kinds.sendr, " ")
end

local a, b = object "a", object "b"

-- A timeout.
for _, timeout in ipairs { 0, 0.01, "0.01" } do
  local results, recvr, sendr = wait({ a, b }, nil, timeout)
  expect.list(results, { nil, nil, "timeout", n = 3 })
  expect.equal(recvr, "a:fn b:fn a:nil b:nil")
  expect.equal(sendr, "")
  results, recvr, sendr = wait(nil, { a, b }, timeout)
  expect.list(results, { nil, nil, "timeout", n = 3 })
  expect.equal(recvr, "")
  expect.equal(sendr, "a:fn b:fn a:nil b:nil")
end

-- One of two is woken: first the nil of the waker itself, then one for each.
for _, kind in ipairs { "recvr", "sendr" } do
  local results, recvr, sendr
  local function wake()
    calls[#calls + 1] = "wakes"
    expect.equal(select("#", a.wakers[kind]("ignored", "arguments")), 0)
    expect.equal(a.wakers[kind], nil)
  end
  if kind == "recvr" then
    results, recvr = wait({ a, b }, nil, nil, wake)
    expect.list(results[1], { a })
    expect.equal(results[2], nil)
    expect.equal(recvr, "a:fn b:fn a:nil a:nil b:nil")
  else
    results, recvr, sendr = wait({}, { a, b }, 5, wake)
    expect.equal(results[1], nil)
    expect.list(results[2], { a })
    expect.equal(recvr, "")
    expect.equal(sendr, "a:fn b:fn a:nil a:nil b:nil")
  end
  expect.equal(results[3], nil)
  -- The wake comes after both were told of the wait, the last calls after the wake.
  expect.equal(calls[3], "wakes")
end

-- Both are woken, in either order: the list has the order of the wakes.
do
  local results, recvr = wait({ a, b }, nil, nil, function()
    a.wakers.recvr()
    b.wakers.recvr()
  end)
  expect.list(results[1], { a, b })
  expect.equal(recvr, "a:fn b:fn a:nil b:nil a:nil b:nil")
  results, recvr = wait({ a, b }, nil, nil, function()
    b.wakers.recvr()
    a.wakers.recvr()
  end)
  expect.list(results[1], { b, a })
  expect.equal(recvr, "a:fn b:fn b:nil a:nil a:nil b:nil")
end

-- One object in both lists: two wakers of its own, and both lists may be filled.
do
  local results, recvr, sendr = wait({ a }, { a }, nil, function()
    a.wakers.sendr()
  end)
  expect.equal(results[1], nil)
  expect.list(results[2], { a })
  expect.equal(recvr, "a:fn a:nil")
  expect.equal(sendr, "a:fn a:nil a:nil")
  results, recvr, sendr = wait({ a, b }, { b, a }, nil, function()
    a.wakers.sendr()
    a.wakers.recvr()
    b.wakers.sendr()
  end)
  expect.list(results[1], { a })
  expect.list(results[2], { a, b })
  expect.equal(results[3], nil)
  expect.equal(recvr, "a:fn b:fn a:nil a:nil b:nil")
  expect.equal(sendr, "b:fn a:fn a:nil b:nil b:nil a:nil")
end

-- The same object twice in one list is two elements, with two wakers.
do
  local wakers = {}
  local twice = {
    setwaker = function(_, _, waker)
      calls[#calls + 1] = waker and "set" or "unset"
      wakers[#wakers + 1] = waker
    end,
  }
  local results = wait({ twice, twice }, nil, nil, function()
    expect.equal(#wakers, 2)
    wakers[2]()
    wakers[1]()
  end)
  expect.list(results[1], { twice, twice })
  expect.equal(table.concat(calls, " "), "set set unset unset unset unset resumed")
end

-- A waker called at once, within setwaker: the nested nil comes inside, and the task goes on in the next turn.
do
  local depth = 0
  local eager = { name = "eager" }
  function eager:setwaker(kind, waker)
    depth = depth + 1
    calls[#calls + 1] = "eager " .. kind .. (waker and " fn" or " nil")
    if waker then
      expect.equal(depth, 1)
      waker()
      waker()
    end
    depth = depth - 1
  end
  local order = {}
  cosock.spawn(function()
    coroutine.yield { eager }
    order[#order + 1] = "eager"
  end)
  cosock.spawn(function()
    order[#order + 1] = "same turn"
  end)
  calls = {}
  cosock.run()
  expect.list(order, { "same turn", "eager" })
  local results, recvr = wait { a, eager, b }
  expect.list(results[1], { eager })
  expect.equal(recvr, "a:fn eager:fn eager:nil b:fn a:nil eager:nil b:nil")
  results = wait({ eager }, nil, 0)
  expect.list(results, { results[1], n = 3 })
  expect.list(results[1], { eager })
end

-- A waker is dead after its first call, and after its wait, however that ended; nobody is woken twice.
do
  local saved = {}
  local saving = {
    setwaker = function(_, _, waker)
      saved[#saved + 1] = waker
    end,
  }
  local woken, spurious = 0, 0
  cosock.spawn(function()
    local ready = coroutine.yield { saving }
    woken = woken + #ready
    ready = coroutine.yield({ saving }, nil, 0.01)
    spurious = spurious + (ready and #ready or 0)
    local _, _, err = coroutine.yield(nil, nil, 0.02)
    expect.equal(err, "timeout")
  end)
  cosock.spawn(function()
    saved[1]()
    saved[1]()
    socket.sleep(0)
    socket.sleep(0)
    expect.equal(#saved, 2)
    saved[1]()
    socket.sleep(0.015)
    -- Its wait timed out.
    saved[2]()
    saved[1]()
  end)
  cosock.run()
  expect.equal(woken, 1)
  expect.equal(spurious, 0)
  -- The task is over; then its place has a new one.
  saved[1]()
  saved[2]()
  local resumed
  cosock.spawn(function()
    local _, _, err = coroutine.yield({ saving }, nil, 0.01)
    resumed = err
  end)
  cosock.spawn(function()
    saved[1]()
    saved[2]()
  end)
  cosock.run()
  expect.equal(resumed, "timeout")
end

-- All that are about to run are told before any of them runs.
do
  local log = {}
  local function logging(name)
    return {
      setwaker = function(self, _, waker)
        log[#log + 1] = name .. (waker and " set" or " unset")
        self.waker = waker
      end,
    }
  end
  local first, second = logging "first", logging "second"
  for number, each in ipairs { first, second } do
    cosock.spawn(function()
      coroutine.yield { each }
      log[#log + 1] = "task " .. number
    end)
  end
  cosock.spawn(function()
    log = {}
    first.waker()
    second.waker()
  end)
  cosock.run()
  expect.list(log, {
    "first unset", "second unset", "first unset", "second unset", "task 1", "task 2",
  })
end

world.finish()
