-- Tracebacks inside protected calls show what called them, too, with the lines that the language's own give: on
-- 5.1 after cosock.install_pcall() and in asyncified modules, elsewhere as ever.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"

local raw_pcall, raw_xpcall, raw_traceback = pcall, xpcall, debug.traceback
local is_replaced = expect.version == "5.1"

-- A library of which every line is the same whatever its pcall is. Its functions return tracebacks.
local text = [[
local library = {}
function library.with(pcall, xpcall, traceback, wait)
  local function fails()
    wait()
    error("boom", 0)
  end
  local function calls()
    fails()
    return 0
  end
  local function handler(err)
    return traceback(err, 2)
  end
  local function place(...)
    local trace = traceback(...)
    return trace
  end
  local cases = {}
  function cases.handler_is_traceback()
    local _, trace = xpcall(function() calls() return 0 end, traceback)
    return trace
  end
  function cases.handler_calls_traceback()
    local _, trace = xpcall(function() calls() return 0 end, handler)
    return trace
  end
  function cases.runtime_error()
    local _, trace = xpcall(function() wait() return nil + 1 end, handler)
    return trace
  end
  function cases.nested()
    local _, trace = xpcall(function()
      local ok, first = pcall(function() wait() local trace = traceback "first" return trace end)
      local _, second = xpcall(function() calls() return 0 end, handler)
      return error(first .. second, 0)
    end, traceback)
    return trace
  end
  function cases.plain()
    local ok, trace = pcall(function()
      wait()
      local one = place()
      wait()
      return one .. place("text") .. place("level", 2) .. place("all", 0)
    end)
    return trace
  end
  function cases.values()
    local value = {}
    assert(traceback(value) == value)
    assert(traceback("text", 1000) == "text\nstack traceback:")
    return traceback(12) .. tostring(traceback(nil))
  end
  function cases.deep()
    local function descend(level)
      if level == 0 then
        wait()
        error("bottom", 0)
      end
      local results = { pcall(descend, level - 1) }
      return error(results[2], 0)
    end
    local function sink(level)
      if level == 0 then
        return place()
      end
      local trace = sink(level - 1)
      return trace
    end
    local _, trace = xpcall(function()
      local _, text = pcall(sink, 30)
      local ok, err = pcall(sink, 5)
      return error(text .. err, 0)
    end, handler)
    return trace
  end
  return cases
end
return library
]]
sources.write { tracebacks = text }
local library = require "tracebacks"

-- What each case gives when the language's own functions call it at this place.
local function all(cases, wait)
  local traces = {}
  for name, case in pairs(cases) do
    wait()
    local trace = case()
    -- They are called at several places, and the library has two files.
    local lines = trace:gsub("(are%-whole%.lua):%d+", "%1"):gsub("[^\n\t<]*tracebacks%.lua", "library")
    traces[name] = lines
  end
  return traces
end
local function nothing() end

local function same(own, other, what)
  for name, trace in pairs(own) do
    expect.equal(other[name], trace, what .. " " .. name)
  end
end

-- Calls what makes traces: the same lines for each.
local function of(make)
  local traces = make()
  return traces
end
local function by_the_language()
  local traces = all(library.with(raw_pcall, raw_xpcall, raw_traceback, nothing), nothing)
  return traces
end
local wanted = of(by_the_language)
expect.contains(wanted.handler_calls_traceback, "boom\nstack traceback:\n")
expect.contains(wanted.handler_calls_traceback, "xpcall")

local function wait()
  cosock.socket.sleep(0)
end

-- A private copy has its own; the globals are still the language's.
sources.write {
  with_private_names = "local socket = require 'socket' local library = {} "
    .. "function library.cases(wait) return require('private_tracebacks').with(pcall, xpcall, debug.traceback, wait) end "
    .. "library.debug, library.traceback = require 'debug', debug.traceback return library",
  private_tracebacks = "local socket = require 'socket' " .. text,
}
local private = cosock.asyncify "with_private_names"
expect.equal(debug.traceback, raw_traceback)
expect.equal(private.traceback ~= raw_traceback, is_replaced)
expect.equal(private.debug.traceback, private.traceback)
expect.equal(private.debug.getinfo, debug.getinfo)

-- A program's own is left alone.
local function own() end
debug.traceback = own
cosock.install_pcall()
expect.equal(debug.traceback, own)
debug.traceback = raw_traceback
cosock.install_pcall()
expect.equal(debug.traceback ~= raw_traceback, is_replaced)

same(wanted, of(function()
  local traces = all(library.with(pcall, xpcall, debug.traceback, nothing), nothing)
  return traces
end), "outside of tasks")
for what, pause in pairs { ["without waits"] = nothing, ["after waits"] = wait } do
  expect.tasks(function()
    -- The language's own need no wait here.
    wanted = of(by_the_language)
    same(wanted, of(function()
      local traces = all(library.with(pcall, xpcall, debug.traceback, pause), pause)
      return traces
    end), what)
    same(wanted, of(function()
      local traces = all(private.cases(pause), pause)
      return traces
    end), "in a private copy " .. what)
    -- The raw one as handler is taken for ours.
    same({ handler_is_traceback = wanted.handler_is_traceback }, of(function()
      local traces = all(library.with(pcall, xpcall, raw_traceback, pause), pause)
      return traces
    end), "raw handler")
  end)
end

-- The task's end is the traceback's: nothing of what runs tasks.
expect.tasks(function()
  local trace
  pcall(function()
    wait()
    pcall(function()
      wait()
      trace = debug.traceback("here")
    end)
  end)
  local places, count = trace:gsub("pcall%-tracebacks%-are%-whole%.lua:%d+: in ", "")
  expect.equal(count, 3, trace)
  expect.equal(trace:find "%[cosock", nil, trace)
  expect.equal(select(2, trace:gsub("pcall'", "")), 2, trace)
end)

-- Of a coroutine that waits, too; and in what is told of tasks.
expect.tasks(function()
  local waiting
  local function waits_here()
    cosock.socket.sleep(0)
    cosock.socket.sleep(0.001)
  end
  cosock.spawn(function()
    waiting = coroutine.running()
    pcall(function()
      pcall(function() waits_here() return 0 end)
      return 0
    end)
  end, "waits")
  wait()
  wait()
  for _ = 1, 2 do
    local trace = debug.traceback(waiting, "of another")
    expect.contains(trace, "of another\nstack traceback:\n\t[C]: in ")
    expect.contains(trace, "waits_here")
    expect.equal(select(2, trace:gsub("are%-whole%.lua:", "")) >= 3, true, trace)
    expect.equal(trace:find("[cosock.pcall]", 1, true), nil, trace)
    for _, task in ipairs(cosock.get_thread_metadata()) do
      if task.name == "waits" then
        expect.contains(task.traceback, "waits_here")
      end
    end
    wait()
  end
end)

-- A coroutine of the program's own ends it, as everywhere.
expect.tasks(function()
  local trace = coroutine.wrap(function()
    local _, trace = pcall(function()
      return (debug.traceback())
    end)
    return trace
  end)()
  expect.equal(select(2, trace:gsub("are%-whole%.lua:", "")), 4, trace)
end)

sources.remove()
world.finish()
