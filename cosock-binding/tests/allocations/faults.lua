-- Runs the program whose name is in the global `program` once for each of its allocations, which fails.

-- A failed allocation is asked for once more after a collection, but on 5.1.
local at_once = _VERSION == "Lua 5.1" and 1 or 2

local function is_expected(err)
  -- The others are what Lua makes of a stack for which there is no memory.
  return tostring(err):find "memory" or tostring(err):find "too many values"
    or tostring(err):find "stack overflow"
end

-- The tasks that a failure has spared end; those whose peer is gone get to know that.
local function run_to_the_end()
  close_owned()
  collectgarbage()
  collectgarbage()
  for _ = 1, 20 do
    if pcall(cosock.run) then
      return
    end
  end
  error "it does not end"
end

local function assert_nothing_is_left(before, where)
  -- Spared tasks have opened others.
  close_owned()
  cosock.reset()
  collectgarbage()
  collectgarbage()
  local counts = cosock._debug()
  for _, what in ipairs { "tasks", "waiters", "timers" } do
    assert(counts[what] == 0, where .. ": " .. what .. " " .. counts[what])
  end
  -- A thread may have some open as long as it looks a name up.
  local function wait_for_threads()
    for _ = 1, 1000 do
      if descriptors() <= before and cosock._debug().lookups == 0 then
        return
      end
      socket.sleep(0.005)
    end
  end
  cosock.spawn(wait_for_threads)
  cosock.run()
  local after = descriptors()
  assert(after <= before, where .. ": descriptors " .. before .. ", then " .. after)
  assert(cosock._debug().lookups == 0, where .. ": look-ups")
end

local function fail_each(run, count)
  for number = 1, math.huge do
    collectgarbage()
    collectgarbage()
    local before = descriptors()
    local spared
    cosock.spawn(function()
      socket.sleep(0)
      spared = true
    end)
    local fine, err, struck = fault(number, count, run)
    local where = program .. ", request " .. number .. " and " .. count - 1 .. " more"
    assert(fine or (struck and is_expected(err)), where .. ": " .. tostring(err))
    run_to_the_end()
    -- This task wants memory for nothing but its own function and what it may be told of.
    assert(spared or not fine, where .. ": another task did not end")
    assert_nothing_is_left(before, where)
    if not struck then
      return number
    end
  end
end

local run = assert(programs[program], program)
-- What is compiled and made once for all is there afterwards.
run()
run()
run_to_the_end()
local tried = fail_each(run, at_once)
assert(tried > 15, "only " .. tried)
fail_each(run, 1e9)
run()
run_to_the_end()
