-- passthroughbuilder: methods that try their inner object, wait on the errors that the tables name, try
-- again, and transform what goes in and out; step by step as documented.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local internals = require "cosock.socket.internals"
local pack = expect.pack

local calls

-- An inner object whose method `work` gives the listed answers one after the other.
local function inner(...)
  local answers = { ... }
  local self = { class = "inner class", used = 0 }
  function self.work(...)
    expect.equal((...), self)
    calls[#calls + 1] = pack(select(2, ...))
    self.used = self.used + 1
    local answer = answers[self.used]
    return (table.unpack or unpack)(answer, 1, answer.n)
  end
  return self
end

-- An object that is woken as soon as it is waited on, and notes how.
local function object(inner_sock)
  local self = { inner_sock = inner_sock, class = "old class", wakers = {}, waits = {} }
  function self.setwaker(this, kind, waker)
    expect.equal(this, self)
    self.wakers[kind] = waker
    if waker then
      self.waits[#self.waits + 1] = kind
      if not self.silent then
        waker()
      end
    end
  end
  return self
end

local again = pack(nil, "again")
local build = internals.passthroughbuilder({ work = { again = true, both = true } },
  { work = { ["again to write"] = true, both = true } })

-- Calls the method in a task; returns its results.
local function call(method, self, ...)
  calls = {}
  local arguments = pack(...)
  local results, raised
  cosock.spawn(function()
    results = pack(method(self, (table.unpack or unpack)(arguments, 1, arguments.n)))
  end, nil, {
    onerror = function(err)
      raised = err
    end,
  })
  cosock.run()
  return results, raised
end

-- Straight through: arguments, results, nil and false among them, and the class.
do
  local method = build "work"
  for _, values in ipairs {
    pack(1), pack "text", pack(true, nil, false), pack(1, nil, nil, nil, nil, nil, 7, nil),
  } do
    local self = object(inner(values))
    local results = call(method, self, nil, "a", false, nil, 5, nil)
    expect.list(results, values)
    expect.list(calls[1], { nil, "a", false, nil, 5, nil, n = 6 })
    expect.equal(self.class, "inner class")
    expect.list(self.waits, {})
  end
  -- No result, nil, false alone: returned as they are, the class stays.
  for _, values in ipairs { pack(), pack(nil), pack(false), pack(nil, nil, 3), pack(false, false) } do
    local self = object(inner(values))
    expect.list(call(method, self), values)
    expect.equal(self.class, "old class")
  end
  -- An error that no table knows.
  for _, values in ipairs { pack(nil, "broken"), pack(false, "broken", "partial", nil), pack(nil, {}) } do
    local self = object(inner(values))
    expect.list(call(method, self), values)
    expect.list(self.waits, {})
  end
  -- It may be called outside tasks when it need not wait.
  calls = {}
  expect.list(pack(method(object(inner(pack(1, 2))))), { 1, 2, n = 2 })
end

-- Waiting: for reading, for writing, reading first where both are named; as often as it takes.
do
  local method = build "work"
  for _, case in ipairs {
    { "again", "recvr" }, { "again to write", "sendr" }, { "both", "recvr" },
  } do
    local self = object(inner(pack(nil, case[1]), pack(false, case[1]), pack("done", 2)))
    local results = call(method, self, "argument")
    expect.list(results, { "done", 2, n = 2 })
    expect.list(self.waits, { case[2], case[2] })
    expect.equal(#calls, 3)
    expect.list(calls[3], { "argument", n = 1 })
    expect.equal(self.wakers[case[2]], nil)
  end
end

-- A timeout is the second result of the last try.
do
  local method = build "work"
  local self = object(inner(pack(nil, "again", "partial")))
  self.silent, self.timeout = true, 0.001
  expect.list(call(method, self), { nil, "timeout", "partial", n = 3 })
  self = object(inner(pack(false, "again")))
  self.silent, self.timeout = true, 0
  expect.list(call(method, self), { false, "timeout", n = 2 })
end

-- Transforms: a table, or a function that makes one for each call.
do
  local made = 0
  local function transform()
    made = made + 1
    local tries = 0
    return {
      input = function(...)
        return "input", ...
      end,
      blocked = function(...)
        tries = tries + 1
        return "blocked " .. tries, ...
      end,
      output = function(...)
        return "output", ...
      end,
      error = function(self, ...)
        return nil, "error", self, ...
      end,
    }
  end
  local from_function, from_table = build("work", transform), build("work", transform())
  made = 0
  for _, method in ipairs { from_function, from_table } do
    local self = object(inner(pack(nil, "again", "partial"), pack("done", nil, false)))
    expect.list(call(method, self, 1, nil), { "output", "done", nil, false, n = 4 })
    expect.list(calls[1], { "input", 1, nil, n = 3 })
    expect.list(calls[2], { "blocked 1", nil, "again", "partial", n = 4 })
    self = object(inner(pack(nil)))
    expect.list(call(method, self), { "output", nil, n = 2 })
    self = object(inner(pack(nil, "broken", "partial")))
    expect.list(call(method, self), { nil, "error", self, "broken", "partial", n = 5 })
    self = object(inner(pack(nil, "again", "partial")))
    self.silent, self.timeout = true, 0.001
    expect.list(call(method, self), { nil, "error", self, "timeout", "partial", n = 5 })
  end
  expect.equal(made, 4, "one for each call")
  -- A function may answer with nothing.
  local plain = build("work", function() end)
  expect.list(call(plain, object(inner(pack(1)))), { 1, n = 1 })
end

-- What is no transform is refused, at the call.
for _, bad in ipairs { 5, "text", true, function() return 5 end, function() return "text" end } do
  local method = build("work", bad)
  local _, raised = call(method, object(inner(pack(1))))
  expect.contains(raised, "transformer must be table or function that returns table")
end
for _, field in ipairs { "input", "blocked", "output", "error" } do
  for _, bad in ipairs { 5, "text", {}, true } do
    local _, raised = call(build("work", { [field] = bad }), object(inner(pack(1))))
    expect.contains(raised, field .. " transformer not a function")
  end
end

-- A method that the inner object does not have, and an object without one.
do
  local _, raised = call(build "missing", object(inner()))
  expect.contains(raised, "attempt to call")
  _, raised = call(build "work", { class = "no inner" })
  expect.contains(raised, "attempt to index")
end

-- An object without wakers of its own waits all the same.
do
  local self = object(inner(again, pack "done"))
  self.wakers = nil
  function self:setwaker(_, waker)
    if waker then
      waker()
    end
  end
  expect.list(call(build "work", self), { "done", n = 1 })
end

-- Woken, and found not ready: it waits again.
do
  local self = object(inner(again, again, again, pack "done"))
  expect.list(call(build "work", self), { "done", n = 1 })
  expect.equal(#self.waits, 3)
end

-- A socket built over one of ours: its own class, our descriptor.
do
  local socket = cosock.socket
  local Framed = {}
  Framed.__index = Framed
  internals.setuprealsocketwaker(Framed)
  local framed_build = internals.passthroughbuilder({ receive = { timeout = true } }, {})
  Framed.receive = framed_build("receive", {
    output = function(datagram, ...)
      return "framed " .. datagram, ...
    end,
  })
  local sock = assert(socket.udp())
  assert(sock:setsockname("127.0.0.1", 0))
  local ip, port = sock:getsockname()
  local framed = setmetatable({ inner_sock = sock.inner_sock }, Framed)
  local results
  cosock.spawn(function()
    results = pack(framed:receive())
    framed.timeout = 0.001
    local second = pack(framed:receive())
    expect.list(second, { nil, "timeout", n = 2 })
  end)
  cosock.spawn(function()
    for _ = 1, 5 do
      socket.sleep(0)
    end
    assert(sock:sendto("datagram", ip, tonumber(port)))
  end)
  cosock.run()
  expect.list(results, { "framed datagram", n = 1 })
  expect.equal(framed.class, "udp{unconnected}")
  sock:close()
end

world.finish()
