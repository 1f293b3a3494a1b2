-- lua-nats through asyncify: who answers, who listens and who asks are tasks with connections of their own, and a
-- fourth task runs beside them. Argument: the port of a nats-server.
local cosock = require "cosock"
local socket = cosock.socket

-- What lua-nats takes from others, as far as it is used here: identifiers, and JSON of a flat table.
local identifiers = 0
package.preload.uuid = function()
  return setmetatable({ seed = function() end }, {
    __call = function()
      identifiers = identifiers + 1
      return "id" .. identifiers
    end,
  })
end
package.preload.cjson = function()
  local json = {}
  function json.encode(values)
    local fields = {}
    for name, value in pairs(values) do
      fields[#fields + 1] = ('"%s":%s'):format(name, type(value) == "string" and '"' .. value .. '"' or tostring(value))
    end
    return "{" .. table.concat(fields, ",") .. "}"
  end
  function json.decode(text)
    return { host = text:match '"host":"([^"]*)"' }
  end
  return json
end
local nats = cosock.asyncify "nats"

local port = tonumber((assert(..., "which port?")))
local count = 50

local function text_of(number)
  return ("%d,"):format(number):rep(number * 40)
end

-- Calls the function with a client that is connected.
local function with_client(fn)
  local client = nats.connect { host = "127.0.0.1", port = port, timeout = 30 }
  client:connect()
  assert(client:get_server_info().host == "127.0.0.1")
  assert(client:ping())
  fn(client)
  client:shutdown()
end

local received, answers, turns = {}, {}, 0
local ready, over = 0, 0

cosock.spawn(function()
  with_client(function(client)
    client:subscribe("numbers.*", function(payload) received[#received + 1] = payload end)
    assert(client:ping())
    ready = ready + 1
    client:wait(count)
  end)
  over = over + 1
end, "listener")

cosock.spawn(function()
  with_client(function(client)
    client:subscribe("double", function(payload, reply) client:publish(reply, payload .. payload) end)
    assert(client:ping())
    ready = ready + 1
    client:wait(count)
    assert(client:ping())
  end)
  over = over + 1
end, "responder")

cosock.spawn(function()
  while ready < 2 do
    socket.sleep(0.005)
  end
  with_client(function(client)
    for number = 1, count do
      client:publish("numbers.n" .. number, text_of(number))
      client:request("double", text_of(number), function(payload) answers[number] = payload end)
      client:wait(1)
    end
  end)
  over = over + 1
end, "asker")

cosock.spawn(function()
  while over < 3 do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
assert(#received == count, #received)
for number = 1, count do
  assert(received[number] == text_of(number), number)
  assert(answers[number] == text_of(number):rep(2), number)
end
-- The clients waited as tasks do, not as programs without others beside them.
assert(turns > 1, turns)
print "ok"
