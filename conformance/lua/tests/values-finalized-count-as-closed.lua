-- A finalizer that reaches a socket or channel of ours which Lua has finalized before, as one made later
-- in the same garbage, finds it closed: every method answers as it does after `close`.
local world = require "world"
local cosock = require "cosock"
local socket = cosock.socket

local function with_finalizer(finalize)
  if newproxy then
    local object, proxy = {}, newproxy(true)
    getmetatable(proxy).__gc = function() finalize(object) end
    object.proxy = proxy
    return object
  end
  return setmetatable({}, { __gc = finalize })
end

local function pack(...)
  return { n = select("#", ...), ... }
end

local function texts(results)
  local list = {}
  for place = 1, results.n do
    list[place] = tostring(results[place])
  end
  return table.concat(list, " ")
end

local calls = {
  { "close" }, { "getfd" }, { "getfamily" }, { "getsockname" }, { "getpeername" }, { "dirty" },
  { "settimeout", 1 }, { "gettimeout" }, { "receive" }, { "send", "x" }, { "shutdown" },
  { "setoption", "reuseaddr", true }, { "close" },
}

-- What each method answers, errors included: in the object, and in the inner socket itself.
local function answers(object)
  local list = { tostring(object.inner_sock.class) }
  for _, target in ipairs { object.inner_sock, object } do
    for _, call in ipairs(calls) do
      if target[call[1]] then
        list[#list + 1] = call[1] .. ": " .. texts(pack(pcall(target[call[1]], target, call[2], call[3])))
      end
    end
  end
  return table.concat(list, "\n")
end

local makers = {
  master = function() return assert(socket.tcp()) end,
  server = function() return assert(socket.bind("127.0.0.1", 0)) end,
  client = function()
    local server = assert(socket.bind("127.0.0.1", 0))
    local client = assert(socket.tcp())
    assert(client:connect(server:getsockname()))
    server:close()
    return client
  end,
  udp = function() return assert(socket.udp()) end,
  connected = function()
    local client = assert(socket.udp())
    assert(client:setpeername("127.0.0.1", 9))
    return client
  end,
}

local finalized, expected = {}, {}

-- Apart, so that nothing of it stays on the stack.
local function make(name, maker)
  local kept = maker()
  kept:close()
  expected[name] = answers(kept)
  local owner = with_finalizer(function(owner)
    finalized[name] = answers(owner.socket)
    owner.socket:close()
  end)
  owner.socket = maker()
end

local channel = {}

local function make_channel()
  local owner = with_finalizer(function(owner)
    channel.sent = pack(owner.tx:send(1))
    channel.received = pack(owner.rx:receive())
    channel.closed = pack(owner.tx:close()).n + pack(owner.rx:close()).n
    channel.link = owner.rx.link.closed
    channel.length = #owner.rx.link.queue
  end)
  owner.tx, owner.rx = cosock.channel.new()
end

cosock.spawn(function()
  for name, maker in pairs(makers) do
    make(name, maker)
  end
  for _ = 1, 20 do
    make_channel()
  end
end, "makes")
cosock.run()
for _ = 1, 4 do
  collectgarbage()
end

for name in pairs(makers) do
  assert(finalized[name] == expected[name],
    name .. ":\n" .. tostring(finalized[name]) .. "\nas closed:\n" .. expected[name])
end
assert(texts(channel.sent) == "false closed", texts(channel.sent))
assert(texts(channel.received) == "nil closed", texts(channel.received))
assert(channel.closed == 0 and channel.link == true and channel.length == 0)

world.finish()
