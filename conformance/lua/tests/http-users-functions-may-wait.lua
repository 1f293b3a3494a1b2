-- Sources, sinks, steps, filters and what `create` makes may wait, and so may the request in a coroutine of the
-- task's. Other tasks run meanwhile; requests of many tasks do not disturb each other.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local web = require "web"
local world = require "world"

local socket = cosock.socket

web.test(function()
  local address, requests, stop = web.serve(function(request)
    return web.answer(request.body or "hello")
  end)
  local turns, over = 0, false
  cosock.spawn(function()
    while not over do
      socket.sleep(0)
      turns = turns + 1
    end
  end, "beside")

  local function waiting(fn)
    return function(...)
      local before = turns
      repeat
        socket.sleep(0.001)
      until turns > before
      return fn(...)
    end
  end

  local function upper(chunk)
    return chunk and chunk:upper()
  end

  local function request(text)
    local chunks = {}
    local done, code = http.request {
      url = address,
      source = waiting(ltn12.source.chain(ltn12.source.string(text), waiting(upper))),
      sink = waiting((ltn12.sink.table(chunks))),
      step = waiting(ltn12.pump.step),
      create = waiting(function()
        return socket.tcp()
      end),
    }
    expect.equal(done, 1, code)
    return table.concat(chunks)
  end
  expect.equal(request "a text", "A TEXT")
  expect.equal(turns > 0, true)

  -- In a coroutine, whose waits the task passes on.
  local co = coroutine.create(function()
    return "result", http.request(address)
  end)
  local results = { coroutine.resume(co) }
  local yields = 0
  while coroutine.status(co) ~= "dead" do
    yields = yields + 1
    results = { coroutine.resume(co, coroutine.yield((table.unpack or unpack)(results, 2, 4))) }
  end
  expect.list({ results[1], results[2], results[3], results[4] }, { true, "result", "hello", 200 })
  expect.equal(yields > 0, true)

  -- Many at once.
  local finished = 0
  for number = 1, 40 do
    cosock.spawn(function()
      expect.equal(request("text " .. number), "TEXT " .. number)
      finished = finished + 1
    end, "request " .. number)
  end
  network.wait_until(function()
    return finished == 40
  end)
  expect.equal(#requests, 42)

  -- A sink that waits for another request.
  local inner
  local chunks = {}
  expect.equal(http.request {
    url = address,
    sink = ltn12.sink.chain(function(chunk)
      inner = inner or http.request(address, "inner")
      return chunk
    end, ltn12.sink.table(chunks)),
  }, 1)
  expect.list({ inner, table.concat(chunks) }, { "inner", "hello" })
  over = true
  stop()

  -- A task that is cancelled in a request leaves nothing.
  local begun = false
  local port
  port, stop = web.listen(function(sock)
    begun = true
    network.drain(sock)
  end)
  local task = cosock.spawn(function()
    http.request("http://127.0.0.1:" .. port)
    error "it was cancelled"
  end, "cancelled")
  network.wait_until(function()
    return begun
  end)
  task:cancel()
  task = nil
  collectgarbage()
  collectgarbage()
  stop()
end)

-- Outside of a task there is the usual error, and nothing is left.
expect.raises("not inside a cosock task", http.request, "http://127.0.0.1:1/")

world.finish()
