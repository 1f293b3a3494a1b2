-- A look-up does not ask for globals by the functions that a program has them looked after with: where Lua does not
-- tell whether a task can wait, what runs is compared with functions of the language, of which some may be gone.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local socket = cosock.socket

dofile, xpcall = nil, nil
local asked = {}
setmetatable(_G, {
  __index = function(_, name)
    asked[#asked + 1] = name
    error("undeclared variable " .. name, 2)
  end,
})

-- What `look_up` returns in a callback of C, where no task can wait.
local function in_callback(look_up)
  local found
  table.sort({ 2, 1 }, function(one, other)
    found = found or look_up()
    return one < other
  end)
  return found
end

local look_ups = {
  toip = function() return (socket.dns.toip "localhost") end,
  tohostname = function() return (socket.dns.tohostname "127.0.0.1") end,
  getaddrinfo = function() return (socket.dns.getaddrinfo "localhost") end,
  getnameinfo = function() return (socket.dns.getnameinfo "127.0.0.1") end,
  connect = function()
    local sock = socket.tcp()
    sock:settimeout(5)
    -- Nobody listens there: its own error tells that the name was found.
    local _, err = sock:connect("localhost", 1)
    sock:close()
    return err
  end,
}

for name, look_up in pairs(look_ups) do
  local found
  cosock.spawn(function()
    local done, result = pcall(in_callback, look_up)
    found = done and result or nil
    if name ~= "connect" then
      expect.equal(done, true, name .. ": " .. tostring(result))
      expect.equal(found ~= nil, true, name)
    else
      -- The connection itself has to wait, which cannot be here.
      expect.equal(tostring(result):find("undeclared", 1, true), nil, name .. ": " .. tostring(result))
    end
  end, name)
  cosock.run()
end
expect.equal(#asked, 0, table.concat(asked, ", "))

setmetatable(_G, nil)
world.finish()
