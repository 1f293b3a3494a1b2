-- protect, try and newtry with waits inside, on every Lua: results, messages of any kind, errors of others,
-- finalizers that wait or fail, nesting; in a task, in a coroutine of it, and with the global pcall untouched.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket
local raw_pcall = pcall

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- A conversation, with every end that it can have.
expect.tasks(function()
  local server, port = network.listener()
  local closed = 0
  local talk = socket.protect(function(to, ...)
    local sock = socket.try(socket.tcp())
    local try = socket.newtry(function()
      closed = closed + 1
      sock:close()
    end)
    try(sock:connect("127.0.0.1", to))
    sock:settimeout(5)
    try(sock:send("question\n"))
    local answer = try(sock:receive())
    sock:close()
    return answer, ...
  end)
  cosock.spawn(function()
    for number = 1, 2 do
      local peer = server:accept()
      peer:receive()
      if number == 1 then
        peer:send("answer\n")
      end
      peer:close()
    end
  end, "server")
  check(expect.pack(talk(port, 1, nil)), "answer", 1, nil)
  expect.equal(closed, 0)
  check(expect.pack(talk(port)), nil, "closed")
  expect.equal(closed, 1)
  local refusing, keeper = network.refusing_port()
  check(expect.pack(talk(refusing)), nil, "connection refused")
  expect.equal(closed, 2)
  keeper:close()
  server:close()
end)

-- Messages of any kind; errors of others pass, whole.
local object = setmetatable({}, { __tostring = function() return "an object" end })
expect.tasks(function()
  for _, message in ipairs { "text", object, 42, false, true } do
    check(expect.pack(socket.protect(function()
      socket.sleep(0)
      socket.try(nil, message)
    end)()), nil, message)
    check(expect.pack(socket.protect(function()
      socket.sleep(0)
      socket.try(false, message, "more")
    end)()), nil, message)
  end
  for _, value in ipairs { "text", object, 42, print } do
    local protected = socket.protect(function()
      socket.sleep(0)
      error(value, 0)
    end)
    -- What passes protect ends the task; its handler is told.
    local told
    cosock.spawn(protected, "passes", {
      onerror = function(err)
        told = { err }
      end,
    })
    network.wait_until(function() return told end)
    expect.equal(told[1], value)
  end
  check(expect.pack(socket.protect(function() socket.sleep(0) end)()), nil)
  check(expect.pack(socket.protect(function(...) socket.sleep(0) return ... end)(1, nil, 3, nil)), 1, nil, 3, nil)
end)

-- Finalizers: once, before protect returns; they may wait; one that fails raises its own error.
expect.tasks(function()
  local order = {}
  local try = socket.newtry(function(...)
    expect.equal(select("#", ...), 0)
    order[#order + 1] = "begins"
    socket.sleep(0.001)
    order[#order + 1] = "ends"
  end)
  check(expect.pack(socket.protect(function()
    try(1, 2)
    socket.sleep(0)
    try(nil, "failed")
    order[#order + 1] = "never"
  end)()), nil, "failed")
  order[#order + 1] = "returned"
  expect.list(order, { "begins", "ends", "returned" })
  local failing = socket.newtry(function()
    socket.sleep(0)
    socket.try(nil, "the finalizer's")
  end)
  check(expect.pack(socket.protect(function()
    failing(nil, "lost")
  end)()), nil, "the finalizer's")
end)

-- Nested, and over tasks.
expect.tasks(function()
  check(expect.pack(socket.protect(function()
    local done, err = socket.protect(function()
      socket.sleep(0)
      socket.try(nil, "inner")
    end)()
    check({ done, err, n = 2 }, nil, "inner")
    socket.sleep(0)
    return socket.protect(function()
      socket.sleep(0)
      return "a result"
    end)()
  end)()), "a result")
  local answers = {}
  for number = 1, 20 do
    cosock.spawn(function()
      local _, err = socket.protect(function()
        socket.sleep(0.001)
        socket.try(nil, number)
      end)()
      answers[#answers + 1] = err
    end, "task " .. number)
  end
  network.wait_until(function() return #answers == 20 end)
  table.sort(answers)
  expect.equal(answers[1], 1)
  expect.equal(answers[20], 20)
end)

-- In a coroutine that the task relays by hand: waits come out as the protocol's.
expect.tasks(function()
  local protected = socket.protect(function()
    socket.sleep(0.001)
    socket.try(nil, "in a coroutine")
  end)
  local co = coroutine.create(protected)
  local results = expect.pack(coroutine.resume(co))
  local waits = 0
  while coroutine.status(co) ~= "dead" do
    waits = waits + 1
    results = expect.pack(coroutine.resume(co, coroutine.yield(results[2], results[3], results[4])))
  end
  check(results, true, nil, "in a coroutine")
  expect.equal(waits, 1)
end)

-- Where no wait is possible, protect is as LuaSocket's; what a wait raises there is no message.
check(expect.pack(socket.protect(function() socket.try(nil, "outside") end)()), nil, "outside")
expect.raises("not inside a cosock task", socket.protect(function() socket.sleep(0) end))
expect.equal(pcall, raw_pcall)

world.finish()
