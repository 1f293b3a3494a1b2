-- Inside a task every wait passes through pcall and xpcall: on 5.1 after cosock.install_pcall(), elsewhere as the
-- language has it. Results, errors, handlers and tracebacks are those of the language's own.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel

local raw = { pcall = pcall, xpcall = xpcall, running = coroutine.running, status = coroutine.status }
expect.equal(select("#", cosock.install_pcall()), 0)
local replaced = expect.version == "5.1"
expect.equal(pcall ~= raw.pcall, replaced)
expect.equal(xpcall ~= raw.xpcall, replaced)
local installed = pcall
cosock.install_pcall()
expect.equal(pcall, installed)

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- Every kind of wait, and what the calls give.
expect.tasks(function()
  local client, peer = network.pair()
  local tx, rx = channel.new()
  cosock.spawn(function()
    socket.sleep(0.002)
    peer:send("line\n")
    socket.sleep(0)
    tx:send("message")
    peer:close()
  end, "other side")
  check(expect.pack(pcall(function(...)
    local line = client:receive()
    return line, ...
  end, 1, nil)), true, "line", 1, nil)
  check(expect.pack(pcall(rx.receive, rx)), true, "message")
  check(expect.pack(pcall(client.receive, client)), true, nil, "closed", "")
  check(expect.pack(pcall(client.close, client)), true, client:close())
  check(expect.pack(pcall(socket.sleep, 0.001)), true)
  check(expect.pack(pcall(socket.select, {}, {}, 0.001)), true, nil, nil, "timeout")
  check(expect.pack(pcall(coroutine.yield, {}, {}, 0.001)), true, nil, nil, "timeout")
  check(expect.pack(pcall(setmetatable({}, { __call = function(_, ...)
    socket.sleep(0)
    return ...
  end }), "a", nil)), true, "a", nil)
  check(expect.pack(xpcall(function()
    socket.sleep(0)
    return 1, nil
  end, print)), true, 1, nil)
end)

-- Errors, before and after waits: the value itself, and texts as the language makes them.
local function failing(value, waits)
  return function()
    if waits then
      socket.sleep(0)
    end
    error(value, 0)
  end
end
expect.tasks(function()
  local object = {}
  for _, waits in ipairs { false, true } do
    for _, value in ipairs { "text", object, 42, true, print } do
      check(expect.pack(pcall(failing(value, waits))), false, value)
      local ok, handled = xpcall(failing(value, waits), function(err)
        return { err }
      end)
      expect.equal(ok, false)
      expect.equal(handled[1], value)
    end
    check(expect.pack(pcall(failing(nil, waits))), false, expect.nil_error)
    local _, text = pcall(function()
      if waits then
        socket.sleep(0)
      end
      local none
      return none.field
    end)
    expect.contains(text, "pcall-lets-waits-pass.lua:")
    expect.contains(text, "attempt to index")
    -- At the level of whoever called: that is pcall, which has no position.
    check(expect.pack(pcall(function()
      error("no position", 2)
    end)), false, "no position")
  end
  for _, bad in ipairs { 5, "text", {}, true } do
    check(expect.pack(pcall(bad)), raw.pcall(bad))
  end
  check(expect.pack(pcall(nil)), raw.pcall(nil))
  check(expect.pack(pcall(string.rep)), raw.pcall(string.rep))
  check(expect.pack(pcall(error)), raw.pcall(error))
  for _, call in ipairs { pcall, raw.pcall } do
    local _, message = raw.pcall(call)
    expect.contains(message, "bad argument #1")
    expect.contains(message, "value expected")
  end
end)

-- Handlers run where the error is: they see its locals and its frames.
local function place_of_the_error(waits)
  local here = "a local of the place"
  if waits then
    socket.sleep(0)
  end
  error(here)
end
local function outer_function(waits)
  place_of_the_error(waits)
  return 0
end
expect.tasks(function()
  for _, waits in ipairs { false, true } do
    local ok, trace = xpcall(function() outer_function(waits) return 0 end, debug.traceback)
    expect.equal(ok, false)
    expect.contains(trace, "a local of the place\nstack traceback:\n")
    expect.contains(trace, "place_of_the_error")
    expect.contains(trace, "outer_function")
    local same
    ok, trace = xpcall(function() outer_function(waits) return 0 end, function(err)
      same = err
      return debug.traceback("own: " .. err, 1)
    end)
    expect.equal(ok, false)
    expect.contains(same, "a local of the place")
    expect.contains(trace, "own: ")
    expect.contains(trace, "place_of_the_error")
    expect.contains(trace, "outer_function")
    -- One result of the handler, whatever it is; none is nil.
    local object = {}
    check(expect.pack(xpcall(failing("e", waits), function() return object, 2 end)), false, object)
    check(expect.pack(xpcall(failing("e", waits), function() end)), false, expect.nil_error)
    -- A handler that fails, or waits, fails the call and nothing else.
    for _, handler in ipairs { function(err) error(err) end, function() socket.sleep(0) end,
      function() coroutine.yield() end } do
      local results = expect.pack(xpcall(failing("e", waits), handler))
      expect.equal(results[1], false)
    end
  end
end)

