-- Searchers, what a loader gets, results and errors: as require has them.
local world = require "world"
local expect = require "expect"
local sources = require "sources"
local cosock = require "cosock"
local asyncify = cosock.asyncify

-- LuaSocket, for normal copies.
package.loaded["socket"], package.loaded["ltn12"] = {}, {}

-- What raises in `require` raises the same text here, at the same place.
local function check_same_error(name)
  package.loaded[name] = nil
  local _, theirs = pcall(function() local module = require(name) return module end)
  local _, ours = pcall(function() local module = asyncify(name) return module end)
  expect.equal(type(theirs), "string", name)
  expect.equal((ours:gsub("^[^:\n]*:%d+: ", "")), (theirs:gsub("^[^:\n]*:%d+: ", "")), name)
  return ours
end

sources.write {
  broken = "return return",
  raises = "local socket = require 'socket' error('on purpose')",
  asks_for_more = "local socket = require 'socket' local it = require 'there.is.none' return it",
}
local text = check_same_error("there.is.none")
expect.contains(text, "module 'there.is.none' not found:\n\t")
expect.contains(text, "no field package.preload['there.is.none']")
expect.contains(text, "there/is/none.lua")
-- Raised where it was called.
expect.equal(text:match("^[^:]*") ~= "[cosock]", true)
expect.contains(check_same_error("broken"), "error loading module 'broken' from file '" .. sources.file("broken"))
expect.contains(check_same_error("raises"), "on purpose")
expect.contains(check_same_error("asks_for_more"), "module 'there.is.none' not found:")
expect.contains(check_same_error("asks_for_more"), sources.file("asks_for_more") .. ":1: module")
check_same_error(5)

-- No names.
expect.contains(expect.raises("bad argument #1 to 'asyncify' (string expected, got no value)", function()
  local module = asyncify()
  return module
end), "asyncify-finds")
for _, bad in ipairs { true, {}, print } do
  expect.raises("bad argument #1 to 'asyncify' (string expected, got " .. type(bad) .. ")", asyncify, bad)
end
expect.raises("bad argument #1 to 'asyncify' (string expected, got nil)", asyncify, nil)
sources.write { bad_name = "local s = require 'socket' local it = require(nil) return it" }
expect.contains(
  expect.raises("bad argument #1 to 'require' (string expected, got nil)", asyncify, "bad_name"),
  sources.file("bad_name") .. ":1:"
)
sources.write { many = "local s = require 'socket' return { n = select('#', ...), ... }" }

-- The loader's arguments and the results, as of require.
do
  local ours, theirs = expect.pack(asyncify "many"), expect.pack(require "many")
  expect.equal(ours.n, theirs.n)
  expect.equal(ours[2], theirs[2])
  expect.list(ours[1], theirs[1])
  expect.equal(expect.pack(asyncify "many").n, 1)
end

-- A searcher of the program: what it returns is called in the module's environment, and it may refuse.
local field = package.searchers and "searchers" or "loaders"
local searchers = package[field]
local asked = {}
table.insert(searchers, 2, function(name)
  asked[#asked + 1] = name
  if name == "from.a.table" then
    return assert((loadstring or load)("return { socket = require 'socket', name = ... }", "=here"))
  end
  return "\n\tthe table has no '" .. name .. "'"
end)
expect.equal(asyncify("from.a.table").socket, cosock.socket)
expect.equal(asyncify("from.a.table").name, "from.a.table")
expect.contains(expect.raises("not found", asyncify, "from.b"), "\n\tthe table has no 'from.b'")
expect.list(asked, { "from.a.table", "from.b" })
check_same_error("from.b")
table.insert(searchers, 2, function()
  error("a searcher raises", 0)
end)
expect.equal(expect.raises("a searcher raises", asyncify, "from.c"), "a searcher raises")
table.remove(searchers, 2)
table.remove(searchers, 2)

-- The table of searchers replaced, emptied or gone.
sources.write { after = "return { socket = require 'socket' }" }
package[field] = { searchers[1], searchers[2] }
expect.equal(asyncify("after").socket, cosock.socket)
package[field] = {}
expect.equal(expect.raises("not found:", asyncify, "nowhere"):match("not found:(.*)"), "")
expect.equal(asyncify("socket"), cosock.socket)
package[field] = nil
expect.raises("'package." .. field .. "' must be a table", asyncify, "nowhere")
expect.equal(asyncify("socket"), cosock.socket)
package[field] = searchers

sources.remove()
world.finish()
