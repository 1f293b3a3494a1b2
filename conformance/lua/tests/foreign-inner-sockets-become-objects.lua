-- Objects of cosock's classes over inner sockets of others, as one makes them for sockets that LuaSocket has and cosock
-- has not: what is accepted on them never blocks, their class follows, what was not sent is sent again, what they
-- have read ahead counts, and a close wakes who waits.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket
local tcp, udp = socket.tcp, socket.udp

local function over(class, inner)
  return setmetatable({ inner_sock = inner, class = inner.class }, { __index = class })
end

-- A connection that would block for ever unless it was told not to.
local function connection()
  local limit
  return {
    class = "mine{client}",
    settimeout = function(_, seconds)
      limit = seconds
      return 1
    end,
    receive = function()
      expect.equal(limit, 0, "limit")
      return "a line"
    end,
  }
end

local ready = socket.udp4()
local function getfd()
  return ready:getfd()
end

-- Accepting, at once and after a wait, wraps whatever the inner socket gives.
expect.tasks(function()
  local waits = 0
  local listener = over(tcp, {
    class = "mine{server}",
    getfd = getfd,
    accept = function()
      waits = waits + 1
      if waits == 2 then
        return nil, "timeout"
      end
      return connection()
    end,
  })
  local first, second
  -- Nothing comes to its descriptor, so the wait ends with its time.
  listener:settimeout(0.001)
  first = assert(listener:accept())
  expect.list(expect.pack(listener:accept()), { n = 2, nil, "timeout" })
  second = assert(listener:accept())
  for _, accepted in ipairs { first, second } do
    expect.equal(accepted.class, "tcp{client}")
    expect.equal(accepted.timeout, nil)
    expect.equal(getmetatable(accepted).__index, tcp)
    expect.equal(accepted:receive(), "a line")
    expect.equal(accepted.class, "mine{client}")
  end
end)

-- One that is without limits as it comes needs no method to be told.
expect.tasks(function()
  local inner = { class = "bare" }
  local accepted = over(tcp, { accept = function() return inner end }):accept()
  expect.equal(accepted.inner_sock, inner)
end)

-- A method that succeeds may have made the inner socket another's class; a failure, or a class that is no text, tells
-- nothing.
for _, class in ipairs { tcp, udp } do
  local becomes = { "bound", "gone", 5, print }
  local inner = { class = "new" }
  function inner:close(number)
    self.class = becomes[number]
    if number == 2 then
      return nil, "failed"
    end
    return 1
  end
  local object = over(class, inner)
  expect.equal(object:close(1), 1)
  expect.equal(object.class, "bound")
  expect.list(expect.pack(object:close(2)), { n = 2, nil, "failed" })
  expect.equal(object.class, "bound")
  object:close(3)
  expect.equal(object.class, "bound")
  object:close(4)
  expect.equal(object.class, "bound")
end

-- A send that has to wait goes on where the inner socket says, and from where it was if that says nothing.
expect.tasks(function()
  local answers = { { nil, "timeout" }, { nil, "timeout", 3 }, { nil, "timeout" }, { 6 } }
  local starts = {}
  local object = over(tcp, {
    getfd = getfd,
    send = function(_, _, first)
      starts[#starts + 1] = first or "none"
      return (table.unpack or unpack)(answers[#starts], 1, 3)
    end,
  })
  expect.equal(object:send "abcdef", 6)
  expect.list(starts, { "none", "none", 4, 4 })
end)

-- What an inner socket has read ahead is there to be read, though its descriptor has nothing: LuaSocket's reads ahead.
for _, make in ipairs {
  function(inner) return over(tcp, inner) end,
  function(inner)
    local object = { inner_sock = inner }
    function object:setwaker(_, waker) self.waker = waker end
    function object:_wake() self.waker() end
    return object
  end,
} do
  local lines = { "one", "two" }
  local object = make {
    class = "mine{client}",
    getfd = getfd,
    dirty = function() return #lines > 0 end,
    receive = function()
      if #lines == 0 then
        return nil, "timeout"
      end
      return table.remove(lines, 1)
    end,
  }
  expect.tasks(function()
    for _, line in ipairs { "one", "two" } do
      expect.list(socket.select({ object }, nil, 20), { object })
      expect.equal(object.inner_sock:receive(), line)
    end
    expect.list(expect.pack(socket.select({ object }, nil, 0.001)), { n = 3, nil, nil, "timeout" })
    lines[1] = "three"
    -- It says nothing of whether there is room.
    expect.list(select(2, socket.select(nil, { object }, 20)), { object })
  end)
end

-- A close wakes whoever waits on the object, or on another with its inner socket; one that does not close lets the
-- method wait on.
for _, class in ipairs { tcp, udp } do
  local closes, is_closed = 0, false
  local inner = { class = "mine", getfd = getfd }
  function inner:receive()
    return nil, is_closed and "closed" or "timeout"
  end
  function inner:close()
    closes = closes + 1
    is_closed = closes == 2
    return 1
  end
  local object, got, listed = over(class, inner), nil, nil
  local other = { inner_sock = inner }
  function other:setwaker(_, waker) self.waker = waker end
  function other:_wake() self.waker() end
  expect.tasks(function()
    got = expect.pack(object:receive())
  end, function()
    listed = socket.select({ other }, nil, 20)
  end, function()
    socket.sleep(0.001)
    object:close()
    socket.sleep(0.001)
    expect.equal(got, nil)
    object:close()
  end)
  expect.equal(got[2], "closed")
  expect.list(listed, { other })
end
ready:close()

-- LuaSocket's sockets of the system's own kind, where they are installed.
local installed, unix = pcall(require, "socket.unix")
if installed and type(unix) == "table" then
  local path = os.tmpname()
  os.remove(path)
  local function stream()
    local inner = assert(unix.stream())
    inner:settimeout(0)
    return over(tcp, inner)
  end
  local reads, turns = 0, 0
  expect.tasks(function()
    local listener = stream()
    assert(listener:bind(path))
    assert(listener:listen())
    expect.equal(listener.class, "unixstream{server}")
    cosock.spawn(function()
      local accepted = assert(listener:accept())
      listener:close()
      expect.equal(accepted:receive(), "hello")
      reads = reads + 1
      expect.equal(accepted:send(("x"):rep(1000000) .. "\n"), 1000001)
      accepted:close()
    end)
    local client = stream()
    assert(client:connect(path))
    expect.equal(client.class, "unixstream{client}")
    for _ = 1, 5 do
      socket.sleep(0.001)
      turns = turns + 1
    end
    expect.equal(reads, 0)
    assert(client:send "hello\n")
    expect.equal(#assert(client:receive()), 1000000)
    expect.equal(client:receive(), nil)
    client:close()
  end)
  expect.equal(turns, 5)
  os.remove(path)
end
world.finish()
