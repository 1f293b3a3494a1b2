-- Over TLS as over TCP: what has been received is handed over once and in order, whatever asks for it and in loops
-- that run often.
local world = require "world"
local expect = require "expect"
local known_stream = require "known_stream"
local secure = require "secure"

for seed = 11, 14 do
  expect.tasks(function()
    local client, server = secure.pair()
    known_stream.compare(client, server, seed, 2000, false)
  end)
end

-- What was decrypted before the close can still be read, like what came before a timeout.
expect.tasks(function()
  local client, server = secure.pair()
  local lines = {}
  for number = 1, 100 do
    lines[number] = number .. "\r\n"
  end
  server:send(table.concat(lines) .. "part")
  for number = 1, 50 do
    expect.equal(client:receive(), tostring(number))
    expect.equal(client:dirty(), true)
  end
  client:settimeout(0)
  expect.list(expect.pack(client:receive(1000)), { n = 3, nil, "wantread", table.concat(lines, "", 51) .. "part" })
  expect.equal(client:dirty(), false)
  client:close()
  server:close()
end)

world.finish()
