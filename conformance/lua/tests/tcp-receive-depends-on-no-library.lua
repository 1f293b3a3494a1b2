-- What a program does to the library of strings and to what only some Luas have, before or after it requires
-- cosock, changes nothing of what it receives.
local child = require "child"
local expect = require "expect"
local world = require "world"

local start = [[
local cosock = require "cosock"
]]
local use = [[
local print, error, rawequal = print, error, rawequal
local concat, pairs_of_text = table.concat, ("\195\164\195\182 line\n"):rep(60)
local socket, channel = cosock.socket, cosock.channel
local listener = socket.bind("127.0.0.1", 0)
local _, port = listener:getsockname()
local run = cosock.run
cosock.spawn(function()
  local client, sender = listener:accept(), nil
  for number = 1, 60 do
    local line = client:receive()
    if line ~= "\195\164\195\182 line" then
      error("line " .. number .. " is wrong", 0)
    end
  end
  for number = 1, 30 do
    if client:receive(1) ~= "\195" or client:receive(9) ~= "\164\195\182 line\n" then
      error("bytes " .. number .. " are wrong", 0)
    end
  end
  local tx, rx = channel.new()
  for number = 1, 100 do
    tx:send(number)
  end
  for number = 1, 100 do
    if rx:receive() ~= number then
      error("message " .. number .. " is wrong", 0)
    end
  end
  print "all of it"
end)
cosock.spawn(function()
  local client = socket.connect("127.0.0.1", port)
  client:send(pairs_of_text)
  client:send(pairs_of_text)
end)
]]
local finish = [[
run()
]]

local changes = {
  characters = [[
local gmatch, concat, find = string.gmatch, table.concat, string.find
local function characters(text)
  local all = {}
  for character in gmatch(text, "[%z\1-\127\194-\244][\128-\191]*") do
    all[#all + 1] = character
  end
  return all
end
string.sub = function(text, first, last)
  local all = characters(text)
  first, last = first or 1, last or -1
  if first < 0 then first = #all + first + 1 end
  if last < 0 then last = #all + last + 1 end
  if last > #all then last = #all end
  return first > last and "" or concat(all, "", first, last)
end
string.find = function(text, ...)
  local first, last = find(text, ...)
  return first and #characters(string.sub(text, 1, first)), last
end
]],
  failing = [[
string.sub, string.find, string.byte = error, error, error
]],
  gone = [[
string.sub, string.find, string.byte, jit, bit, debug, math.floor = nil, nil, nil, nil, nil, nil, nil
]],
  strict = [[
jit, bit, debug, package = nil, nil, nil, nil
setmetatable(_G, { __index = function(_, name) error("undefined global " .. name, 2) end })
]],
}
for name, change in pairs(changes) do
  local output, code = child.run(start .. use .. change .. finish)
  expect.equal(output, "all of it\n", name)
  expect.equal(code, 0, name)
end
local output, code = child.run(changes.characters .. start .. use .. finish)
expect.equal(output, "all of it\n", "characters, before")
expect.equal(code, 0)

world.finish()
