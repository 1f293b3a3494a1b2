-- Asyncified modules read the program's globals, now and later; what they set is theirs, and all of them see it.
-- Their _G, package and, where the language has it, module are of that world. A function of package.preload
-- keeps its environment for everybody else.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"
local asyncify = cosock.asyncify
local unpack = table.unpack or unpack

local function write(name, text)
  sources.write { [name] = "local socket = require 'socket' " .. text }
end

-- Reading and setting.
from_program = "program"
write("sets", [[
  set_by_module = "module"
  _G.set_through_g = "module"
  from_program = from_program .. ", changed"
  return {
    get = function() return set_by_module, set_through_g, from_program, set_later end,
    own = function() return _G.set_by_module, rawget(_G, "set_by_module"), _G._G == _G end,
  }
]])
write("sees", "return { set_by_module, _G.set_through_g, from_program }")
local sets = asyncify "sets"
expect.list(expect.pack(sets.get()), { "module", "module", "program, changed", nil, n = 4 })
expect.list(expect.pack(sets.own()), { "module", "module", true, n = 3 })
expect.list(asyncify "sees", { "module", "module", "program, changed" })
expect.equal(rawget(_G, "set_by_module"), nil)
expect.equal(rawget(_G, "set_through_g"), nil)
expect.equal(from_program, "program")
set_later = "later"
expect.equal(select(4, sets.get()), "later")
expect.equal(asyncify("_G").set_by_module, "module")
expect.equal(require "_G", _G)

-- The program's own functions stay as they are.
for _, name in ipairs { "require", "pcall", "xpcall", "coroutine", "package" } do
  expect.equal(rawget(_G, name), _G[name], name)
end
write("functions", "return { require = require, coroutine = coroutine, package = package }")
local functions = asyncify "functions"
expect.equal(functions.require ~= require, true)
expect.equal(functions.coroutine ~= coroutine, true)
for name, value in pairs(coroutine) do
  expect.equal(type(functions.coroutine[name]), type(value), name)
end

-- What LuaSocket has beside its core is loaded when it is asked for, by them or by the program.
write("asks_early", [[
  local loaded = package.loaded
  local before = { loaded["socket.http"], loaded["ssl.https"], n = 2 }
  return { before = before, http = require "socket.http", loaded = loaded }
]])
local asks_early = asyncify "asks_early"
expect.list(asks_early.before, { nil, nil, n = 2 })
expect.equal(asks_early.loaded["socket.http"], require "cosock.socket.http")
expect.equal(asks_early.http, require "cosock.socket.http")
expect.equal(asks_early.loaded["ltn12"], package.loaded["ltn12"] and require "ltn12")
local theirs = package.loaded["socket.url"]
package.loaded["socket.url"] = "LuaSocket"
expect.equal(asks_early.loaded["socket.url"], asyncify "socket.url")
package.loaded["socket.url"] = theirs

-- package: its path is the program's, its loaded a view of their world.
write("packages", [[
  local loaded = package.loaded
  return {
    path = package.path,
    same_path = function() return package.path end,
    socket = loaded.socket, g = loaded._G == _G, string = loaded.string, missing = loaded["not there"],
    me = function() return loaded.packages end,
    forget = function(name) loaded[name] = nil end,
    lists = loaded == require("package").loaded,
  }
]])
local packages = asyncify "packages"
expect.equal(packages.path, package.path)
expect.equal(packages.socket, cosock.socket)
expect.equal(packages.g, true)
expect.equal(packages.string, string)
expect.equal(packages.missing, nil)
expect.equal(packages.me(), packages)
expect.equal(packages.lists, true)
package.path = package.path .. ";"
expect.equal(packages.same_path(), package.path)
packages.forget("packages")
expect.equal(asyncify "packages" ~= packages, true)

-- module, the function of 5.1.
if module then
  write("old", [[
    module("old", package.seeall)
    sock = socket
    function get() return sock, require "socket", from_program, _NAME, _PACKAGE, _M end
  ]])
  sources.write {
    old_dotted = "local require = require module('far.away.old') socket = require 'socket'",
    old_conflict = "require 'socket' set_by_module = 5 module('set_by_module')",
    old_twice = "require 'socket' module('old') again = 1",
    old_options = "require 'socket' module('old_options', function(m) m.option = m._NAME end)",
  }
  local old = asyncify "old"
  expect.list(expect.pack(old.get()), { cosock.socket, cosock.socket, "program, changed", "old", "", old, n = 6 })
  expect.equal(rawget(_G, "old"), nil)
  expect.equal(package.loaded.old, nil)
  expect.equal(asyncify("_G").old, old)
  asyncify "old_dotted"
  local dotted = asyncify("far.away.old")
  expect.equal(dotted.socket, cosock.socket)
  expect.equal(dotted._PACKAGE, "far.away.")
  expect.equal(rawget(_G, "far"), nil)
  asyncify "old_twice"
  expect.equal(old.again, 1)
  expect.equal(asyncify("old_options").option, "old_options")
  expect.contains(
    expect.raises("name conflict for module 'set_by_module'", asyncify, "old_conflict"),
    sources.file("old_conflict")
  )
  -- Its normal copy.
  package.loaded.socket = package.loaded.socket or "LuaSocket"
  local normal = require "old"
  expect.equal(normal ~= old, true)
  expect.equal(rawget(_G, "old"), normal)
  expect.equal((normal.get()), package.loaded.socket)
  expect.equal((old.get()), cosock.socket)
  if package.loaded.socket == "LuaSocket" then
    package.loaded.socket = nil
  end
