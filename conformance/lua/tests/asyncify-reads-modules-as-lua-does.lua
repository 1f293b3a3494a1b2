-- However a module writes its `require` of a socket, the socket is cosock's: comments, strings, line ends and names
-- made at run time hide nothing. What only looks like a `require`, or like the setting of a global, does not keep
-- a module from being shared; a module that sets a global is not shared.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"
local asyncify = cosock.asyncify

-- LuaSocket, for normal copies.
local theirs = {}
package.loaded["socket"] = theirs

local networked = {
  after_comment = "--[[ my module ]] local socket = require 'socket' return { s = socket }",
  after_lines = "--[[\ndocs\n--]] local socket = require 'socket' return { s = socket }",
  after_levels = "--[==[ ]] ]=] -- ]==] local socket = require 'socket' return { s = socket }",
  after_no_block = "--[=x\nlocal socket = require 'socket' return { s = socket }",
  old_line_ends = "-- old\rlocal socket = require 'socket'\rreturn { s = socket }",
  other_line_ends = "-- other\r\nlocal socket = require 'socket'\r\nreturn { s = socket }",
  long_string = "local text = [[\n-- ]] local socket = require('socket') return { s = socket }",
  long_levels = "local text = [=[\n]]--]=] local socket = require('socket') return { s = socket }",
  quoted_comment = "local text = '--[[' local socket = require 'socket' return { s = socket, t = ']]' }",
  quoted_quote = "local text = '\\'--' local socket = require 'socket' return { s = socket }",
  quoted_backslash = "local text = '\\\\' local socket = require 'socket' return { s = socket, t = '--' }",
  quoted_line = "local text = 'a\\\n--' local socket = require 'socket' return { s = socket }",
  long_name = "return { s = require[[socket]] }",
  escaped_name = 'return { s = require("soc\\107et") }',
  name_by_parts = "return { s = require('soc' .. 'ket') }",
  far_away = "return { s = require --[[ it ]] ( -- is\n'socket' ) }",
  by_globals = "local G = _G return { s = (_G['req' .. 'uire'])('socket') }",
  by_another_name = "local r = require return { s = r 'socket' }",
  by_own_name = "local require = require return { s = require 'socket' }",
  by_own_list = "local type, require = type, require return { s = require 'socket' }",
  by_crossed_list = "local type, find = type, require return { s = find 'socket' }",
  by_choice = "local require = require or error return { s = require 'socket' }",
  by_load = "local text = 'return require' return { s = (loadstring or load)('return ...')(require)('socket') }",
  by_required_globals = "return { s = require('_G')['req' .. 'uire']('socket') }",
  by_required_package = "return { s = require('package').loaded.socket }",
  by_package = "return { s = package['load' .. 'ed'].socket }",
  by_pcall = "local ok, s = pcall(require, 'socket') return { s = s }",
  by_other_pcall = "local function pcall(f) return f('socket') end return { s = pcall(require, 'os') }",
  by_given_pcall = [[
    local t = { pcall = function(f) return f('socket') end }
    return { s = t.pcall(require, 'os') }
  ]],
}
-- What looks like a branch that is never taken.
local branches = {
  set_later = "local never = false never = true if never then",
  set_by_list = "local a, never = 1, false a, never = never, true if never then",
  other_value = "local never = false or true if never then",
  inner = "do local never = false end never = true if never then",
  given = "local never = false local function f(never) if never then return true end end if f(true) then",
  other_branch = "local never = false if never then local a = 1 elseif true then",
  else_branch = "local never = false if never then if never then local a = 1 else local b = 2 end else",
  negated = "local never = false if not never then",
  late = "if never == nil then local a = 1 end local never = false if never then local b = 1 end if true then",
}
for name, text in pairs(branches) do
  networked["branch_" .. name] = "local s; " .. text .. " s = _G['req' .. 'uire']('socket') end return { s = s }"
end
networked.branch_inner = networked.branch_inner:gsub("never = true", "rawset(_G, 'never', true)")
networked.by_late_pcall = "return { s = (function() return select(2, pcall(function() return require('soc' .. 'ket') end)) end)() }"
if _ENV then
  networked.by_environment = "local e = _ENV return { s = e['req' .. 'uire']('socket') }"
end
if getfenv then
  networked.by_function_environment = "return { s = getfenv()['req' .. 'uire']('socket') }"
end
if module then
  networked.old_kind = "module('old_kind', package.seeall) s = require 'socket'"