-- Nested: each catches its own; deep; and far too deep, which is an error and not the end.
expect.tasks(function()
  check(expect.pack(pcall(function()
    local ok, err = pcall(failing("inner", true))
    expect.equal(ok, false)
    expect.equal(err, "inner")
    socket.sleep(0)
    return pcall(failing("second", true))
  end)), true, false, "second")
  local function descend(level)
    if level == 0 then
      socket.sleep(0.001)
      error("the bottom", 0)
    end
    local ok, err = pcall(descend, level - 1)
    expect.equal(ok, false)
    socket.sleep(0)
    error(err, 0)
  end
  check(expect.pack(pcall(descend, 100)), false, "the bottom")
  local depth = 0
  local function too_deep()
    depth = depth + 1
    if depth > 5000 then
      return
    end
    local ok, err = pcall(too_deep)
    if not ok then
      error(err, 0)
    end
  end
  local ok, err = pcall(too_deep)
  if not ok then
    expect.contains(err, "stack overflow")
  end
  check(expect.pack(pcall(socket.sleep, 0)), true)
end)

-- Many values, in and out and across the wait.
expect.tasks(function()
  local many = {}
  for place = 1, 200 do
    many[place] = place
  end
  local unpack = table.unpack or unpack
  local results = expect.pack(pcall(function(...)
    socket.sleep(0)
    return ...
  end, unpack(many)))
  expect.equal(results.n, 201)
  expect.equal(results[201], 200)
end)

-- What runs inside is, to the program, the coroutine that called.
expect.tasks(function()
  local own = coroutine.running()
  pcall(function()
    expect.equal(coroutine.running(), own)
    expect.equal(coroutine.status(own), "running")
    local ok, err = coroutine.resume(own)
    expect.equal(ok, false)
    expect.contains(err, "cannot resume")
    socket.sleep(0)
    expect.equal(coroutine.running(), own)
    local inner
    inner = coroutine.create(function()
      expect.equal(coroutine.running(), inner)
      expect.equal(coroutine.status(own), "normal")
      pcall(function()
        expect.equal(coroutine.running(), inner)
        expect.equal(coroutine.status(inner), "running")
        coroutine.yield("given")
      end)
      expect.equal(coroutine.running(), inner)
      return "over"
    end)
    expect.list(expect.pack(coroutine.resume(inner)), { true, "given", n = 2 })
    expect.equal(coroutine.status(inner), "suspended")
    expect.list(expect.pack(coroutine.resume(inner)), { true, "over", n = 2 })
    expect.equal(coroutine.status(inner), "dead")
  end)
  expect.equal(coroutine.running(), own)
end)

-- A yield of the program's own passes through it, to whoever resumed; so generators may use pcall.
expect.tasks(function()
  local generate = coroutine.wrap(function()
    for number = 1, 3 do
      local ok, got = pcall(function()
        return coroutine.yield(number)
      end)
      expect.equal(ok, true)
      expect.equal(got, number * 10)
    end
    return "end"
  end)
  expect.equal(generate(), 1)
  expect.equal(generate(10), 2)
  expect.equal(generate(20), 3)
  expect.equal(generate(30), "end")
end)

-- Where no wait is possible it fails inside, and is caught there.
expect.tasks(function()
  local caught = {}
  table.sort({ 2, 1 }, function(a, b)
    caught = expect.pack(pcall(socket.sleep, 0))
    return a < b
  end)
  expect.equal(caught[1], false)
  expect.contains(caught[2], expect.no_yield)
end)
if expect.version == "5.1" then
  expect.tasks(function()
    local function iterator(_, number)
      local ok, err = pcall(socket.sleep, 0)
      expect.equal(ok, false)
      expect.contains(err, expect.no_yield)
      return (number or 0) < 3 and (number or 0) + 1 or nil
    end
    local count = 0
    for number in iterator do
      count = count + number
    end
    expect.equal(count, 6)
  end)
end
do
  local ok, err = pcall(socket.sleep, 0)
  expect.equal(ok, false)
  expect.contains(err, "not inside a cosock task")
end

-- Names are looked up while others run, inside it too.
expect.tasks(function()
  local ticks, over = 0, false
  cosock.spawn(function()
    while not over do
      ticks = ticks + 1
      socket.sleep(0)
    end
  end, "ticker")
  local ok, address = pcall(socket.dns.toip, "localhost")
  over = true
  expect.equal(ok, true)
  expect.equal(address, "127.0.0.1")
  expect.equal(ticks > 0, true)
end)

-- A stack that is full. Last: a collection walks through all of it, and one at every call would take for ever.
expect.usual_collector()
expect.tasks(function()
  local function endless(...)
    return 1 + endless(...)
  end
  for _, waits in ipairs { false, true } do
    local ok, err = pcall(function()
      if waits then
        socket.sleep(0)
      end
      return 1 + endless()
    end)
    expect.equal(ok, false)
    expect.contains(err, "stack overflow")
    ok, err = xpcall(function() return 1 + endless() end, function(text) return "handled " .. tostring(text):sub(1, 200) end)
    expect.equal(ok, false)
    expect.equal(type(err), "string")
  end
  check(expect.pack(pcall(socket.sleep, 0)), true)
end)

world.finish()
