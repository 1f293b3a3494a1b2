-- claim: get_thread_metadata tells what each task waits for
-- chapter: tasks
-- source: the rock's README
-- covers: T25 T26 T27 cosock.get_thread_metadata
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function entry_of(name)
  for _, entry in ipairs(cosock.get_thread_metadata()) do
    if entry.name == name then
      return entry
    end
  end
  return {}
end

local function shown(claim, entry)
  trace.values(claim .. ".status", entry.status)
  trace.values(claim .. ".counts", entry.recvt, entry.sendt)
  trace.values(claim .. ".timeout", entry.timeout)
  local last_wake = entry.last_wake
  local is_now = type(last_wake) == "number" and math.abs(os.time() - last_wake) < 5
  trace.values(claim .. ".last_wake", is_now and "now" or last_wake)
  trace.values(claim .. ".last_wake-is-whole", last_wake ~= nil and not tostring(last_wake):find("%."))
  trace.values(claim .. ".traceback", entry.traceback and entry.traceback:match("^[^\n]*"))
end

trace.values("no-tasks", #cosock.get_thread_metadata())
trace.values("no-tasks.counts", select("#", cosock.get_thread_metadata()))

local never = cosock.spawn(function() end, "never")
shown("never-started", entry_of("never"))
trace.values("never-started.entries", #cosock.get_thread_metadata())
never:cancel()
cosock.run()

trace.task("in-a-task", function()
  local sender, receiver = cosock.channel.new()
  local other_sender, other = cosock.channel.new()
  local mapped_sender, mapped = cosock.channel.new()
  cosock.spawn(function() socket.select({ receiver, other }, nil, 5) end, "selects")
  cosock.spawn(function() socket.sleep(3) end, "sleeps")
  cosock.spawn(function() socket.sleep(2.5) end, "sleeps-a-fraction")
  cosock.spawn(function() coroutine.yield({}, {}, 4.0) end, "sleeps-a-float")
  cosock.spawn(function() coroutine.yield({ receiver = mapped }, {}, nil) end, "map")
  local nested
  cosock.spawn(function()
    socket.sleep(0)
    shown("itself", entry_of("itself"))
    nested = coroutine.wrap(function() shown("within", entry_of("itself")) end)
    nested()
  end, "itself")
  trace.settle()
  shown("selects", entry_of("selects"))
  shown("sleeps", entry_of("sleeps"))
  shown("sleeps-a-fraction", entry_of("sleeps-a-fraction"))
  shown("sleeps-a-float", entry_of("sleeps-a-float"))
  local entries = #cosock.get_thread_metadata()
  cosock.reset()
  return entries, sender ~= other_sender, mapped_sender ~= nil
end)
