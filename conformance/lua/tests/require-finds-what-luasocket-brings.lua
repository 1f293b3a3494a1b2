-- ltn12, mime, mime.core, socket.url and socket.headers are there for require when nobody else provides them, from
-- one searcher that comes last; asyncify gives the same tables.
local world = require "world"
local expect = require "expect"
local child = require "child"
local sources = require "sources"
local cosock = require "cosock"

local field = package.searchers and "searchers" or "loaders"
local names = { "ltn12", "mime", "mime.core", "socket.url", "socket.headers" }

-- One searcher, which says nothing of other names.
local last = package[field][#package[field]]
expect.equal(last("there.is.none"), nil)
expect.equal(last(5), nil)
package.loaded["cosock"], package.loaded["cosock.socket"] = nil, nil
require "cosock"
expect.equal(package[field][#package[field]], last)
expect.equal(package[field][#package[field] - 1] ~= last, true)

for _, name in ipairs(names) do
  local module = require(name)
  expect.equal(type(module), "table", name)
  expect.equal(package.loaded[name], module, name)
  expect.equal(cosock.asyncify(name), module, name)
end

-- Whoever else provides one comes first.
package.loaded.ltn12, package.loaded.mime = nil, nil
sources.write { ltn12 = "return 'a file'" }
package.preload.mime = function() return "preloaded" end
expect.equal(require "ltn12", "a file")
expect.equal(require "mime", "preloaded")
expect.equal(type(cosock.asyncify "ltn12"), "table")
package.preload.mime = nil

-- A program may take the table of searchers away, or put one of its own in its place.
for _, replacement in ipairs { "nil", "{}", "{ package." .. field .. "[1] }" } do
  local output = child.run(([[
    local all = package.%s
    local cosock = require "cosock"
    package.%s = %s
    assert(cosock.asyncify "socket" == cosock.socket)
    package.%s = all
    assert(type(require "ltn12") == "table")
    print "fine"
  ]]):format(field, field, replacement, field))
  expect.contains(output, "fine")
end

sources.remove()
world.finish()
