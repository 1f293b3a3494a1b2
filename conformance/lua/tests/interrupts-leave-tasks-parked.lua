-- When Ctrl-C's hook fires while the loop looks at what a task has yielded, run ends with "interrupted!" and the
-- task is parked all the same: it goes on when run is called again.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

-- The interpreter sets such a hook in the main coroutine, which 5.1 cannot name; on LuaJIT it is everybody's.
local main = coroutine.running()
if not main or expect.version == "jit" then
  return world.finish()
end

local function interrupt()
  debug.sethook(main, function()
    debug.sethook(main)
    error("interrupted!", 0)
  end, "c")
end

local handled = {}
cosock.seterrorhandler(function(err)
  handled[#handled + 1] = tostring(err)
end)

for what, wait in pairs {
  select = function()
    local _, _, err = socket.select({}, {}, 0.01)
    expect.equal(err, "timeout")
  end,
  ["a yield by hand"] = function()
    local _, _, err = coroutine.yield({}, {}, 0.01)
    expect.equal(err, "timeout")
  end,
  ["a channel"] = function()
    local tx, rx = cosock.channel.new()
    rx:settimeout(0.01)
    expect.list(expect.pack(rx:receive()), { n = 2, nil, "timeout" })
    tx:close()
  end,
} do
  local done, other = false, 0
  cosock.spawn(function()
    interrupt()
    wait()
    done = true
  end, what)
  cosock.spawn(function()
    for _ = 1, 3 do
      socket.sleep(0.001)
      other = other + 1
    end
  end, "other")
  local fine, raised = pcall(cosock.run)
  expect.equal(fine, false, what)
  expect.contains(raised, "interrupted!", what)
  expect.equal(done, false, what)
  cosock.run()
  expect.equal(done, true, what)
  expect.equal(other, 3, what)
  expect.list(handled, {}, what)
end

-- At whatever call or return of a wait with a waker it comes: nothing keeps a waker, and the task goes on.
for place = 1, 12 do
  local tx, rx = cosock.channel.new()
  local done, count = false, place
  cosock.spawn(function()
    debug.sethook(main, function()
      count = count - 1
      if count == 0 then
        debug.sethook(main)
        error("interrupted!", 0)
      end
    end, "cr")
    socket.select({ rx }, nil, 0.005)
    done = true
  end, "selects")
  local fine, raised = pcall(cosock.run)
  debug.sethook(main)
  if not fine then
    expect.contains(raised, "interrupted!", place)
    cosock.run()
  end
  expect.equal(done, true, place)
  expect.equal(rx.link.waker, nil, place)
  cosock.spawn(function()
    tx:send(place)
    expect.equal(rx:receive(), place)
  end)
  cosock.run()
  expect.list(handled, {}, place)
end

-- Nor does it take the waker of another task that waits on the object already.
for place = 1, 30 do
  local one, two = {}, {}
  for _, object in ipairs { one, two } do
    function object:setwaker(_, waker)
      if waker and self.waker then
        error("waited on", 0)
      end
      self.waker = waker
    end
  end
  local refused, done, count
  cosock.spawn(function()
    socket.select { one, two }
    done = true
  end, "first")
  cosock.spawn(function()
    socket.sleep(0)
    expect.equal(type(one.waker) == "function" and type(two.waker) == "function", true)
    count = place
    debug.sethook(main, function()
      count = count - 1
      if count == 0 then
        debug.sethook(main)
        error("interrupted!", 0)
      end
    end, "cr")
    local fine, err = pcall(socket.select, { one, two }, nil, 1000)
    debug.sethook(main)
    refused = not fine and err
  end, "second")
  local fine, raised = pcall(cosock.run)
  expect.equal(fine, false, place)
  if not tostring(raised):find("deadlock", 1, true) then
    expect.contains(raised, "interrupted!", place)
    expect.contains(select(2, pcall(cosock.run)), "deadlock", place)
  end
  expect.equal(refused, "waited on", place)
  one.waker()
  cosock.run()
  expect.equal(done, true, place)
  expect.equal(two.waker, nil, place)
  expect.list(handled, {}, place)
end

world.finish()
