-- In an asyncified module, pcall, xpcall, coroutine.wrap and coroutine.resume let waits pass, on every Lua and
-- without anything installed; the program's own stay as they are. Iterators that read a socket deliver data.
local world = require "world"
local expect = require "expect"
local network = require "network"
local sources = require "sources"
local cosock = require "cosock"
local socket = cosock.socket

local raw = { pcall = pcall, xpcall = xpcall }
for name, value in pairs(coroutine) do
  raw["coroutine." .. name] = value
end

sources.write {
  lines = [[
    local socket = require "socket"
    local coroutine = require "coroutine"
    local M = {}
    -- Lines, by an iterator that reads as it goes.
    function M.each(sock)
      return coroutine.wrap(function()
        while true do
          local line, err = sock:receive()
          if not line then
            return nil, err
          end
          coroutine.yield(line)
        end
      end)
    end
    -- All of them, by resuming by hand.
    function M.all(sock)
      local reader = coroutine.create(function(...)
        assert(select("#", ...) == 2)
        for _ = 1, 3 do
          coroutine.yield((assert(sock:receive())))
        end
        return "end"
      end)
      local list, ok, line = {}, coroutine.resume(reader, nil, nil)
      while coroutine.status(reader) == "suspended" do
        assert(ok, line)
        list[#list + 1] = line
        ok, line = coroutine.resume(reader)
      end
      list[#list + 1] = line
      return list
    end
    function M.attempt(fn, ...)
      return pcall(fn, ...)
    end
    function M.handled(fn, handler)
      return xpcall(fn, handler)
    end
    -- Both: an iterator inside pcall, and pcall inside the iterator.
    function M.count(sock)
      local ok, count = pcall(function()
        local count = 0
        local next_line = coroutine.wrap(function()
          repeat
            local fine, line, err = pcall(sock.receive, sock)
            assert(fine, line)
            coroutine.yield(line)
          until not line
        end)
        while next_line() do
          count = count + 1
        end
        return count
      end)
      assert(ok, count)
      return count
    end
    M.wrap, M.pcall, M.running = coroutine.wrap, pcall, coroutine.running
    return M
  ]],
}
local lines = cosock.asyncify "lines"

local function served(lines_to_send)
  local sock, peer = network.pair()
  cosock.spawn(function()
    for _, line in ipairs(lines_to_send) do
      peer:send(line .. "\n")
      socket.sleep(0.001)
    end
    peer:close()
  end, "server")
  return sock
end

expect.tasks(function()
  local sock = served { "one", "two", "three" }
  local each, got = lines.each(sock), {}
  local line = each()
  while line do
    got[#got + 1] = line
    line = each()
  end
  expect.list(got, { "one", "two", "three" })
  sock:close()

  sock = served { "one", "two", "three" }
  expect.list(lines.all(sock), { "one", "two", "three", "end" })
  sock:close()

  sock = served { "one", "two", "three" }
  expect.equal(lines.count(sock), 3)
  sock:close()

  expect.list(expect.pack(lines.attempt(socket.sleep, 0)), { true, n = 1 })
  expect.list(expect.pack(lines.attempt(function(...)
    socket.sleep(0)
    return ...
  end, 1, nil)), { true, 1, nil, n = 3 })
  local object = {}
  expect.list(expect.pack(lines.attempt(function()
    socket.sleep(0)
    error(object)
  end)), { false, object, n = 2 })
  local ok, trace = lines.handled(function()
    socket.sleep(0)
    error("with a traceback")
  end, debug.traceback)
  expect.equal(ok, false)
  expect.contains(trace, "with a traceback\nstack traceback:")
  expect.contains(trace, "asyncify-modules-wait")
  expect.equal(lines.running(), coroutine.running())
end)

-- What the language says of errors and dead coroutines stays.
expect.raises("bad argument #1", lines.wrap, 5)
expect.raises("from the coroutine", lines.wrap(function()
  error("from the coroutine", 0)
end))
expect.list(expect.pack(lines.pcall(error, "caught", 0)), { false, "caught", n = 2 })

expect.equal(pcall, raw.pcall)
expect.equal(xpcall, raw.xpcall)
for name, value in pairs(coroutine) do
  expect.equal(value, raw["coroutine." .. name], name)
end

sources.remove()
world.finish()
