-- A finalizer or a debug hook may resume coroutines that wait: they yield the protocol's values to it and go on,
-- inside and outside of tasks. It may even run tasks, which LuaJIT cannot and refuses.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local function finalize_by(fn)
  if newproxy then
    getmetatable(newproxy(true)).__gc = fn
  else
    setmetatable({}, { __gc = fn })
  end
end

local function hook_by(fn)
  debug.sethook(function()
    debug.sethook()
    fn()
  end, "c")
  tostring(fn)
end

-- Calls `fn` in a finalizer or a hook, and raises here what it raises.
local function in_between(way, fn)
  local fine, err
  local function call()
    fine, err = pcall(fn)
  end
  if way == "finalizer" then
    finalize_by(call)
    collectgarbage()
    collectgarbage()
  else
    hook_by(call)
  end
  assert(fine, err or "it was not called")
end

local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", 0))
local tx, rx = channel.new()

local waits = {
  sleep = function()
    socket.sleep(1000)
    return "resumed"
  end,
  select = function()
    local recvr = socket.select({ rx }, nil, 1000)
    return recvr
  end,
  ["a channel"] = function()
    rx:settimeout(1000)
    return rx:receive()
  end,
  ["a socket"] = function()
    udp:settimeout(1000)
    return udp:receive()
  end,
}
local resumed_with = { select = { "resumed" }, ["a channel"] = {}, ["a socket"] = { { udp } } }
local after = {
  ["a channel"] = function()
    tx:send "resumed"
  end,
  ["a socket"] = function()
    assert(udp:sendto("resumed", udp:getsockname()))
  end,
}

local function resume_all(way)
  for what, wait in pairs(waits) do
    in_between(way, function()
      local co = coroutine.create(wait)
      local going, _, _, timeout = coroutine.resume(co)
      expect.equal(going, true, what)
      expect.equal(timeout, 1000, what)
      if after[what] then
        after[what]()
      end
      local given = resumed_with[what] or {}
      local fine, result = coroutine.resume(co, given[1], nil, nil)
      expect.equal(fine, true, what)
      expect.equal(result, "resumed", what)
      expect.equal(coroutine.status(co), "dead", what)
    end)
  end
end

for _, way in ipairs { "finalizer", "hook" } do
  resume_all(way)
  local went_on = false
  cosock.spawn(function()
    resume_all(way)
    socket.sleep(0.001)
    went_on = true
  end, way)
  cosock.run()
  expect.equal(went_on, true, way)

  -- What has waited once in there runs as ever outside.
  local co = coroutine.create(function()
    socket.sleep(1)
    socket.sleep(2)
    return "done"
  end)
  in_between(way, function()
    expect.equal(select(4, coroutine.resume(co)), 1)
  end)
  expect.equal(select(4, coroutine.resume(co)), 2)
  expect.equal(select(2, coroutine.resume(co)), "done")

  local ran = false
  cosock.spawn(function()
    socket.sleep(0.001)
    ran = true
  end, "runs within")
  in_between(way, function()
    if expect.version == "jit" then
      expect.raises("cannot run in a finalizer or a debug hook", cosock.run)
    else
      cosock.run()
      expect.equal(ran, true, way)
    end
  end)
  cosock.run()
  expect.equal(ran, true, way)
end

udp:close()
world.finish()
