-- After install_coroutine, the global wrap and resume hand cosock's own waits to the scheduler and everything
-- else to their caller: iterators and generators may wait, nested too. What the language says of errors, dead
-- coroutines and results stays.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local network = require "network"
local socket, channel = cosock.socket, cosock.channel

local raw = {}
for name, fn in pairs(coroutine) do
  raw[name] = fn
end
expect.equal(select("#", cosock.install_coroutine()), 0)
for name, fn in pairs(raw) do
  local replaced = name == "wrap" or name == "resume"
  expect.equal(coroutine[name] ~= fn, replaced, name)
end
local wrap, resume, create, yield, status =
  coroutine.wrap, coroutine.resume, coroutine.create, coroutine.yield, coroutine.status

-- Twice is no more than once.
cosock.install_coroutine()
expect.equal(coroutine.wrap, wrap)
expect.equal(coroutine.resume, resume)

-- The `for` of Lua 5.1 cannot wait in its iterator: there it gets a list that was made in a loop.
local function each(iterator)
  if expect.version ~= "5.1" then
    return iterator
  end
  local values, place = {}, 0
  local value = iterator()
  while value do
    values[#values + 1] = value
    value = iterator()
  end
  return function()
    place = place + 1
    return values[place]
  end
end

-- An iterator that reads a socket delivers data.
do
  local lines = {}
  cosock.spawn(function()
    local client, peer = network.pair()
    cosock.spawn(function()
      for number = 1, 5 do
        assert(peer:send("line " .. number .. "\n"))
        socket.sleep(0.001)
      end
      peer:close()
    end)
    local function each_line(sock)
      return wrap(function()
        while true do
          local line = sock:receive()
          if not line then
            return
          end
          yield(line)
        end
      end)
    end
    for line in each(each_line(client)) do
      lines[#lines + 1] = line
    end
    client:close()
  end)
  cosock.run()
  expect.list(lines, { "line 1", "line 2", "line 3", "line 4", "line 5" })
end

-- Every wait, through resume, and several coroutines deep; the values of other yields and resumes arrive.
for depth = 1, 3 do
  local log = {}
  cosock.spawn(function()
    local tx, rx = channel.new()
    cosock.spawn(function()
      for number = 1, 3 do
        socket.sleep(0)
        tx:send(number)
      end
    end)
    local function body(level, first)
      if level > 0 then
        local co = create(body)
        local results = expect.pack(resume(co, level - 1, first))
        while status(co) == "suspended" do
          expect.equal(results[1], true)
          results = expect.pack(resume(co, yield(results[2], results[3])))
        end
        return select(2, (table.unpack or unpack)(results, 1, results.n))
      end
      socket.sleep(0.001)
      local reply = yield(first, rx:receive())
      local sum = reply + rx:receive()
      local _, _, err = socket.select({}, {}, 0.001)
      local again, second = yield(sum, err)
      return again, second, rx:receive()
    end
    local co = create(body)
    log[1] = expect.pack(resume(co, depth, "first"))
    log[2] = expect.pack(resume(co, 10))
    log[3] = expect.pack(resume(co, nil, "second"))
    log[4] = expect.pack(resume(co))
  end)
  cosock.run()
  expect.list(log[1], { true, "first", 1, n = 3 })
  expect.list(log[2], { true, 12, "timeout", n = 3 })
  expect.equal(log[3][2], nil)
  expect.equal(log[3][3], "second")
  expect.equal(log[3][4], 3)
  expect.equal(log[4][1], false)
  expect.contains(log[4][2], "dead coroutine")
end

-- Two generators that wait, in turns, in one task and in two.
do
  local order = {}
  local function ticker(name, count)
    return wrap(function()
      for number = 1, count do
        socket.sleep(0)
        yield(name .. number)
      end
    end)
  end
  cosock.spawn(function()
    local a, b = ticker("a", 3), ticker("b", 3)
    for _ = 1, 3 do
      local from_a = a()
      order[#order + 1] = from_a
      local from_b = b()
      order[#order + 1] = from_b
    end
  end)
  cosock.spawn(function()
    for value in each(ticker("c", 3)) do
      order[#order + 1] = value
    end
  end)
  cosock.run()
  expect.equal(#order, 9)
  local by_name = {}
  for _, value in ipairs(order) do
    local name = value:sub(1, 1)
    by_name[name] = (by_name[name] or "") .. value:sub(2)
  end
  expect.equal(by_name.a .. by_name.b .. by_name.c, "123123123")
end

-- Errors: as the language has them, before and after a wait.
do
  local seen = {}
  cosock.spawn(function()
    local function fail(value, waits)
      return function()
        if waits then
          socket.sleep(0)
        end
        error(value, 0)
      end
    end
    for _, waits in ipairs { false, true } do
      for _, value in ipairs { "text", {}, 42 } do
        local co = create(fail(value, waits))
        expect.list(expect.pack(resume(co)), { false, value, n = 2 })
        expect.equal(status(co), "dead")
        local again = expect.pack(resume(co))
        expect.equal(again[1], false)
        expect.contains(again[2], "dead coroutine")
      end
    end
    -- A wrap raises the value itself. On 5.1 no wait can be under pcall.
    for _, value in ipairs { "text", {} } do
      local fine, raised = pcall(wrap(fail(value, false)))
      expect.equal(fine, false)
      expect.equal(raised, value)
      if expect.version ~= "5.1" then
        fine, raised = pcall(wrap(fail(value, true)))
        expect.equal(fine, false)
        expect.equal(raised, value)
      end
    end
    local over = wrap(function() end)
    over()
    expect.raises("dead coroutine", over)
    seen[1] = true
  end)
  cosock.run()
  expect.equal(seen[1], true)
  -- Uncaught, it is the task's error.
  cosock.spawn(function()
    wrap(function()
      socket.sleep(0)
      error("through a wrap", 0)
    end)()
  end)
  expect.raises("through a wrap", cosock.run)
end

-- What is running, normal, suspended; and where a yield is possible.
do
  cosock.spawn(function()
    local own = coroutine.running()
    local inner
    inner = create(function()
      expect.equal(coroutine.running(), inner)
      expect.equal(status(own), "normal")
      expect.equal(status(inner), "running")
      if coroutine.isyieldable then
        expect.equal(coroutine.isyieldable(), true)
      end
      socket.sleep(0)
      expect.equal(coroutine.running(), inner)
      yield "given"
      local fine, raised = resume(own)
      expect.equal(fine, false)
      expect.contains(raised, "cannot resume")
    end)
    expect.list(expect.pack(resume(inner)), { true, "given", n = 2 })
    expect.equal(status(inner), "suspended")
    expect.list(expect.pack(resume(inner)), { true, n = 1 })
    local fine, raised = resume(own)
    expect.equal(fine, false)
    expect.contains(raised, "cannot resume")
  end)
  cosock.run()
end

-- Outside tasks both work as the language's own for all that does not wait; a wait raises there.
do
  local generate = wrap(function(first)
    local second = yield(first + 1)
    return second + 1
  end)
  expect.equal(generate(1), 2)
  expect.equal(generate(10), 11)
  local results = expect.pack(resume(create(function(...)
    return select("#", ...), ...
  end), nil, nil))
  expect.list(results, { true, 2, nil, nil, n = 4 })
  expect.raises("yield", wrap(function()
    socket.sleep(0)
  end))
end

-- Bad arguments are refused as the language refuses them.
for _, bad in ipairs { 5, "text", {}, true } do
  expect.raises("bad argument #1", resume, bad)
  expect.raises("bad argument #1", wrap, bad)
  expect.raises("bad argument #1", raw.resume, bad)
  expect.raises("bad argument #1", raw.wrap, bad)
end
expect.raises("bad argument #1", resume)
expect.raises("bad argument #1", wrap)

-- A protocol yield written by hand is the user's own: it goes to the caller, not upward.
do
  local got
  cosock.spawn(function()
    local _, rx = channel.new()
    got = expect.pack(resume(create(function()
      yield({ rx }, {}, 0.001)
    end)))
  end)
  cosock.run()
  expect.equal(got.n, 4)
  expect.equal(got[4], 0.001)
end

coroutine.wrap, coroutine.resume = raw.wrap, raw.resume
world.finish()
