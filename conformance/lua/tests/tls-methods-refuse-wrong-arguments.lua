-- Every function of cosock.ssl, called with every kind of value in every place, before the handshake, after it
-- and after the close: it returns or raises a text that names it; nothing is printed, hangs or breaks.
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"
local secure = require "secure"

local ssl = cosock.ssl
local unpack = table.unpack or unpack
local nothing = {}

local function values()
  local context = assert(ssl.newcontext(secure.client()))
  return {
    nothing, true, false, 0, 1, -1, 0.5, 1 / 0, 0 / 0, 2 ^ 53, "", "text", "a\0b", ("x"):rep(300), {},
    { "h2" }, { [1] = {} }, { inner_sock = {} }, print, coroutine.create(function() end), io.stdout, context,
    setmetatable({}, {
      __index = function()
        error("no field today", 0)
      end,
    }),
  }
end

-- Methods that do something to the connection or wait come last of all.
local methods = {
  "dirty", "exportkeyingmaterial", "getalpn", "getfamily", "getfd", "getfinished", "getlocalcertificate",
  "getlocalchain", "getoption", "getpeercertificate", "getpeerchain", "getpeerfinished", "getpeername",
  "getpeerverification", "getsniname", "getsockname", "getstats", "gettimeout", "info", "setdane", "setoption",
  "setstats", "settlsa", "sni", "want", "send", "receive", "setwaker", "_wake", "settimeout",
}

local function call(name, ...)
  local fn = ssl[name]
  local arguments, count = { ... }, select("#", ...)
  for place = 1, count do
    if arguments[place] == nothing then
      arguments[place] = nil
    end
  end
  -- Not inside pcall: 5.1 cannot wait there. A task's error comes to its handler.
  local raised, returned
  local task = cosock.spawn(function()
    fn(unpack(arguments, 1, count))
    returned = true
  end, name, {
    onerror = function(err)
      raised = err
    end,
  })
  for _ = 1, 3 do
    if returned or raised then
      break
    end
    cosock.socket.sleep(0)
  end
  task:cancel()
  if type(raised) == "string" and not raised:find("no field today", 1, true) then
    local named = raised:find(name, 1, true) or raised:find("wake", 1, true) or raised:find("inner_sock", 1, true)
      or raised:find("create", 1, true) or raised:find("field", 1, true) or raised:find("attempt to", 1, true)
    assert(named, name .. ": " .. raised)
  elseif raised ~= nil then
    assert(type(raised) == "string", name .. " raises a " .. type(raised))
  end
  return raised
end

local function on_objects(make)
  local all = values()
  local object, peer = make()
  for _, name in ipairs(methods) do
    for _, first in ipairs(all) do
      object:settimeout(0)
      call(name, object, first)
      for _, second in ipairs { nothing, "text" } do
        object:settimeout(0)
        call(name, object, first, second)
        call(name, object, second, first)
        call(name, object, 1, 1, second, first)
      end
    end
    object.wakers = nil
  end
  return object, peer
end

local function still_works(client, server)
  client:settimeout(nil)
  server:settimeout(nil)
  client:send "\nstill there\n"
  local line
  repeat
    line = assert(server:receive())
  until line:find("still there", 1, true)
  client:close()
  server:close()
end

local function before()
  local client, server = on_objects(secure.wrapped)
  client:sni "localhost"
  client:settimeout(nil)
  expect.list(secure.handshakes(client, server), { true })
  still_works(client, server)
  -- And the server's.
  server, client = on_objects(function()
    local one, other = secure.wrapped()
    return other, one
  end)
  server:sni({}, false)
  server:settimeout(nil)
  expect.list(secure.handshakes(client, server), { true })
  still_works(client, server)
end

local function after()
  still_works(on_objects(secure.pair))
end

local function closed()
  local object, peer = on_objects(function()
    local client, server = secure.pair()
    client:close()
    return client, server
  end)
  object:close()
  peer:close()
end

local function functions()
  local all = values()
  for _, first in ipairs(all) do
    call("newcontext", first)
    call("loadcertificate", first)
    for _, name in ipairs(methods) do
      call(name, first)
    end
    for _, name in ipairs { "close", "dohandshake", "shutdown" } do
      -- A wait on somebody else's table is a wait for ever.
      call(name, first)
    end
    for _, second in ipairs(all) do
      call("wrap", first, second)
    end
  end
  for _, name in ipairs(methods) do
    call(name)
  end
  for _, value in ipairs(all) do
    local client, server = network.pair()
    call("wrap", client, value)
    client:close()
    server:close()
    local one, other = secure.wrapped()
    call("shutdown", one, value)
    one:close()
    other:close()
  end
end

for _, part in ipairs { before, after, closed, functions } do
  expect.tasks(part)
end
expect.nothing_waits()
world.finish()
