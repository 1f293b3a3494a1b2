-- Debian's lua-redis, asyncified, against a redis-server: commands, pipelines, transactions, blocking pops,
-- publish/subscribe and monitor, in many tasks at once. Arguments: its port, and a directory that is not used.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local port = tonumber((...))
local redis = cosock.asyncify "redis"
expect.equal(cosock.asyncify "redis", redis)
expect.equal(package.loaded.redis, nil)
expect.equal(package.loaded.socket, nil)

local function connect(options)
  local parameters = { host = "127.0.0.1", port = port }
  for name, value in pairs(options or {}) do
    parameters[name] = value
  end
  local client = redis.connect(parameters)
  expect.equal(client:auth("secret"), true)
  return client
end

local function close(client)
  expect.equal(client:quit(), true)
  client.network.socket:close()
end

-- Commands; their errors; a password that is missing; names of hosts and addresses as URLs.
expect.tasks(function()
  local stranger = redis.connect("127.0.0.1", port)
  local fine, err = pcall(stranger.get, stranger, "key")
  if expect.version ~= "5.1" then
    -- The program's own pcall lets no wait pass on 5.1.
    expect.equal(fine, false)
    expect.contains(err, "NOAUTH")
    close(stranger)
  else
    stranger.network.socket:close()
  end

  local client = connect { host = "localhost" }
  expect.equal(client:ping(), true)
  expect.equal(client:set("key", "value"), true)
  expect.equal(client:get("key"), "value")
  expect.equal(client:get("no such key"), nil)
  expect.equal(client:exists("key"), true)
  expect.equal(client:incrby("count", 41), 41)
  expect.equal(client:incr("count"), 42)
  local bytes = network.bytes(300000)
  expect.equal(client:set("large", bytes), true)
  expect.equal(client:get("large") == bytes, true)
  client:hmset("hash", { one = "1", two = "2" })
  local hash = client:hgetall("hash")
  expect.equal(hash.one .. hash.two, "12")
  client:rpush("list", "a", "b", "c")
  expect.list(client:lrange("list", 0, -1), { "a", "b", "c" })
  close(client)

  local by_url = redis.connect("redis://127.0.0.1:" .. port .. "/?tcp_nodelay=1")
  by_url:auth("secret")
  expect.equal(by_url:get("key"), "value")
  close(by_url)
end)

-- Pipelines, and what fails inside of one.
expect.tasks(function()
  local client = connect()
  -- Only commands whose replies are converted: later than 5.1 the module's pipelines fail with others.
  local replies, count = client:pipeline(function(pipeline)
    for number = 1, 100 do
      pipeline:setnx("pipe" .. number, number)
    end
    pipeline:exists("pipe100")
    pipeline:exists("no such key")
    pipeline:hgetall("hash")
  end)
  expect.equal(count, 103)
  expect.equal(replies[1], true)
  expect.equal(replies[100], true)
  expect.equal(replies[101], true)
  expect.equal(replies[102], false)
  expect.equal(replies[103].two, "2")
  expect.raises("on purpose", client.pipeline, client, function()
    error("on purpose")
  end)
  -- It is in order again.
  expect.equal(client:get("pipe7"), "7")
  close(client)
end)

-- Transactions: queued, discarded, and with check-and-set against another client.
expect.tasks(function()
  local client, other = connect(), connect()
  local replies, count = client:transaction(function(t)
    t:set("in", "transaction")
    t:get("in")
    t:incr("transactions")
  end)
  expect.equal(count, 3)
  expect.list(replies, { true, "transaction", 1 })

  local tries = 0
  client:set("balance", 10)
  replies = client:transaction({ watch = "balance", cas = true, retry = 3 }, function(t)
    tries = tries + 1
    local balance = tonumber(t:get("balance"))
    if tries == 1 then
      other:set("balance", 20)
    end
    t:multi()
    t:set("balance", balance + 1)
    t:get("balance")
  end)
  expect.equal(tries, 2)
  expect.equal(replies[2], "21")
  close(client)
  close(other)
end)

-- A pop that blocks, in many tasks, while one task pushes; and one that times out.
expect.tasks(function()
  local popped, started, turns = {}, 0, 0
  for number = 1, 10 do
    cosock.spawn(function()
      local client = connect()
      started = started + 1
      local item = client:blpop("queue", 0)
      popped[#popped + 1] = item[2]
      close(client)
    end, "popper " .. number)
  end
  local ticker = cosock.spawn(function()
    while true do
      turns = turns + 1
      socket.sleep(0.001)
    end
  end, "ticker")
  local client = connect()
  network.wait_until(function() return started == 10 end)
  for number = 1, 10 do
    client:rpush("queue", "item " .. number)
  end
  network.wait_until(function() return #popped == 10 end)
  table.sort(popped)
  expect.equal(popped[1], "item 1")
  expect.equal(popped[10], "item 9")
  expect.equal(client:blpop("queue", 1), nil)
  expect.equal(turns > 10, true)
  ticker:cancel()
  -- Who waits on a pop can be cancelled, and who has a timeout gets an error.
  local waiting = connect()
  local waiter = cosock.spawn(function()
    waiting:blpop("queue", 0)
  end, "to be cancelled")
  socket.sleep(0.01)
  waiter:cancel()
  waiting.network.socket:close()
  local impatient, told = connect(), nil
  impatient.network.socket:settimeout(0.02)
  cosock.spawn(function()
    impatient:blpop("queue", 0)
  end, "impatient", { onerror = function(err) told = err end })
  network.wait_until(function() return told end)
  expect.contains(told, "connection error: timeout")
  impatient.network.socket:close()
  close(client)
end)

-- Publish and subscribe, by an iterator that waits.
expect.tasks(function()
  local got, ready = {}, false
  cosock.spawn(function()
    local client = connect()
    local next_message = client:pubsub { subscribe = { "news", "control" }, psubscribe = "n?ws" }
    local message, abort = next_message()
    while message do
      if message.kind == "message" then
        got[#got + 1] = message.channel .. ":" .. message.payload
        if message.channel == "control" then
          abort()
        end
      elseif message.kind == "pmessage" then
        got[#got + 1] = message.pattern .. ":" .. message.payload
      elseif message.kind == "psubscribe" then
        ready = true
      end
      message = next_message()
    end
    close(client)
    got.over = true
  end, "subscriber")
  local client = connect()
  network.wait_until(function() return ready end)
  expect.equal(client:publish("news", "first"), 2)
  expect.equal(client:publish("nobody", "hears"), 0)
  expect.equal(client:publish("control", "stop"), 1)
  network.wait_until(function() return got.over end)
  expect.list({ got[1], got[2], got[3] }, { "news:first", "n?ws:first", "control:stop" })
  close(client)
end)

-- Monitor: what another client does is seen.
expect.tasks(function()
  local seen, ready = {}, false
  cosock.spawn(function()
    local client = connect()
    local next_message = client:monitor_messages()
    ready = true
    local message, abort = next_message()
    while message do
      seen[#seen + 1] = message.command
      if message.command:upper() == "SET" then
        abort()
      end
      message, abort = next_message()
    end
    client.network.socket:close()
    seen.over = true
  end, "monitor")
  local client = connect()
  network.wait_until(function() return ready end)
  -- Until its MONITOR has arrived, nothing is seen.
  network.wait_until(function()
    client:set("monitored", "value")
    return seen.over
  end)
  expect.equal(seen[#seen]:upper(), "SET")
  close(client)
end)

world.finish()