end

-- package.preload: the function has upvalues and globals, which its chunk goes on to use.
local calls, shared = 0, { value = "upvalue" }
local function get_global()
  return preload_global
end
package.preload["by.preload"] = function(...)
  calls = calls + 1
  preload_global = "set by the module"
  local socket = require "socket"
  return {
    socket = socket,
    arguments = { n = select("#", ...), ... },
    get = function() return preload_global, shared.value, require "socket" end,
    set = function(value) shared = value end,
  }
end
local fn = package.preload["by.preload"]
local ours = asyncify "by.preload"
expect.equal(ours.socket, cosock.socket)
expect.equal(ours.arguments[1], "by.preload")
expect.equal(calls, 1)
expect.list(expect.pack(ours.get()), { "set by the module", "upvalue", cosock.socket, n = 3 })
expect.equal(get_global(), nil)
expect.equal(package.preload["by.preload"], fn)
-- Upvalues are shared both ways.
ours.set { value = "changed" }
expect.equal(shared.value, "changed")
-- Called by require, it is as before.
local before = package.loaded.socket
package.loaded.socket = "LuaSocket"
local normal = require "by.preload"
expect.equal(normal.socket, "LuaSocket")
expect.equal(get_global(), "set by the module")
expect.list(expect.pack(normal.get()), { "set by the module", "changed", "LuaSocket", n = 3 })
expect.list(expect.pack(ours.get()), { "set by the module", "changed", cosock.socket, n = 3 })
package.loaded.socket = before
expect.equal(calls, 2)
preload_global = nil
expect.equal((ours.get()), "set by the module")

-- One that raises, and one that waits.
package.preload["raises.in.preload"] = function()
  calls = calls + 1
  local socket = require "socket"
  if inside_task then
    socket.sleep(0)
  end
  error(shared)
end
expect.raises(shared, asyncify, "raises.in.preload")
inside_task = true
cosock.spawn(function()
  asyncify "raises.in.preload"
end, "raises")
expect.raises(shared, cosock.run)
expect.equal(calls, 4)
package.preload["waits.in.preload"] = function()
  local socket = require "socket"
  calls = calls + 1
  socket.sleep(0.001)
  return { socket = socket, get = function() return require "socket" end }
end
local waited
cosock.spawn(function()
  waited = asyncify "waits.in.preload"
end, "waits")
cosock.run()
expect.equal(waited.socket, cosock.socket)
expect.equal(waited.get(), cosock.socket)

-- A C function is what require makes of it.
package.preload["c.function"] = string.lower
expect.equal(asyncify "c.function", require "c.function")

-- A module that gives `package` a metatable of its own takes nothing from the others.
sources.write {
  takes_over = "local s = require 'socket' setmetatable(package, { __index = { more = 1 } }) return package",
  comes_after = [[
    local s = require 'socket'
    return { package.config, package.path, package.preload, package.cpath, package.more, package.loaded }
  ]],
}
local own = asyncify "takes_over"
expect.equal(own ~= package, true)
local after = asyncify "comes_after"
for place, name in ipairs { "config", "path", "preload", "cpath" } do
  expect.equal(after[place], package[name], name)
end
expect.equal(after[5], 1)
expect.equal(after[6], own.loaded)
expect.equal(after[6] ~= package.loaded, true)
expect.equal(package.more, nil)

-- Nor does one that forbids globals which nobody has set.
sources.write {
  forbids = [[
    local s = require 'socket'
    local meta = getmetatable(_G)
    if meta == nil then
      meta = {}
      setmetatable(_G, meta)
    end
    meta.__index = function(_, name) error("no global " .. name, 2) end
    return {}
  ]],
  requires_it = [[
    local s = require 'socket'
    local it = require 'forbids'
    return { text = tostring(5), find = function() return missing_global end }
  ]],
}
local strict = asyncify "requires_it"
expect.equal(strict.text, "5")
expect.raises("no global missing_global", strict.find)
expect.equal(missing_global, nil)

sources.remove()
world.finish()
