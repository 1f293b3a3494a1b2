-- A module that is asyncified, and what it requires in turn, gets cosock's modules for LuaSocket's and LuaSec's;
-- they are the very tables that require gives. Its normal copy, package.loaded, the globals and LuaSocket's own
-- modules stay as they are.
local world = require "world"
local expect = require "expect"
local network = require "network"
local sources = require "sources"
local cosock = require "cosock"
local asyncify = cosock.asyncify

expect.equal(require "cosock.asyncify", asyncify)

-- By name: the tables of require.
local named = {
  ["socket"] = "cosock.socket",
  ["socket.core"] = "cosock.socket",
  ["socket.http"] = "cosock.socket.http",
  ["cosock"] = "cosock",
  ["cosock.socket"] = "cosock.socket",
  ["cosock.socket.tcp"] = "cosock.socket.tcp",
  ["cosock.channel"] = "cosock.channel",
  ["cosock.timers"] = "cosock.timers",
  ["cosock.asyncify"] = "cosock.asyncify",
}
if pcall(require, "cosock.ssl") then
  named["ssl"], named["ssl.https"] = "cosock.ssl", "cosock.ssl.https"
end
for name, own in pairs(named) do
  expect.equal(asyncify(name), require(own), name)
  expect.list(expect.pack(asyncify(name)), { require(own), n = 1 }, name)
end

-- LuaSocket, as a program has it beside cosock: ours is not it, and does not touch it.
local theirs = {}
for _, name in ipairs { "socket", "socket.core", "socket.http", "socket.url", "socket.headers", "ltn12", "mime",
  "mime.core", "ssl", "ssl.https" } do
  theirs[name] = setmetatable({ name = name }, {
    __newindex = function(_, key)
      error("a field is set in " .. name .. ": " .. tostring(key))
    end,
  })
  package.loaded[name] = theirs[name]
end
sources.write {
  outer = [[
    local M = { socket = require "socket", inner = require("inner"), name = ... }
    function M.later()
      return require "lazily"
    end
    return M
  ]],
  inner = [[
    return {
      core = require "socket.core", ltn12 = require "ltn12", url = require "socket.url", mime = require "mime",
      mime_core = require "mime.core", headers = require "socket.headers", http = require "socket.http",
    }
  ]],
  lazily = [[ return { tcp = require("socket").tcp } ]],
}

local globals, loaded = {}, {}
for name, value in pairs(_G) do
  globals[name] = value
end
for name, value in pairs(package.loaded) do
  loaded[name] = value
end
local outer = asyncify "outer"
local function check_apart(when)
  for name, value in pairs(_G) do
    expect.equal(value, globals[name], when .. name)
  end
  for name, value in pairs(package.loaded) do
    if name:sub(1, 6) ~= "cosock" then
      expect.equal(value, loaded[name], when .. name)
    end
  end
end
check_apart("after asyncify, ")
expect.equal(outer.name, "outer")
expect.equal(outer.socket, cosock.socket)
expect.equal(outer.inner.core, cosock.socket)
expect.equal(outer.inner.http, require "cosock.socket.http")
for field, name in pairs { ltn12 = "ltn12", url = "socket.url", mime = "mime", mime_core = "mime.core",
  headers = "socket.headers" } do
  expect.equal(outer.inner[field], asyncify(name), name)
  expect.equal(outer.inner[field] ~= theirs[name], true, name)
end
expect.equal(outer.later().tcp, cosock.socket.tcp)
check_apart("after a later require, ")

-- The same table again, for the program and for modules.
expect.equal(asyncify "outer", outer)
expect.equal(asyncify "inner", outer.inner)
expect.equal(asyncify "lazily", outer.later())

-- The normal copy is another, with LuaSocket's.
local normal = require "outer"
expect.equal(normal ~= outer, true)
expect.equal(normal.socket, theirs.socket)
expect.equal(normal.inner.ltn12, theirs.ltn12)
expect.equal(asyncify "outer", outer)
expect.equal(require "outer", normal)
for name in pairs(theirs) do
  package.loaded[name] = loaded[name] ~= theirs[name] and loaded[name] or nil
end

-- And its sockets wait as cosock's do: two tasks at once.
sources.write {
  client = [[
    local socket = require "socket"
    return function(port)
      local sock = assert(socket.connect("127.0.0.1", port))
      local line = assert(sock:receive())
      sock:close()
      return line
    end
  ]],
}
local fetch = asyncify "client"
local order = {}
expect.tasks(function()
  local server, port = network.listener()
  for number = 1, 2 do
    cosock.spawn(function()
      local line = fetch(port)
      order[#order + 1] = line
    end, "client " .. number)
  end
  local first, second = server:accept(), server:accept()
  second:send("second\n")
  network.wait_until(function() return #order == 1 end)
  first:send("first\n")
  first:close()
  second:close()
  server:close()
end)
expect.list(order, { "second", "first" })

sources.remove()
world.finish()
