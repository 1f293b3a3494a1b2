-- try, newtry and protect, skip and choose: any false first value raises, the finalizer is called once, and
-- protect gives the message back; other errors pass unchanged.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local function check(results, ...)
  expect.list(results, expect.pack(...))
end

-- try passes success through, whole.
check(expect.pack(socket.try(1, nil, "three", nil)), 1, nil, "three", nil)
check(expect.pack(socket.try("")), "")
check(expect.pack(socket.try(0, "x")), 0, "x")
local keep = {}
check(expect.pack(socket.try(keep)), keep)

-- protect gives what the function gives, and nil with the message that try raised.
check(expect.pack(socket.protect(function(...) return ... end)(1, nil, 3, nil)), 1, nil, 3, nil)
check(expect.pack(socket.protect(function() end)()), nil)
for _, first in ipairs { "nil", false } do
  for _, message in ipairs { "a message", keep, 42, false } do
    local protected = socket.protect(function(...)
      socket.try(...)
      error("it must raise")
    end)
    if first == "nil" then
      check(expect.pack(protected(nil, message, "more")), nil, message)
    else
      check(expect.pack(protected(false, message)), nil, message)
    end
  end
end
check(expect.pack(socket.protect(function() socket.try() end)()), nil, nil)
check(expect.pack(socket.protect(function() socket.try(nil) end)()), nil, nil)
-- Nested ones: the inner message is the inner one's result.
check(expect.pack(socket.protect(function()
  local done, err = socket.protect(function() socket.try(nil, "inner") end)()
  expect.equal(done, nil)
  expect.equal(err, "inner")
  socket.try(nil, "outer")
end)()), nil, "outer")

-- What try raises is a table that holds the message.
do
  local fine, raised = pcall(socket.try, nil, "message")
  expect.equal(fine, false)
  expect.equal(type(raised), "table")
  expect.equal(raised[1], "message")
end

-- newtry calls its finalizer once, without arguments, and before it raises.
do
  local calls = 0
  local try = socket.newtry(function(...)
    calls = calls + 1
    expect.equal(select("#", ...), 0)
  end)
  check(expect.pack(try("fine", 2)), "fine", 2)
  expect.equal(calls, 0)
  check(expect.pack(socket.protect(function() try(nil, "first") end)()), nil, "first")
  expect.equal(calls, 1)
  check(expect.pack(socket.protect(function() try(false, "second") end)()), nil, "second")
  expect.equal(calls, 2)
  for _, none in ipairs { 5, "text", {}, "nil" } do
    local other = socket.newtry(none ~= "nil" and none or nil)
    check(expect.pack(socket.protect(function() other(nil, "no finalizer") end)()), nil, "no finalizer")
  end
  -- An error of the finalizer is what is raised.
  local failing = socket.newtry(function() error(keep) end)
  local fine, raised = pcall(socket.protect(function() failing(nil, "lost") end))
  expect.equal(fine, false)
  expect.equal(raised, keep)
end

-- Other errors pass through protect.
do
  for _, value in ipairs { keep, true, print } do
    local fine, raised = pcall(socket.protect(function() error(value) end))
    expect.equal(fine, false)
    expect.equal(raised, value)
  end
  expect.contains(expect.raises("plain", socket.protect(function() error("plain") end)), "plain")
  expect.raises("attempt to call", socket.protect(5))
  expect.raises("attempt to call", socket.protect(nil))
end

-- With waits in between, where the language can; a failed connection gives its reason.
if expect.version ~= "5.1" then
  expect.tasks(function()
    local server, port = network.listener()
    local closed = 0
    local talk = socket.protect(function(to)
      local sock = socket.try(socket.tcp())
      local try = socket.newtry(function()
        closed = closed + 1
        sock:close()
      end)
      try(sock:connect("127.0.0.1", to))
      socket.sleep(0.001)
      try(sock:send("question\n"))
      return try(sock:receive()), sock
    end)
    cosock.spawn(function()
      local peer = server:accept()
      peer:receive()
      peer:send("answer\n")
      peer:close()
      server:accept():close()
    end, "server")
    local answer, sock = talk(port)
    expect.equal(answer, "answer")
    sock:close()
    check(expect.pack(talk(port)), nil, "closed")
    expect.equal(closed, 1)
    local refusing, keeper = network.refusing_port()
    check(expect.pack(talk(refusing)), nil, "connection refused")
    expect.equal(closed, 2)
    keeper:close()
    server:close()
  end)
end

-- skip.
check(expect.pack(socket.skip(0, 1, 2, 3)), 1, 2, 3)
check(expect.pack(socket.skip(1, 1, nil, 3, nil)), nil, 3, nil)
check(expect.pack(socket.skip(2, 1, 2, 3)), 3)
check(expect.pack(socket.skip(3, 1, 2, 3)))
check(expect.pack(socket.skip(10, 1, 2, 3)))
check(expect.pack(socket.skip(-1, 1)), -1, 1)
check(expect.pack(socket.skip("1", 1, 2)), 2)
check(expect.pack(socket.skip(1)))
expect.raises("number expected, got no value", socket.skip)
expect.raises("number expected, got table", socket.skip, {})
expect.raises("number expected, got string", socket.skip, "x")
if math.type then
  expect.raises("number has no integer representation", socket.skip, 1.5, 1, 2)
else
  check(expect.pack(socket.skip(1.5, 1, 2)), 2)
end

-- choose.
do
  local handlers = {
    one = function(...) return "one", ... end,
    default = function(...) return "default", ... end,
  }
  local pick = socket.choose(handlers)
  check(expect.pack(pick("one", 1, 2)), "one", 1, 2)
  check(expect.pack(pick(keep, 5)), "default", keep, 5)
  check(expect.pack(pick(nil, 5)), "default", nil, 5)
  check(expect.pack(pick(7)), "default", 7, nil)
  expect.raises("unknown key (two)", pick, "two")
  -- It looks when it is called.
  handlers.two = function() return "two" end
  check(expect.pack(pick("two")), "two")
end

world.finish()