end
sources.write(networked)
for name in pairs(networked) do
  local outer = "outside_" .. name
  sources.write { [outer] = ("return { s = require '%s'.s }"):format(name) }
  expect.equal(asyncify(outer).s, cosock.socket, outer)
  expect.equal(asyncify(name).s, cosock.socket, name)
  expect.equal(package.loaded[name], nil, name)
  if name ~= "by_package" and name ~= "old_kind" then
    expect.equal(require(name).s, theirs, name)
  end
end

-- Only what was loaded counts, not what its file says by now.
do
  local searchers = package.searchers or package.loaders
  sources.write { changed = "return { s = require 'socket' }" }
  local loader = assert(loadfile(sources.file("changed")))
  sources.write { changed = "return { s = 'other' }" }
  table.insert(searchers, 2, function(name)
    return name == "changed" and loader or nil
  end)
  expect.equal(asyncify("changed").s, cosock.socket)
  table.remove(searchers, 2)
end
-- Nor what a part of its file says.
local hidden = require
package.preload.part = function()
  return { s = hidden "socket" }
end
expect.equal(asyncify "part" ~= require "part", true)

-- Globals are those of asyncified modules.
local setting = {
  sets = "x_global = 1; return nil",
  sets_later = "local M = {} function M.set() x_global = 1 end M.set() return M",
  sets_function = "function x_global() end return {}",
  sets_among_others = "local a, b a, x_global, b = 1, 2, 3 return {}",
  sets_first = "local t = {} x_global, t[1] = 1, 2 return {}",
  sets_after_field = "local t = {} t.a, x_global = 1, 2 return {}",
  sets_in_table = "return { f = (function() x_global = 1 end)() }",
  sets_beside_local = "do local x_global = 2 end x_global = 1 return {}",
  sets_beside_parameter = "local function f(x_global) return x_global end x_global = 1 return {}",
  sets_beside_loop = "for x_global = 1, 2 do local y = 1 end x_global = 1 return {}",
  sets_in_branch = "if 1 then local x_global else x_global = 1 end x_global = 1 return {}",
  sets_in_its_value = "local x_global = (function() x_global = 1 end)() return {}",
  sets_by_table = "_G.x_global = 1 return {}",
  sets_raw = "rawset(_G, 'x_global', 1) return {}",
}
sources.write(setting)
for name in pairs(setting) do
  asyncify(name)
  expect.equal(rawget(_G, "x_global"), nil, name)
  expect.equal(package.loaded[name], nil, name)
end

-- What is harmless stays shared.
local shared = {
  talks = "-- require 'socket'\n--[[ require 'socket' ]] return { 'require \"socket\"', [=[ require 'socket' ]=] }",
  fields = "local M = { } function M.require() end M.load, M.module = 1, 2 return M",
  traces = "return { trace = function() return debug.traceback() end, path = package.path }",
  keys = "local type = type return { x = 1, type = type, f = function(a, b) a, b = b, a return a end }",
  blocks = [[
    local a, b = 1, 2
    local M = {}
    local function f(c, ...)
      for i, v in pairs(c) do local i = v i = 1 end
      for n = 1, 2 do local m = n m = 2 end
      while a > 2 do a = a - 1 end
      repeat local d = 1 d = 2 until d == 2
      if a == 1 then b = 2 elseif a == 2 then local e e = 1 else local g = function() a = 2 end end
      c.x, b = 1, 2
      M[a], a = 2, 3
      return f, math, b
    end
    local g
    function g() return f end
    function M.new() local self = setmetatable({}, M) self.a = 1 return self end
    function M:method() self.b, self.c = 1, 2 a = 1 end
    f({ 1 })
    return M
  ]],
  never_taken = [[
    local as_global, all = false, false
    local never = false
    local M = {}
    if never then
      if never then _G.x_global = M else _G.y_global = coroutine end
      for i = 1, 2 do repeat local a = function() x_global = 1 end until i == 1 end
    end
    if never then x_global = 1 else M.taken = true end
    if never then return package.loaded elseif M.taken then M.chosen = 1 end
    return M
  ]],
  metatables = "local get = require 'debug'.getmetatable return { get = get, set = require('debug').setmetatable }",
  tries_while_loading = "local M = {} pcall(function() M.debug = require 'debug'.getmetatable end) return M",
  hides = "local pairs, require = pairs, require local _ENV = nil return { leaf = require 'keys' }",
}
if expect.version == "5.1" or not _ENV then
  shared.hides = nil
end
sources.write(shared)
for name in pairs(shared) do
  expect.equal(asyncify(name), require(name), name)
end

sources.remove()
world.finish()
