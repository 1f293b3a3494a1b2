-- Waiting within pcall, metamethods, iterators and callbacks of the library: where a version's language can
-- yield, a wait works; elsewhere it raises that version's own text, which the task can catch.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local unpack = table.unpack or unpack
local version = expect.version

-- The waits to try: each returns what `expect_waited` knows.
local waits = {
  function()
    socket.sleep(0)
    return "waited"
  end,
  function()
    local tx, rx = channel.new()
    cosock.spawn(function()
      tx:send "waited"
    end)
    return (rx:receive())
  end,
  function()
    local _, _, err = socket.select(nil, nil, 0)
    return err == "timeout" and "waited" or err
  end,
  function()
    local _, _, err = coroutine.yield(nil, nil, 0)
    return err == "timeout" and "waited" or err
  end,
  function()
    local sock, port = network.datagram()
    cosock.spawn(function()
      assert(sock:sendto("waited", "127.0.0.1", port))
    end)
    local datagram = sock:receive()
    sock:close()
    return datagram
  end,
}

-- Each place calls the wait and returns what came of it.
local places = {}

places["pcall"] = function(wait)
  local fine, result = pcall(wait)
  return fine and result or error(result, 0)
end

places["xpcall"] = function(wait)
  local fine, result = xpcall(wait, function(err)
    return err
  end)
  return fine and result or error(result, 0)
end

places["a metamethod __index"] = function(wait)
  return setmetatable({}, { __index = wait }).key
end

places["a metamethod __call"] = function(wait)
  return setmetatable({}, { __call = wait })()
end

places["a metamethod __add"] = function(wait)
  return setmetatable({}, { __add = wait }) + 1
end

places["a metamethod __concat"] = function(wait)
  return setmetatable({}, { __concat = wait }) .. "text"
end

places["a metamethod __lt"] = function(wait)
  local result
  local meta = {
    __lt = function()
      result = wait()
      return true
    end,
  }
  return setmetatable({}, meta) < setmetatable({}, meta) and result
end

places["a metamethod __newindex"] = function(wait)
  local result
  setmetatable({}, {
    __newindex = function()
      result = wait()
    end,
  }).key = 1
  return result
end

places["an iterator"] = function(wait)
  local result
  for value in function(_, last)
    return not last and wait() or nil
  end do
    result = value
  end
  return result
end

places["__pairs"] = function(wait)
  local result
  for _ in pairs(setmetatable({}, {
    __pairs = function()
      result = wait()
      return next, {}
    end,
  })) do
    break
  end
  return result
end

places["tostring"] = function(wait)
  return tostring(setmetatable({}, { __tostring = wait }))
end

places["gsub"] = function(wait)
  return (("x"):gsub("x", wait))
end

places["sort"] = function(wait)
  local result
  table.sort({ 1, 2, 3 }, function(a, b)
    result = wait()
    return a < b
  end)
  return result
end

places["a load reader"] = function(wait)
  local result
  local chunk = load(function()
    if result then
      return nil
    end
    result = wait()
    return "return 1"
  end)
  return chunk and result
end

places["a message handler"] = function(wait)
  local _, result = xpcall(error, function()
    return wait()
  end, "text")
  return result
end

places["require"] = function(wait)
  package.preload["a module that waits"] = function()
    return wait()
  end
  package.loaded["a module that waits"] = nil
  return (require "a module that waits")
end

places["dofile"] = function(wait)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write "return the_wait()"
  file:close()
  the_wait = wait -- luacheck: ignore
  local results = expect.pack(dofile(name))
  the_wait = nil -- luacheck: ignore
  os.remove(name)
  return unpack(results, 1, results.n)
end

