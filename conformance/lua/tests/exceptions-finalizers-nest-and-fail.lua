-- Finalizers of newtry within each other: each is called when its own try fails, once, the inner one first; one
-- that fails gives its own reason; one may protect calls of its own, wait, or be cancelled while it waits.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- A newtry that notes its name when it finalizes, after what `before` does.
local function noting(order, name, before)
  return socket.newtry(function()
    if before then
      before()
    end
    order[#order + 1] = name
  end)
end

local function nested(wait)
  -- The outer one is not called for what the inner protect has dealt with.
  local order = {}
  local outer, inner = noting(order, "outer", wait), noting(order, "inner", wait)
  local protected = socket.protect(function(again)
    local done, err = socket.protect(function()
      outer(1)
      inner(nil, "first")
    end)()
    check({ n = 2, done, err }, nil, "first")
    order[#order + 1] = "between"
    outer(not again, "second")
    return "whole"
  end)
  check(expect.pack(protected(false)), "whole")
  expect.list(order, { "inner", "between" })
  check(expect.pack(protected(true)), nil, "second")
  expect.list(order, { "inner", "between", "inner", "between", "outer" })

  -- One in another: both are called, and what the outer call is told is the reason of the last.
  order = {}
  local failing = noting(order, "never", function()
    wait()
    order[#order + 1] = "begins"
    noting(order, "within", wait)(nil, "its own")
  end)
  check(expect.pack(socket.protect(function() failing(nil, "lost") end)()), nil, "its own")
  expect.list(order, { "begins", "within" })

  -- What it protects itself changes nothing of the failure that it is called for.
  order = {}
  local careful = noting(order, "careful", function()
    local done, err = socket.protect(function()
      wait()
      socket.try(nil, "dealt with")
    end)()
    check({ n = 2, done, err }, nil, "dealt with")
  end)
  check(expect.pack(socket.protect(function() careful(nil, "the reason") end)()), nil, "the reason")
  expect.list(order, { "careful" })

  -- An error of another kind is no reason: it passes every protect, and calls no finalizer of theirs.
  order = {}
  local wrong = {}
  local bad = noting(order, "never", function()
    wait()
    error(wrong)
  end)
  local caught
  cosock.spawn(function()
    socket.protect(function()
      local try = noting(order, "outer", wait)
      try(socket.protect(function() bad(nil, "lost") end)())
    end)()
  end, "fails", { onerror = function(err) caught = err end })
  while not caught do
    socket.sleep(0)
  end
  expect.equal(caught, wrong)
  expect.list(order, {})
end

expect.tasks(function()
  nested(function() end)
  nested(function() socket.sleep(0) end)
end)

-- Cancelled while it waits: it does not go on, and protect does not return.
expect.tasks(function()
  local order = {}
  local try = noting(order, "never", function()
    order[#order + 1] = "begins"
    socket.sleep(60)
  end)
  local task = cosock.spawn(function()
    socket.protect(function() try(nil, "why") end)()
    order[#order + 1] = "never"
  end, "finalizes")
  socket.sleep(0)
  task:cancel()
  socket.sleep(0)
  expect.list(order, { "begins" })
end)

expect.nothing_waits()
world.finish()
