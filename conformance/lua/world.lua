-- Asks, at the end of a test script, whether the script left the world as it found it.
--
--   local world = require "world"   -- first: it notes which descriptors are open
--   ...                             -- the test, with cosock.run() as often as it likes
--   world.finish()                  -- last, outside any task: prints "ok", or raises what is left
--
-- What must be gone: tasks, registered sources, timers, name look-ups, and descriptors that the
-- script opened. On the rock (COSOCK_SUBJECT=reference) only tasks and descriptors can be seen.
local cosock = require "cosock"

local world = {}

local is_reference = os.getenv("COSOCK_SUBJECT") == "reference"
-- Taken now: a test may replace them.
local print, error, collectgarbage, popen = print, error, collectgarbage, io.popen
local get_thread_metadata = cosock.get_thread_metadata

local function process_id()
  local stat = assert(io.open("/proc/self/stat"))
  local id = stat:read("*l"):match("^%d+")
  stat:close()
  return id
end

-- What each descriptor of this process leads to, as a list of texts; without the pipe of this question,
-- of which one end is about to be closed while the shell looks.
local function descriptors()
  local names = {}
  local pipe = assert(popen("own=$(readlink /proc/$$/fd/1); for fd in /proc/" .. process_id()
    .. "/fd/*; do name=$(readlink $fd) || continue; [ \"$name\" = \"$own\" ] || echo \"$name\"; done"))
  for name in pipe:lines() do
    names[#names + 1] = name
  end
  pipe:close()
  return names
end

-- What the runtime itself opens at first use belongs to the world before the test.
local function warm_up()
  cosock.spawn(function()
    assert(cosock.socket.tcp()):close()
    cosock.socket.sleep(0)
  end, "warm-up")
  cosock.run()
  collectgarbage()
  collectgarbage()
end

local function new_since(before, now)
  local known, new = {}, {}
  for _, name in ipairs(before) do
    known[name] = true
  end
  for _, name in ipairs(now) do
    if not known[name] then
      new[#new + 1] = name
    end
  end
  return table.concat(new, ", ")
end

local function tasks_left()
  local names = {}
  for _, task in ipairs(get_thread_metadata()) do
    -- The rock keeps tasks that died by an error, and on 5.4 cancelled ones.
    if not (is_reference and task.status == "dead") then
      names[#names + 1] = tostring(task.name) .. " (" .. task.status .. ")"
    end
  end
  return names
end

local function complain_about_runtime(complain)
  local tasks = tasks_left()
  if #tasks > 0 then
    complain(#tasks .. " task(s): " .. table.concat(tasks, ", "))
  end
  if is_reference then
    return
  end
  local counts = cosock._debug()
  for _, what in ipairs { "tasks", "sources", "timers", "lookups" } do
    local count = assert(counts[what], "cosock._debug() counts no " .. what)
    if count ~= 0 then
      complain(count .. " of the runtime's " .. what)
    end
  end
end

warm_up()
local before = descriptors()

-- A look-up that was given up ends by itself: until then its thread may have a socket open.
local function descriptors_at_rest()
  local deadline = os.time() + 5
  local now
  repeat
    now = descriptors()
  until #now == #before or os.time() > deadline
  return now
end

function world.check()
  collectgarbage()
  collectgarbage()
  local complaints = {}
  local function complain(text)
    complaints[#complaints + 1] = text
  end
  complain_about_runtime(complain)
  local now = descriptors_at_rest()
  if #now ~= #before then
    local counts = #before .. " descriptors became " .. #now
    complain(counts .. ", new among them: " .. new_since(before, now))
  end
  if #complaints > 0 then
    error("left behind: " .. table.concat(complaints, "; "), 2)
  end
end

function world.finish()
  world.check()
  print("ok")
end

return world
