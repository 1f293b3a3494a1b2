-- spawn takes a Lua or C function, any name, and a table of options; everything else is refused with the
-- argument's number. The task starts in run, never at once, and gets three nils.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

-- What is no function is refused, callable tables too, and nothing is spawned.
local callable = setmetatable({}, { __call = function() end })
for _, bad in ipairs { 1, "fn", true, callable, coroutine.create(function() end), io.stdout } do
  local raised = expect.raises("bad argument #1 to 'spawn' (function expected, got ", cosock.spawn, bad)
  expect.contains(raised, "got " .. type(bad) .. ")")
end
expect.raises("bad argument #1 to 'spawn' (function expected, got nil)", cosock.spawn, nil)
expect.raises("bad argument #1 to 'spawn' (function expected, got no value)", cosock.spawn)
for _, bad in ipairs { 1, "handler", {}, true } do
  expect.raises("bad argument #3 to 'spawn' (function 'onerror' expected, got " .. type(bad) .. ")",
    cosock.spawn, print, nil, { onerror = bad })
end
expect.nothing_waits()

-- The misuse is reported where it happened.
local line
local _, raised = pcall(function()
  line = debug.getinfo(1, "l").currentline + 1
  cosock.spawn(5)
end)
expect.contains(raised, "spawn-takes-a-function-a-name-and-options.lua:" .. line .. ": bad argument")

-- One handle, which keeps the name as it was given; a task without a name has no such field.
local names = { "text", 12, true, false, {}, print }
for _, name in ipairs(names) do
  local results = expect.pack(cosock.spawn(function() end, name))
  expect.equal(results.n, 1)
  expect.equal(type(results[1]), "table")
  expect.equal(rawget(results[1], "name"), name)
end
expect.equal(rawget(cosock.spawn(function() end), "name"), nil)
expect.equal(rawget(cosock.spawn(function() end, nil), "name"), nil)

-- Neither a further argument nor an option without a meaning changes anything.
cosock.spawn(function() end, "name", nil, "ignored", 5)
cosock.spawn(function() end, "name", {}, 5)
cosock.spawn(function() end, "name", { unknown = 1 })
cosock.spawn(function() end, "name", "no table")
cosock.run()

-- Three nils arrive, whatever spawn got; what the function returns is dropped.
local got
local handle = cosock.spawn(function(...)
  got = expect.pack(...)
  return "dropped", 1, 2
end, "name", nil, "argument")
expect.equal(got, nil, "not before run")
expect.equal(handle:is_alive(), true)
local results = expect.pack(cosock.run())
expect.equal(results.n, 0, "values from run")
expect.list(got, { n = 3 })
expect.equal(handle:is_alive(), false)

-- A C function may be a task; many results do not matter.
expect.tasks(collectgarbage)
cosock.spawn(function()
  return (table.unpack or unpack)({}, 1, 200)
end)
cosock.run()

-- A child starts after its parent has waited or ended.
local order = {}
cosock.spawn(function()
  cosock.spawn(function()
    order[#order + 1] = "child"
  end)
  order[#order + 1] = "parent"
  cosock.socket.sleep(0)
  order[#order + 1] = "parent again"
end)
cosock.run()
expect.equal(table.concat(order, ", "), "parent, child, parent again")

-- One function may be many tasks, and a name need not be unique.
local count = 0
local function add()
  count = count + 1
end
local first, second = cosock.spawn(add, "same"), cosock.spawn(add, "same")
expect.equal(rawequal(first, second), false)
cosock.run()
expect.equal(count, 2)

world.finish()
