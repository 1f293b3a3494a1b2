-- The modules for the web, and what else few programs need, are compiled when something first asks for them, once; their names may be the first that
-- a program requires. LuaSocket's modules are found under their usual names where no others are.
local child = require "child"
local expect = require "expect"
local world = require "world"

local modules = debug.getregistry()["cosock.modules"]
local names = {
  "cosock.socket.http", "cosock.ssl.https", "ltn12", "mime", "mime.core", "socket.url", "socket.headers",
}
for _, name in ipairs(names) do
  expect.equal(rawget(modules, name), nil, name)
  expect.equal(package.loaded[name], nil, name)
end
expect.equal(modules["no such module"], nil)
expect.equal(modules[1], nil)
expect.equal(modules[true], nil)

for _, name in ipairs(names) do
  local module = require(name)
  expect.equal(type(module), "table", name)
  expect.equal(rawget(modules, name), module, name)
  package.loaded[name] = nil
  expect.equal(require(name), module, name)
end
expect.equal(require "mime", require "mime.core")
expect.equal(require("socket.headers").canonic["www-authenticate"], "WWW-Authenticate")

-- In a process of its own, each may be the first; none sets a global.
for _, name in ipairs { "cosock.socket.http", "cosock.ssl.https" } do
  local output, code = child.run(([[
    local before = {}
    for name in pairs(_G) do
      before[name] = true
    end
    local module = require(%q)
    assert(type(module.request) == "function" and package.loaded[%q] == module)
    for name in pairs(_G) do
      assert(before[name], "a global: " .. tostring(name))
    end
    assert(require "cosock".socket.source("http-chunked", {}))
    print "fine"
  ]]):format(name, name))
  expect.list({ output, code }, { "fine\n", 0 }, name)
end

-- A program's own modules, and those that it has loaded before, come first.
local output, code = child.run [[
  local own = {}
  package.preload["ltn12"] = function() return own end
  package.preload["cosock.socket.http"] = function() return own end
  package.loaded["cosock.ssl.https"] = own
  require "cosock"
  assert(require "ltn12" == own and require "cosock.socket.http" == own and require "cosock.ssl.https" == own)
  print "fine"
]]
expect.list({ output, code }, { "fine\n", 0 })

-- What lies behind functions that are there from the beginning is compiled when one of them is called, and
-- holds to what the standard library had at first.
output, code = child.run [[
  local cosock = require "cosock"
  local modules = debug.getregistry()["cosock.modules"]
  for _, name in ipairs { "cosock.coroutines", "cosock.endpoints", "cosock.adopt" } do
    assert(rawget(modules, name) == nil, name)
  end
  local results = {}
  local original, yield = coroutine.resume, coroutine.yield
  function coroutine.resume() error "is not called" end
  coroutine.yield = coroutine.resume
  cosock.install_coroutine()
  coroutine.yield = yield
  assert(coroutine.resume ~= original and rawget(modules, "cosock.coroutines"))
  cosock.spawn(function()
    local co = coroutine.create(function()
      cosock.socket.sleep(0)
      coroutine.yield "handed on"
    end)
    results = { coroutine.resume(co) }
  end)
  cosock.run()
  assert(results[1] == true and results[2] == "handed on")
  local sink = cosock.socket.sink("keep-open", { send = function() return "sent" end })
  assert(sink "data" == "sent" and rawget(modules, "cosock.endpoints"))
  print "fine"
]]
expect.list({ output, code }, { "fine\n", 0 })

world.finish()
