-- The client side of SmartThings' drivers for devices in the house (lunchbox, of the driver for Philips Hue):
-- its REST client and its stream of server-sent events, at the same time, against a server that is written
-- with luxure. What they expect of SmartThings' own libraries is stood in for here.
local cosock = require "cosock"
local socket = cosock.socket

package.preload["st.utils"] = function()
  return { stringify_table = tostring }
end
package.preload["version"] = function()
  return { api = 9 }
end
local port
package.preload["utils"] = function()
  return {
    backoff_builder = function()
      return function() return 0.01 end
    end,
    labeled_socket_builder = function()
      return function(host)
        local sock = assert(socket.tcp())
        sock:settimeout(10)
        local ok, err = sock:connect(host, port)
        if not ok then
          return nil, err
        end
        return sock
      end
    end,
  }
end
-- It tells what it does at every step.
package.preload["log"] = function()
  return setmetatable({}, { __index = function() return function() end end })
end

local RestClient = require "lunchbox.rest"
local EventSource = require "lunchbox.sse.eventsource"
local luxure = require "luxure"

local server = luxure.Server.new()
server:get("/lights/:id", function(request, response)
  response:send("light " .. request.params.id)
end)
server:get("/long", function(_, response)
  response:send(("0123456789"):rep(20000))
end)
local requests = 0
server:put("/lights/:id", function(request, response)
  requests = requests + 1
  response:send(request.params.id .. " is " .. assert(request:get_body()))
end)
server:set_ip("127.0.0.1"):listen(0)
port = server.port

-- One that sends events, each in two chunks.
local events = assert(socket.bind("127.0.0.1", 0))
local _, events_port = events:getsockname()

local is_over = false
local log = {}

cosock.spawn(function()
  while not is_over do
    server:tick(function(err)
      assert(is_over, err)
    end)
  end
end, "server")

cosock.spawn(function()
  local client = assert(events:accept())
  repeat
    local line = assert(client:receive())
  until line == ""
  client:send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
  for number = 1, 5 do
    local event = ("id: %d\nevent: light\ndata: {\"on\": %d}\n\n"):format(number, number)
    for _, part in ipairs { event:sub(1, 15), event:sub(16) } do
      client:send(("%x\r\n%s\r\n"):format(#part, part))
      socket.sleep(0.005)
    end
  end
end, "sender of events")

cosock.spawn(function()
  local url = "http://127.0.0.1:" .. events_port .. "/eventstream"
  local source = EventSource.new(url, {}, nil)
  source.onmessage = function(event)
    log[#log + 1] = event.type .. ": " .. event.data
    if #log == 5 then
      source:close()
    end
  end
end, "events")

cosock.spawn(function()
  local client = RestClient.new("http://127.0.0.1:" .. port)
  for number = 1, 5 do
    -- Its server closes after each answer, as HTTP/1.0 has it.
    local response = assert(client:get("/lights/" .. number, nil, function() return true end))
    assert(response:get_body() == "light " .. number)
    client:close_socket()
    response = assert(client:put("/lights/" .. number, "bright"))
    assert(response:get_body() == number .. " is bright")
    client:close_socket()
  end
  local response = assert(client:get("/long"))
  assert(#response:get_body() == 200000)
  client:shutdown()
  while #log < 5 do
    socket.sleep(0.01)
  end
  is_over = true
  -- The server's last turn waits for one more client, who has nothing to ask.
  socket.connect("127.0.0.1", port):close()
end, "rest")

cosock.run()
assert(requests == 5, requests)
for number = 1, 5 do
  assert(log[number] == ('light: {"on": %d}\n'):format(number), log[number])
end
print "ok"
