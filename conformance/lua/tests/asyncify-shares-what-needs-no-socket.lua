-- A Lua module that cannot come to use a socket, a C module and a standard library are the ones of require, whoever
-- asks first: what is told by identity is the same on both sides. In doubt a module is not shared.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"
local asyncify = cosock.asyncify

-- LuaSocket, for normal copies.
package.loaded["socket"], package.loaded["ltn12"] = {}, {}

local function check_shared(shared, name)
  local normal_first = require(name)
  expect.equal(asyncify(name) == normal_first, shared, name)
  package.loaded[name] = nil
  expect.equal(asyncify(name) == require(name), shared, name .. ", asyncify first")
end

-- Asked for the first time: require has it from then on.
sources.write { early = "return {}" }
local early = asyncify "early"
expect.equal(package.loaded.early, early)
expect.equal(require "early", early)

local shared = {
  leaf = "return { null = {} }",
  with_requires = [[
    -- This does not require a socket.
    local require = require
    local string, leaf = require 'string', require("leaf")
    local found, missing = pcall(require, "there.is.no.such.module")
    return { leaf = leaf, found = found }
  ]],
  lazy = "return function() return require('leaf') end",
  one_of_two = "if ... == 'two_of_two' then return {} end return { other = require 'two_of_two' }",
  two_of_two = "return { later = function() return require 'one_of_two' end }",
  uses_cosock = "return { cosock = require 'cosock', socket = require 'cosock.socket' }",
}
local own = {
  networked = "return { socket = require 'socket' }",
  through_another = "return { leaf = require 'leaf', other = require('networked') }",
  only_later = "return { later = function() return require 'networked' end }",
  filters = "return { ltn12 = require 'ltn12' }",
  by_any_name = "local name = 'leaf' return { leaf = require(name) }",
  by_parts = "return { leaf = require('le' .. 'af') }",
  handed_on = "local load = require return { load = load }",
  generators = "return { each = coroutine.wrap }",
  looks_around = "return { loaded = package.loaded }",
  broken_later = "return { later = function() return require 'broken' end }",
  broken = "return return",
}
sources.write(shared)
sources.write(own)
for name in pairs(shared) do
  check_shared(true, name)
end
for name in pairs(own) do
  if name ~= "broken" then
    check_shared(false, name)
  end
end
-- A callback of the module may wait; where waits do not pass pcall it needs another one.
sources.write { catches = "return { try = function(fn) return pcall(fn) end }" }
check_shared(expect.version ~= "5.1", "catches")

-- What an asyncified module requires is shared by the same rule.
expect.equal(asyncify("through_another").leaf, require "leaf")
expect.equal(asyncify("through_another").other.socket, cosock.socket)
expect.equal(asyncify("only_later").later().socket, cosock.socket)

-- The same of bytecode that has its text with it; without, it proves nothing.
local dump = string.dump
local load = loadstring or load
sources.write {
  binary_leaf = dump(load("return { null = {} }")),
  binary_nameless = dump(load("return { null = {} }", "=nameless")),
  binary_networked = dump(load("return { socket = require 'socket' }")),
}
check_shared(true, "binary_leaf")
check_shared(false, "binary_nameless")
check_shared(false, "binary_networked")
expect.equal(asyncify("binary_networked").socket, cosock.socket)

-- Standard libraries and what is in package.loaded only. A file of a library's name does not come first.
sources.write { string = "error 'a file for string'", math = "error 'a file for math'" }
for _, name in ipairs { "string", "table", "math", "io", "os", "debug" } do
  -- On 5.1 its traceback is ours.
  expect.equal(asyncify(name) == require(name), not (expect.version == "5.1" and name == "debug"), name)
end
local dotted = {}
package.loaded["only.in.loaded"] = dotted
expect.equal(asyncify "only.in.loaded", dotted)
package.loaded["only.in.loaded"] = nil

-- C modules: never loaded twice.
local calls = 0
local searchers = package.searchers or package.loaders
table.insert(searchers, 2, function(name)
  if name == "made.of.c" then
    calls = calls + 1
    return math.floor
  end
end)
package.loaded["made.of.c"] = dotted
expect.equal(asyncify "made.of.c", dotted)
sources.write { uses_c = "return { socket = require 'socket', c = require 'made.of.c' }" }
expect.equal(asyncify("uses_c").c, dotted)
package.loaded["made.of.c"] = nil
table.remove(searchers, 2)
expect.equal(calls > 0, true)

-- A whole program may be asyncified: its own require is asyncify then.
local raw_require = require
require = asyncify
sources.write { whole = "return { socket = require 'socket', leaf = require 'leaf', string = require 'string' }" }
local whole = require "whole"
require = raw_require
expect.equal(whole.socket, cosock.socket)
expect.equal(whole.leaf, require "leaf")
expect.equal(whole.string, string)

sources.remove()
world.finish()
