-- Whoever tells of a task makes tables and strings, and each of them may run a finalizer that ends this very task
-- and collects it: the metadata, the report of a deadlock, an error and its traceback, a call of `_wake`. What is
-- told is right all the same, or is left out.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

-- Calls `action` at each collection until it returns false.
local function at_collections(action)
  local function finalize()
    if action() then
      at_collections(action)
      -- A finalizer that has made something puts the next step of 5.2 off.
      collectgarbage("restart")
    end
  end
  if newproxy then
    getmetatable(newproxy(true)).__gc = finalize
  else
    setmetatable({}, { __gc = finalize })
  end
end

-- What takes the memory of coroutines that were collected.
local taken = {}

-- Calls `fn`, and meanwhile `strike` in the finalizer that comes at its so-manieth allocation; tells whether it
-- has so many.
local function strike_at(place, strike, fn)
  local waits, count, failed = true, 0, nil
  at_collections(function()
    count = count + 1
    if not waits or count < place then
      return waits
    end
    waits = false
    local fine, err = pcall(strike)
    -- The task that runs at this moment cannot be cancelled.
    failed = not fine and not err:find "from itself" and err
    -- A finalizer of 5.4 and later cannot collect; there the next allocation does.
    collectgarbage()
    collectgarbage()
    for number = 1, 40 do
      taken[number] = coroutine.create(function() end)
    end
    return false
  end)
  expect.eager_collector()
  local fine, err = pcall(fn)
  expect.usual_collector()
  local struck = not waits
  waits = false
  assert(fine, err)
  assert(not failed, failed)
  return struck
end

-- Calls `round` with 1, 2, ... until it says that there are no more allocations.
local function at_every_place(least, round)
  local place = 1
  while round(place) do
    place = place + 1
  end
  assert(place > least, "only " .. place .. " allocations")
end

local function cancel(handles)
  for number = #handles, 1, -1 do
    handles[number]:cancel()
    handles[number] = nil
  end
end

-- What the traceback of a task that waits in the function must have. Of 5.4 on, cancelling a task closes its
-- coroutine, which then waits nowhere.
local function traceback_with(name)
  return coroutine.close and "stack traceback:" or name
end

local function sleeps_here()
  socket.sleep(1000)
  return "done"
end

-- In the traceback of its task `sleeps_here` has its name.
local function sleep()
  sleeps_here()
  return "done"
end

-- The metadata.
at_every_place(10, function(place)
  local struck
  cosock.spawn(function()
    local handles = { cosock.spawn(sleep, "first victim"), cosock.spawn(sleep, "second victim") }
    socket.sleep(0)
    local list
    struck = strike_at(place, function()
      cancel(handles)
    end, function()
      list = cosock.get_thread_metadata()
    end)
    cancel(handles)
    expect.equal(list[1].name, "looks")
    for number = 2, #list do
      local entry = list[number]
      expect.contains(entry.name, "victim", place)
      expect.contains(entry.traceback, traceback_with "sleeps_here", place)
      expect.equal(entry.timeout, 1000, place)
      expect.equal(type(entry.last_wake), "number", place)
    end
  end, "looks")
  cosock.run()
  return struck
end)

-- The report of a deadlock.
at_every_place(10, function(place)
  local handles, senders = {}, {}
  for number = 1, 2 do
    local tx, rx = channel.new()
    senders[number] = tx
    handles[number] = cosock.spawn(function()
      rx:receive()
      return "done"
    end, number == 1 and "a victim" or nil)
  end
  local fine, report
  local struck = strike_at(place, function()
    cancel(handles)
  end, function()
    fine, report = pcall(cosock.run)
  end)
  if not fine then
    expect.contains(report, "deadlock: ", place)
    local rest = report:gsub("\n  task ([^\n]*) waits in receive of a channel %(recvt: 1, sendt: 0%)\n    ([^\n]*)",
      function(name, where)
        assert(name == "'a victim'" or name:find "^thread: ", report)
        assert(where:find "tasks%-ended%-while[^\n]*:%d+$" or coroutine.close and where == "?", report)
        return ""
      end)
    expect.contains(rest, "no other can bring:", report)
    expect.equal(rest:find("\n", 1, true), nil, report)
  end
  cancel(handles)
  return struck
end)

-- Errors of `_wake`, whose traceback is made, and before that the call of it.
local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", 0))
local out = assert(socket.udp())

local function woken_at(place, fails, strike, told)
  local object = { inner_sock = udp.inner_sock }
  local called
  function object:setwaker(_, waker)
    self.waker = waker
  end
  function object:_wake(kind)
    expect.equal(self, object, place)
    expect.equal(kind, "recvr", place)
    called = true
    if fails then
      error("a wake that fails", 0)
    end
    self.waker()
  end
  local function selects_here()
    socket.select { object }
    return "done"
  end
  local handles = {
    cosock.spawn(function()
      selects_here()
      return "done"
    end, "a victim", { onerror = told }),
  }
  assert(out:sendto("x", udp:getsockname()))
  local struck = strike_at(place, function()
    strike(handles)
  end, cosock.run)
  cancel(handles)
  udp:settimeout(0)
  udp:receive()
  return struck, called
end

at_every_place(5, function(place)
  local tellings = 0
  local struck, called = woken_at(place, true, cancel, function(err, traceback)
    tellings = tellings + 1
    expect.equal(err, "a wake that fails", place)
    expect.contains(traceback, traceback_with "selects_here", place)
  end)
  assert(tellings <= 1, place)
  if not struck then
    expect.equal(called and tellings, 1)
  end
  return struck
end)

at_every_place(5, function(place)
  local struck, called = woken_at(place, false, cancel, function(err)
    error(err, 0)
  end)
  if not struck then
    expect.equal(called, true)
  end
  return struck
end)
udp:close()
out:close()

-- An error of a task whose coroutine is closed meanwhile; no language before 5.4 can do that.
if coroutine.close then
  at_every_place(2, function(place)
    local co, told
    local value = { "an error" }
    cosock.spawn(function()
      co = coroutine.running()
      error(value)
    end, "a victim", {
      onerror = function(err, traceback)
        told = err
        expect.contains(traceback, "stack traceback:", place)
      end,
    })
    local struck = strike_at(place, function()
      if co and coroutine.status(co) == "dead" then
        coroutine.close(co)
      end
    end, cosock.run)
    expect.equal(told, value, place)
    return struck
  end)
end

-- A coroutine within a task: while the wait that it has yielded is handed upward, somebody else resumes it to its
-- end.
local resume, status = coroutine.resume, coroutine.status
cosock.install_coroutine()
at_every_place(5, function(place)
  local co, results
  cosock.spawn(function()
    co = coroutine.create(function()
      socket.select({}, {}, 0)
      socket.sleep(0)
      return "returned"
    end)
    coroutine.yield({}, {}, 0)
    results = expect.pack(coroutine.resume(co))
  end, "resumes")
  local struck = strike_at(place, function()
    while co and status(co) == "suspended" do
      assert(resume(co))
    end
  end, cosock.run)
  local wanted = results[1] and { n = 2, true, "returned" } or { n = 2, false, "cannot resume dead coroutine" }
  expect.list(results, wanted, place)
  return struck
end)

world.finish()
