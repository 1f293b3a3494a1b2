-- Where an object's inner socket is somebody else's, a method that need not wait works everywhere, as in the rock: in
-- the main program, in a task and in a coroutine of its own. One that has to wait needs a task.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket
local unpack = table.unpack or unpack

-- An inner socket whose methods give these results, and note what they were given.
local function inner(...)
  local results, given = expect.pack(...), {}
  local methods = setmetatable({ class = "foreign" }, {
    __index = function(_, name)
      return function(self, ...)
        given[#given + 1] = expect.pack(name, self.class, ...)
        return unpack(results, 1, results.n)
      end
    end,
  })
  return methods, given
end

local calls = {
  { socket.tcp, "receive", { "*l" }, { "a line" }, { "a line" } },
  { socket.tcp, "receive", {}, { nil, "closed", "part" }, { nil, "closed", "part" } },
  { socket.tcp, "send", { "abc", 2, 3 }, { 3 }, { 3, nil, nil } },
  { socket.tcp, "connect", { "127.0.0.1", 9 }, { nil, "refused" }, { nil, "refused" } },
  { socket.udp, "receive", { 9 }, { "data" }, { "data" } },
  { socket.udp, "receivefrom", { 9 }, { "data", "::1", 7 }, { "data", "::1", 7 } },
  { socket.udp, "send", { "abc" }, { 3 }, { 3 } },
  { socket.udp, "sendto", { "abc", "127.0.0.1", 9 }, { nil, "refused" }, { nil, "refused" } },
}

local function check_all()
  for _, call in ipairs(calls) do
    local make, name, arguments, results, wanted = unpack(call, 1, 5)
    local object = make()
    local own = object.inner_sock
    local foreign, given = inner(unpack(results, 1, 3))
    object.inner_sock = foreign
    local got = expect.pack(object[name](object, unpack(arguments)))
    for place = 1, 3 do
      expect.equal(got[place], wanted[place])
    end
    expect.equal(#given, 1)
    expect.equal(given[1][1], name)
    expect.equal(given[1][2], "foreign")
    expect.equal(given[1][3], arguments[1])
    own:close()
  end
end

check_all()
expect.tasks(check_all)
expect.tasks(function()
  assert(coroutine.resume(coroutine.create(check_all)))
end)

-- On these no Lua function stands in front of a send of datagrams, which so cannot wait here.
local cannot_go_on = expect.version == "5.1" or expect.version == "jit"
for _, call in ipairs(calls) do
  local make, name, arguments = unpack(call, 1, 3)
  local object = make()
  local own = object.inner_sock
  object.inner_sock = inner(nil, "timeout", 0)
  local results = expect.pack(pcall(object[name], object, unpack(arguments)))
  if cannot_go_on and make == socket.udp and name:find "^send" then
    expect.equal(results[1], true)
    expect.equal(results[3], "timeout")
  else
    expect.equal(results[1], false)
    expect.contains(results[2], "attempt to yield")
  end
  own:close()
end
expect.nothing_waits()
world.finish()
