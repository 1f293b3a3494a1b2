-- Functions that are written in Lua are compiled when they are first called, by which they stay what they are;
-- with the globals of the program, whatever those of the coroutine that calls are.
local expect = require "expect"
local world = require "world"

local cosock = require "cosock"
local socket = cosock.socket
local modules = debug.getregistry()["cosock.modules"]

local lazy = { "cosock.endpoints", "cosock.methods", "functions.cosock", "functions.socket", "functions.ssl" }
for _, name in ipairs(lazy) do
  expect.equal(rawget(modules, name), nil, name)
end

local function in_other_globals(fn, ...)
  local function body(...)
    if setfenv then
      setfenv(0, {})
    end
    return fn(...)
  end
  local results = { coroutine.resume(coroutine.create(body), ...) }
  expect.equal(results[1], true, results[2])
  return results[2], results[3]
end

local kept = { socket.choose, socket.protect, socket.try, socket.connect, cosock.asyncify }
local handler = in_other_globals(socket.choose, { default = function(value) return value end })
expect.equal(handler(7), 7)
expect.list({ in_other_globals(socket.protect(function() socket.try(nil, "why") end)) }, { nil, "why" })
local source = in_other_globals(socket.source, "by-length", {}, 0)
expect.equal(source(), nil)
local build = in_other_globals(require("cosock.socket.internals").passthroughbuilder, {}, {})
expect.equal(type(build), "function")
if cosock.ssl then
  local context = in_other_globals(cosock.ssl.newcontext, { mode = "client", protocol = "any" })
  expect.equal(type(context), "userdata")
end
for _, name in ipairs(lazy) do
  expect.equal(rawget(modules, name) ~= nil, name ~= "functions.cosock", name)
end
expect.list(kept, { socket.choose, socket.protect, socket.try, socket.connect4, cosock.asyncify })
expect.equal(require "cosock.asyncify", cosock.asyncify)

-- The inner socket's methods come when one is asked for; each kind has its own.
local tcp, udp = socket.tcp().inner_sock, socket.udp().inner_sock
expect.equal(tcp.no_method, nil)
expect.equal(type(tcp.accept), "function")
expect.equal(tcp.accept, socket.tcp().inner_sock.accept)
expect.equal(type(udp.receivefrom), "function")
expect.equal(udp.accept, nil)
expect.equal(tcp.accept ~= socket.tcp.accept, true)

-- A wrong call is refused at the place of whoever made it, the first time as later.
local wrong = {
  { "bad argument #2 to 'bind'", function() return socket.bind({}, 0), nil end },
  { "bad argument #3 to 'connect'", function() return socket.connect("127.0.0.1"), nil end },
  { "bad argument #1 to 'asyncify'", function() return cosock.asyncify({}), nil end },
}
if cosock.ssl then
  wrong[#wrong + 1] = { "bad argument #1 to 'newcontext'", function() return cosock.ssl.newcontext(7), nil end }
  wrong[#wrong + 1] = { "invalid context", function() return cosock.ssl.wrap(socket.tcp(), 7), nil end }
  wrong[#wrong + 1] = { "tcp inner_sock is null", function()
    return cosock.ssl.wrap({}, cosock.ssl.newcontext({ mode = "client", protocol = "any" })), nil
  end }
end
for _ = 1, 2 do
  for _, case in ipairs(wrong) do
    local body = debug.getinfo(case[2], "S")
    local ok, message = pcall(case[2])
    expect.equal(ok, false, case[1])
    expect.contains(message, case[1])
    local at = tonumber(message:match("require%-opens%-functions%-when%-called%.lua:(%d+): "))
    expect.equal(at and at >= body.linedefined and at <= body.lastlinedefined, true, message)
  end
end

-- LuaSocket refuses a kind of source where the function was called that asks for it.
local function ask()
  local source = socket.source("by-magic")
  return source
end
local function caller()
  local source = ask()
  return source
end
local _, message = pcall(caller)
expect.contains(message, ":" .. debug.getinfo(caller, "S").linedefined + 1 .. ": unknown key (by-magic)")

world.finish()
