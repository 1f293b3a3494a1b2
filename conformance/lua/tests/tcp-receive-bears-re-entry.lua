-- Finalizers and hooks may receive from a socket, or raise, in the middle of another receive from it: each line still
-- comes once, with the compiler of LuaJIT on or off.
local world = require "world"
local expect = require "expect"
local known_stream = require "known_stream"

local with_lines, takes = known_stream.with_lines, known_stream.takes

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

-- Finalizers that receive, and so in the middle of other receives: each line comes once. Returns how many ran.
local function finalizers(lines, garbage, every)
  local sock, peer = with_lines(lines)
  local taken, finalized = {}, 0
  local function take()
    local line = sock:receive()
    expect.equal(taken[line], nil)
    taken[line] = true
  end
  local leave_garbage
  local function finalize()
    finalized = finalized + 1
    if finalized <= garbage then
      -- The next one has its turn soon, be it that a copy for Lua is being made.
      leave_garbage()
      if finalized % every == 0 then
        take()
      end
    end
  end
  function leave_garbage()
    if newproxy then
      getmetatable(newproxy(true)).__gc = finalize
    else
      setmetatable({}, { __gc = finalize })
    end
  end
  take()
  expect.eager_collector()
  for _ = 1, garbage do
    if finalized < garbage then
      leave_garbage()
    end
    take()
  end
  expect.usual_collector()
  local count = finalized
  -- The last lines are nobody else's.
  finalized = garbage
  while sock:dirty() do
    take()
  end
  for number = 1, lines do
    expect.equal(taken[tostring(number)], true)
  end
  close(sock, peer)
  return count
end

local function finalizers_of_all_kinds()
  expect.equal(finalizers(400, 100, 1) > 20, true)
  for every = 1, 5 do
    for _ = 1, 4 do
      finalizers(60, 10, every)
    end
  end
end

-- A hook that receives in the middle of other receives.
local function hooks_that_receive()
  for events = 1, 60 do
    local sock, peer = with_lines(100)
    local taken, hooked = {}, 0
    local function take()
      local line = sock:receive()
      expect.equal(taken[line], nil)
      taken[line] = true
    end
    take()
    debug.sethook(function()
      hooked = hooked + 1
      if hooked <= 30 then
        take()
      end
    end, "", events)
    for _ = 1, 30 do
      take()
    end
    debug.sethook()
    while sock:dirty() do
      take()
    end
    for number = 1, 100 do
      expect.equal(taken[tostring(number)], true)
    end
    close(sock, peer)
  end
end

-- A hook that raises in the middle of anything: what comes is in order, and an interrupted call has lost at most its
-- own line.
local function interruptions()
  local sock, peer = with_lines(3000)
  local seen, interrupted = 0, 0
  local finished
  local place = 0
  repeat
    place = place + 1
    takes(sock, seen + 1, seen + 3)
    seen = seen + 3
    finished = pcall(function()
      debug.sethook(function()
        debug.sethook()
        error("interrupted", 0)
      end, "", place)
      for _ = 1, 4 do
        local line = tonumber((sock:receive()))
        expect.equal(line, seen + 1)
        seen = line
      end
      debug.sethook()
    end)
    if not finished then
      interrupted = interrupted + 1
      local line = tonumber((sock:receive()))
      expect.equal(line == seen + 1 or line == seen + 2, true)
      seen = line
    end
  until finished
  -- What is compiled calls no hook.
  expect.equal(interrupted > 10 or (rawget(_G, "jit") and jit.status()), true)
  takes(sock, seen + 1, seen + 20)
  close(sock, peer)
end

known_stream.compiled_and_not(function()
  expect.tasks(finalizers_of_all_kinds)
  expect.tasks(hooks_that_receive)
  expect.tasks(interruptions)
end)
world.finish()
