-- A program may forbid to use globals that are not there, before or after it requires cosock: nothing of
-- cosock asks for one, not even when it is first used, and nothing sets one.
local child = require "child"
local expect = require "expect"
local world = require "world"

local strict = [[
setmetatable(_G, {
  __index = function(_, name)
    error("undefined global " .. tostring(name), 2)
  end,
  __newindex = function(_, name)
    error("new global " .. tostring(name), 2)
  end,
})
]]
local start = [[
local cosock = require "cosock"
]]
local use = [[
local socket, channel = cosock.socket, cosock.channel
for name in ("cosock.socket cosock.socket.tcp cosock.socket.udp cosock.socket.internals cosock.socket.http cosock.channel "
  .. "cosock.timers cosock.asyncify"):gmatch "%S+" do
  require(name)
end
local has_tls = pcall(require, "cosock.ssl")

-- A request over one connection, by a task or by a coroutine of it.
local function get(request)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  cosock.spawn(function()
    local client = assert(listener:accept())
    repeat
      local line = assert(client:receive())
    until line == ""
    client:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    client:close()
    listener:close()
  end, "server")
  local body, code = request("http://127.0.0.1:" .. port .. "/")
  assert(body == "body" and code == 200, code)
end

cosock.spawn(function()
  get(require("cosock.socket.http").request)
  get(cosock.asyncify("socket.http").request)
  assert(cosock.asyncify("ltn12").source.string "bytes"() == "bytes")
  assert(cosock.asyncify("mime").b64 "bytes" == "Ynl0ZXM=")
  assert(cosock.asyncify("socket.url").parse("http://host/").host == "host")
  -- One that is shared, and one that is a copy of its own.
  assert(cosock.asyncify "asyncified.plain" == require "asyncified.plain")
  assert(cosock.asyncify("asyncified.client").socket == socket)
  if has_tls then
    local context = assert(cosock.ssl.newcontext { mode = "client", protocol = "any" })
    assert(context)
    require "cosock.ssl.https"
  end

  local sender, receiver = channel.new()
  local inner = coroutine.create(function()
    return receiver:receive()
  end)
  cosock.spawn(function()
    sender:send "message"
  end, "sender")
  local going, receivers, senders, timeout = coroutine.resume(inner)
  assert(going, receivers)
  coroutine.yield(receivers, senders, timeout)
  assert(select(2, coroutine.resume(inner)) == "message")

  cosock.install_coroutine()
  cosock.install_pcall()
  assert(coroutine.wrap(function()
    socket.sleep(0)
    return "slept"
  end)() == "slept")
  assert(pcall(socket.sleep, 0))
  local fine, err = socket.protect(function()
    socket.try(nil, "reason")
  end)()
  assert(fine == nil and err == "reason")
end, "uses it all")
cosock.run()
print "all of it"
]]

local outputs = {
  before = { child.run(strict .. start .. use) },
  after = { child.run(start .. strict .. use) },
}
for when, output in pairs(outputs) do
  expect.equal(output[1], "all of it\n", when)
  expect.equal(output[2], 0, when)
end
world.finish()
