-- One library answers seven names, in any order, each always with the same table; also when the first require
-- happens in a coroutine that is then collected.
local child = require "child"
local expect = require "expect"
local world = require "world"

local names = {
  "cosock", "cosock.socket", "cosock.socket.tcp", "cosock.socket.udp", "cosock.socket.internals",
  "cosock.channel", "cosock.timers",
}

-- Within this process: what require gives, what package.loaded has, and what is reached from one another.
local modules = {}
for _, name in ipairs(names) do
  modules[name] = require(name)
  expect.equal(type(modules[name]), "table", name)
  expect.equal(package.loaded[name], modules[name], name)
end
local cosock = modules["cosock"]
expect.equal(cosock.socket, modules["cosock.socket"])
expect.equal(cosock.channel, modules["cosock.channel"])
expect.equal(cosock.socket.tcp, modules["cosock.socket.tcp"])
expect.equal(cosock.socket.udp, modules["cosock.socket.udp"])
for one = 1, #names do
  for other = one + 1, #names do
    expect.equal(rawequal(modules[names[one]], modules[names[other]]), false)
  end
end

-- Forgotten by package.loaded, a name gives the same table again: there is one cosock in a state.
for _, name in ipairs(names) do
  package.loaded[name] = nil
  expect.equal(require(name), modules[name], name)
end
for _, name in ipairs(names) do
  package.loaded[name] = nil
end
for place = #names, 1, -1 do
  expect.equal(require(names[place]), modules[names[place]])
end

-- What each module has, and nothing by accident: no global is set.
for name, fields in pairs {
  ["cosock"] = {
    "_VERSION", "spawn", "run", "reset", "get_thread_metadata", "seterrorhandler", "install_coroutine",
    "install_pcall", "asyncify", "socket", "channel",
  },
  ["cosock.socket"] = {
    "_VERSION", "_SETSIZE", "_DATAGRAMSIZE", "_SOCKETINVALID", "BLOCKSIZE", "bind", "choose", "connect",
    "connect4", "connect6", "dns", "gettime", "newtry", "protect", "select", "sink", "sinkt", "skip", "sleep",
    "source", "sourcet", "tcp", "tcp4", "tcp6", "try", "udp", "udp4", "udp6",
  },
  ["cosock.socket.tcp"] = { "receive", "send", "accept", "connect", "bind", "listen", "close", "setwaker", "_wake" },
  ["cosock.socket.udp"] = { "receive", "receivefrom", "send", "sendto", "close", "setwaker", "_wake" },
  ["cosock.socket.internals"] = { "passthroughbuilder", "setuprealsocketwaker" },
  ["cosock.channel"] = { "new", "sender", "receiver" },
  ["cosock.timers"] = { "set", "cancel", "run" },
} do
  for _, field in ipairs(fields) do
    expect.equal(modules[name][field] ~= nil, true, name .. "." .. field)
  end
end
expect.equal(cosock._VERSION, "0.2.0")
expect.equal(cosock.socket._VERSION, "LuaSocket 3.0.0")
expect.equal(cosock.socket._SETSIZE, 1024)
expect.equal(cosock.socket.BLOCKSIZE, 2048)

-- In a process of its own each name may be the first, and any other the second.
local check = [[
local function check(first, second)
  local before = {}
  for name in pairs(_G) do
    before[name] = true
  end
  local a = require(first)
  local b = require(second)
  assert(type(a) == "table" and type(b) == "table")
  assert(package.loaded[first] == a and package.loaded[second] == b)
  for name in pairs(_G) do
    assert(before[name], "a global: " .. tostring(name))
  end
  local cosock, socket = require "cosock", require "cosock.socket"
  assert(cosock.socket == socket and socket.tcp == require "cosock.socket.tcp")
  local done = false
  cosock.spawn(function()
    socket.sleep(0)
    local tx, rx = require("cosock.channel").new()
    tx:send "message"
    assert(rx:receive() == "message")
    done = true
  end)
  cosock.run()
  assert(done)
  print "fine"
end
]]
for place, first in ipairs(names) do
  local second = names[place % #names + 1]
  local output, code = child.run(check .. ("check(%q, %q)"):format(first, second))
  expect.equal(output, "fine\n", first)
  expect.equal(code, 0, first)
end

-- First required in a coroutine that ends and is collected; then used, from the main program and from others.
local in_coroutine = check .. [[
local function collect()
  for _ = 1, 5 do
    collectgarbage()
  end
end
local co = coroutine.create(function()
  return require(first)
end)
assert(coroutine.resume(co))
co = nil
collect()
local garbage = {}
for number = 1, 1000 do
  garbage[number] = coroutine.create(function() end)
end
garbage = nil
collect()
check(first, second)
coroutine.wrap(function()
  check(second, first)
end)()
collect()
check(second, first)
]]
for place, first in ipairs(names) do
  local second = names[(place + 2) % #names + 1]
  local output, code = child.run(("first, second = %q, %q "):format(first, second) .. in_coroutine)
  expect.equal(output, "fine\nfine\nfine\n", first)
  expect.equal(code, 0, first)
end

-- First required inside a coroutine that fails afterwards, and inside one that is never resumed again.
local output, code = child.run(check .. [[
coroutine.resume(coroutine.create(function()
  require "cosock"
  error "on purpose"
end))
coroutine.resume(coroutine.create(function()
  require "cosock.channel"
  coroutine.yield()
end))
collectgarbage()
collectgarbage()
check("cosock.socket", "cosock")
]])
expect.equal(output, "fine\n")
expect.equal(code, 0)

-- A file of another cosock on the path does not come in between for names that one require has answered.
expect.equal(require "cosock.socket.internals", modules["cosock.socket.internals"])

world.finish()
