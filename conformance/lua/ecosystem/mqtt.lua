-- luamqtt, which knows nothing of cosock, through asyncify: two clients of one broker in two tasks, and a
-- third task that runs beside them. Argument: the broker's port.
local cosock = require "cosock"
local socket = cosock.socket
local mqtt = cosock.asyncify "mqtt"

local uri = "127.0.0.1:" .. assert(..., "which port?")
local count = 50

local function client(handlers)
  local made = mqtt.client { uri = uri, clean = true }
  handlers.error = function(err) error("mqtt: " .. tostring(err)) end
  made:on(handlers)
  return made
end

local received, turns = {}, 0
local is_ready, is_over = false, false

cosock.spawn(function()
  local subscriber
  subscriber = client {
    connect = function()
      assert(subscriber:subscribe { topic = "numbers/#", qos = 1, callback = function() is_ready = true end })
    end,
    message = function(message)
      assert(subscriber:acknowledge(message))
      received[#received + 1] = message.topic .. "=" .. message.payload
      if #received == count then
        assert(subscriber:disconnect())
      end
    end,
  }
  mqtt.run_sync(subscriber)
  is_over = true
end, "subscriber")

cosock.spawn(function()
  while not is_ready do
    socket.sleep(0.005)
  end
  local publisher
  local function publish(number)
    assert(publisher:publish {
      topic = "numbers/" .. number,
      payload = ("x"):rep(number * 100),
      qos = 1,
      callback = function()
        if number == count then
          assert(publisher:disconnect())
        else
          publish(number + 1)
        end
      end,
    })
  end
  publisher = client { connect = function() publish(1) end }
  mqtt.run_sync(publisher)
end, "publisher")

cosock.spawn(function()
  while not is_over do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
assert(#received == count, #received)
for number = 1, count do
  assert(received[number] == "numbers/" .. number .. "=" .. ("x"):rep(number * 100), number)
end
-- The clients waited as tasks do, not as programs without others beside them.
assert(turns > 1, turns)
print "ok"
