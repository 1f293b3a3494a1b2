-- A module is loaded once, whatever it returns; one that fails is not kept; a loop of requires is told, a loop that
-- a module breaks by entering itself is none. Its chunk may wait while it is loaded, also in two tasks at once.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"
local asyncify, socket = cosock.asyncify, cosock.socket

counts = {}
local function counted(name, text)
  return ("local socket = require 'socket' counts.%s = (counts.%s or 0) + 1 %s"):format(name, name, text)
end

-- Results of every kind.
local results = {
  gives_table = "return {}",
  gives_nothing = "",
  gives_nil = "return nil",
  gives_true = "return true",
  gives_text = "return 'text'",
  gives_zero = "return 0",
  gives_function = "return function() end",
  enters_itself = "package.loaded[...] = 'entered'",
  is_a_global = "is_a_global = { socket = socket }",
}
for name, text in pairs(results) do
  sources.write { [name] = counted(name, text) }
  local first = asyncify(name)
  expect.equal(asyncify(name), first, name)
  expect.equal(counts[name], 1, name)
  expect.equal(package.loaded[name], nil, name)
end
expect.equal(asyncify "gives_nothing", true)
expect.equal(asyncify "gives_nil", true)
expect.equal(asyncify "gives_text", "text")
expect.equal(asyncify "gives_zero", 0)
expect.equal(asyncify "enters_itself", "entered")
-- Of a module of the old kind the global is what there is to be had.
expect.equal(asyncify("is_a_global").socket, socket)
expect.equal(rawget(_G, "is_a_global"), nil)

-- A false is as nothing, for require too.
sources.write { gives_false = counted("gives_false", "return false") }
expect.equal(asyncify "gives_false", false)
expect.equal(asyncify "gives_false", false)
expect.equal(counts.gives_false, 2)

-- What fails is loaded anew, and its error is its own.
local failure = {}
fail = function() error(failure) end
sources.write {
  fails = counted("fails", "if fail then fail() end return {}"),
  needs_it = counted("needs_it", "return { it = require 'fails' }"),
}
expect.raises(failure, asyncify, "fails")
expect.raises(failure, asyncify, "needs_it")
expect.raises(failure, asyncify, "fails")
fail = nil
expect.equal(asyncify("needs_it").it, asyncify "fails")
expect.equal(counts.fails, 4)
expect.equal(counts.needs_it, 2)

-- Loops.
sources.write {
  itself = counted("itself", "return require 'itself'"),
  one = counted("one", "return { two = require 'two' }"),
  two = counted("two", "return { three = require 'three' }"),
  three = counted("three", "return { one = require 'one' }"),
  lacks = "local socket = require 'socket' return require 'there.is.none'",
  caught = counted("caught", "return { pcall(require, 'caught') }"),
  hen = counted("hen", "local M = {} package.loaded[...] = M M.egg = require 'egg' return M"),
  egg = counted("egg", "return { hen = require 'hen' }"),
}
local function check_loops()
  expect.raises("loop or previous error loading module 'itself'", asyncify, "itself")
  expect.raises("loop or previous error loading module 'one'", asyncify, "one")
  expect.raises("loop or previous error loading module 'two'", asyncify, "two")
  -- Nothing of ours is a place, where a tail call has left none.
  for _, name in ipairs { "itself", "lacks" } do
    local raised = expect.raises("module '", asyncify, name)
    expect.equal(raised:find("[cosock", 1, true), nil, raised)
  end
  local caught = asyncify "caught"
  expect.equal(caught[1], false)
  expect.contains(caught[2], "loop or previous error loading module 'caught'")
end
check_loops()
cosock.spawn(check_loops, "loops in a task")
cosock.run()
expect.equal(counts.itself, 4)
expect.equal(asyncify("hen").egg.hen, asyncify "hen")
expect.equal(counts.hen, 1)
expect.equal(counts.egg, 1)

-- A chunk that waits.
sources.write {
  waits = counted("waits", "socket.sleep(0.002) return { after = counts.waits }"),
  waits_for_it = counted("waits_for_it", "return { it = require 'waits' }"),
  waits_and_fails = counted("waits_and_fails", "socket.sleep(0) error('after a wait', 0)"),
}
local got = {}
expect.tasks(function()
  got[1] = asyncify "waits_for_it"
end, function()
  got[2] = asyncify "waits_for_it"
end, function()
  got[3] = asyncify "waits"
end)
-- Who came first, whoever that was, has given all of them theirs.
expect.equal(got[2], got[1])
expect.equal(got[3], got[1].it)
expect.equal(asyncify "waits", got[3])
cosock.spawn(function()
  asyncify "waits_and_fails"
end, "fails")
expect.contains(expect.raises("after a wait", cosock.run), "waits_and_fails")
cosock.spawn(function()
  asyncify "waits_and_fails"
end, "fails again")
expect.raises("after a wait", cosock.run)
expect.equal(counts.waits_and_fails, 2)

-- A task that is cancelled while it loads leaves nothing behind.
sources.write { is_cancelled = counted("is_cancelled", "if counts.is_cancelled == 1 then socket.sleep(100) end return {}") }
local loading = cosock.spawn(function()
  asyncify "is_cancelled"
end, "loading")
cosock.spawn(function()
  socket.sleep(0)
  loading:cancel()
  expect.equal(type(asyncify "is_cancelled"), "table")
end, "canceller")
cosock.run()
expect.equal(counts.is_cancelled, 2)

-- Outside of tasks a wait raises what it always raises there.
sources.write { waits_outside = counted("waits_outside", "socket.sleep(0) return {}") }
expect.raises("not inside a cosock task", asyncify, "waits_outside")

sources.remove()
world.finish()