-- Where it works; "-" says that the place does not exist.
local works = {
  ["pcall"] = { ["5.1"] = false, jit = true, default = true },
  ["xpcall"] = { ["5.1"] = false, jit = true, default = true },
  ["a metamethod __index"] = { ["5.1"] = false, jit = true, default = true },
  ["a metamethod __call"] = { ["5.1"] = true, jit = true, default = true },
  ["a metamethod __add"] = { ["5.1"] = false, jit = true, default = true },
  ["a metamethod __concat"] = { ["5.1"] = false, jit = true, default = true },
  ["a metamethod __lt"] = { ["5.1"] = false, jit = true, default = true },
  ["a metamethod __newindex"] = { ["5.1"] = false, jit = true, default = true },
  ["an iterator"] = { ["5.1"] = false, jit = true, default = true },
  ["__pairs"] = { ["5.1"] = "-", jit = "-", ["5.2"] = false, ["5.3"] = false, default = true },
  ["tostring"] = { jit = true, default = false },
  ["gsub"] = { default = false },
  ["sort"] = { default = false },
  ["a load reader"] = { default = false },
  ["a message handler"] = { default = false },
  ["require"] = { default = false },
  ["dofile"] = { ["5.1"] = false, jit = false, default = true },
}

for name, place in pairs(places) do
  local expected = works[name][version]
  if expected == nil then
    expected = works[name].default
  end
  for number, wait in ipairs(waits) do
    local what = name .. ", wait " .. number
    if expected ~= "-" then
      -- The error is caught outside: what an inner pcall does is another place.
      local result, raised, resumed
      cosock.spawn(function()
        result = place(wait)
        socket.sleep(0)
        resumed = true
      end, what, {
        onerror = function(err)
          raised = err
        end,
      })
      cosock.run()
      if expected then
        expect.equal(raised, nil, what)
        expect.equal(result, "waited", what)
        expect.equal(resumed, true, what)
      elseif name == "a load reader" or name == "a message handler" then
        -- These swallow the error.
        expect.equal(result ~= "waited", true, what)
      else
        expect.contains(raised, expect.no_yield, what)
      end
    end
    cosock.reset()
    collectgarbage()
  end
end

-- The error can be caught, and the task goes on and waits as before; nothing of the failed wait is left.
do
  local finished = false
  local tx, rx = channel.new()
  cosock.spawn(function()
    for _ = 1, 3 do
      local fine, raised = pcall(string.gsub, "x", "x", function()
        rx:receive()
      end)
      expect.equal(fine, false)
      expect.contains(raised, expect.no_yield)
    end
    expect.equal(rx:receive(), "message")
    socket.sleep(0)
    finished = true
  end)
  cosock.spawn(function()
    tx:send "message"
  end)
  cosock.run()
  expect.equal(finished, true)
end

-- What need not wait works everywhere.
do
  local sock, port = network.datagram()
  local tx, rx = channel.new()
  cosock.spawn(function()
    tx:send "message"
    assert(sock:sendto("datagram", "127.0.0.1", port))
    local got = ("x"):gsub("x", function()
      return rx:receive() .. " " .. sock:receive()
    end)
    expect.equal(got, "message datagram")
    local fine, result = pcall(rx.receive, (function()
      tx:send "again"
      return rx
    end)())
    expect.equal(fine, true)
    expect.equal(result, "again")
    local _, handled = xpcall(error, function()
      tx:close()
      return select(2, rx:receive())
    end)
    expect.equal(handled, "closed")
  end)
  cosock.run()
  sock:close()
end

-- Outside any task too; a wait raises there.
do
  local outside = version == "5.1" and expect.no_yield or version == "jit" and expect.no_yield
    or "attempt to yield from outside a coroutine"
  local tx, rx = channel.new()
  tx:send "message"
  expect.equal(rx:receive(), "message")
  for _, wait in ipairs {
    function() socket.sleep(0) end,
    function() socket.select({ rx }, nil, 0) end,
    function() rx:receive() end,
    function() coroutine.yield() end,
    function()
      local sock = network.datagram()
      local fine, raised = pcall(sock.receive, sock)
      sock:close()
      error(not fine and raised or "no error", 0)
    end,
  } do
    local raised = expect.raises(outside, wait)
    expect.equal(type(raised), "string")
  end
  expect.raises("not inside a cosock task", function()
    socket.sleep(0)
  end)
end

world.finish()
