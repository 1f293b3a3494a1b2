-- Comparisons for the test scripts, which say what came and what was expected.
local cosock = require "cosock"
local collector = require "collector"

local expect = {}

-- "5.1", "5.2", ..., or "jit" for LuaJIT, which calls itself 5.1.
expect.version = rawget(_G, "jit") and "jit" or _VERSION:match "%d+%.%d+"

-- What Lua says of a yield across a C function.
expect.no_yield = "attempt to yield across a C-call boundary"
if expect.version == "5.1" then
  expect.no_yield = "attempt to yield across metamethod/C-call boundary"
elseif expect.version == "jit" then
  expect.no_yield = "attempt to yield across C-call boundary"
end

-- What becomes of an error that is nil: since 5.5 a text.
if expect.version == "5.5" then
  expect.nil_error = "<no error object>"
end

-- Taken now: a test may replace them.
local pcall, error, tostring, type, debug_counts = pcall, error, tostring, type, cosock._debug
local format, find, concat = string.format, string.find, table.concat

local function show(value)
  return type(value) == "string" and format("%q", value) or tostring(value)
end

local function fail(message, what, level)
  error((what and what .. ": " or "") .. message, (level or 1) + 2)
end

function expect.equal(got, wanted, what)
  if not rawequal(got, wanted) then
    fail("expected " .. show(wanted) .. ", got " .. show(got), what)
  end
end

-- All values of a call, their number included.
function expect.pack(...)
  return { n = select("#", ...), ... }
end

local function show_all(list)
  local shown = {}
  for place = 1, list.n or #list do
    shown[place] = show(list[place])
  end
  return "(" .. concat(shown, ", ") .. ")"
end

-- Compares two lists, element by element; each may have a count `n`.
function expect.list(got, wanted, what)
  if type(got) ~= "table" then
    fail("expected a list, got " .. show(got), what)
  end
  local same = (got.n or #got) == (wanted.n or #wanted)
  for place = 1, same and (wanted.n or #wanted) or 0 do
    same = same and rawequal(got[place], wanted[place])
  end
  if not same then
    fail("expected " .. show_all(wanted) .. ", got " .. show_all(got), what)
  end
end

function expect.contains(text, part, what)
  if type(text) ~= "string" or not find(text, part, 1, true) then
    fail("expected " .. show(part) .. " in " .. show(text), what)
  end
end

-- The call must raise a text with `part` in it, or the value `part` itself; returns what it raised.
function expect.raises(part, fn, ...)
  local fine, raised = pcall(fn, ...)
  if fine then
    fail("expected an error with " .. show(part) .. ", but none was raised")
  end
  if type(part) == "string" then
    if type(raised) ~= "string" or not find(raised, part, 1, true) then
      fail("expected an error with " .. show(part) .. ", got " .. show(raised))
    end
  elseif not rawequal(raised, part) then
    fail("expected the error " .. show(part) .. ", got " .. show(raised))
  end
  return raised
end

-- Runs the functions as tasks until all are over.
function expect.tasks(...)
  for number = 1, select("#", ...) do
    cosock.spawn((select(number, ...)), "task " .. number)
  end
  cosock.run()
end

-- No task, no waiter, no deadline and no look-up may be left. `counts` names those that may.
function expect.nothing_waits(counts)
  local left = debug_counts()
  for _, what in ipairs { "tasks", "waiters", "timers", "lookups" } do
    local allowed = counts and counts[what] or 0
    if left[what] ~= allowed then
      fail("expected " .. allowed .. " " .. what .. ", got " .. tostring(left[what]))
    end
  end
end

-- For tests of large numbers, which would take for ever under the most eager collector.
expect.usual_collector = collector.usual

-- A whole collection at nearly every allocation.
expect.eager_collector = collector.eager

return expect
