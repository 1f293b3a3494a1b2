-- A task that waits inside pcall can be cancelled, also several calls deep and in a coroutine of its own: nothing
-- stays registered, other tasks go on, and where the language closes variables they are closed. So it is when
-- cosock is reset. Errors that leave the task come with their traceback.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket, channel = cosock.socket, cosock.channel
cosock.install_pcall()
cosock.install_coroutine()

local load = loadstring or load
-- A function that closes a variable of its own, where there are such.
local closing = expect.version == "5.4" and load [[
  local log, wait = ...
  local guard <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
  wait()
]] or function(_, wait)
  wait()
end

local waits = {
  sleep = function() socket.sleep(100) end,
  read = function(sock) sock:receive() end,
  message = function(_, receiver) receiver:receive() end,
  select = function(sock) socket.select({ sock }, nil) end,
  look_up = function() socket.dns.toip("there-is-no-such-name.invalid") end,
}
local wraps = {
  once = function(fn) return pcall(fn) end,
  deep = function(fn)
    return pcall(function()
      return pcall(function()
        return xpcall(fn, print)
      end)
    end)
  end,
  in_a_coroutine = function(fn)
    return coroutine.wrap(function()
      return pcall(fn)
    end)()
  end,
  protected = function(fn)
    return socket.protect(fn)()
  end,
}
for kind, wait in pairs(waits) do
  for shape, wrap in pairs(wraps) do
    local log, returned, others = {}, false, 0
    expect.tasks(function()
      local sock, peer = network.pair()
      local sender, receiver = channel.new()
      local task = cosock.spawn(function()
        wrap(function()
          closing(log, function() wait(sock, receiver) end)
        end)
        -- A look-up may be answered first.
        returned = kind ~= "look_up"
      end, kind .. " " .. shape)
      cosock.spawn(function()
        for _ = 1, 3 do
          others = others + 1
          socket.sleep(0)
        end
      end, "other")
      socket.sleep(0)
      task:cancel()
      expect.equal(task:is_alive(), false)
      if expect.version == "5.4" and shape ~= "in_a_coroutine" and kind ~= "look_up" then
        expect.list(log, { "closed" }, kind .. " " .. shape)
      end
      -- What it waited on is free for the next.
      peer:send("line\n")
      expect.equal((sock:receive()), "line")
      sender:send("message")
      expect.equal((receiver:receive()), "message")
      sock:close()
      peer:close()
    end)
    expect.equal(returned, false, kind .. " " .. shape)
    expect.equal(others, 3)
  end
end
collectgarbage()
collectgarbage()
expect.nothing_waits()

-- reset, from inside and from outside.
for _, inside in ipairs { true, false } do
  local after = false
  cosock.spawn(function()
    pcall(function()
      if inside then
        cosock.reset()
      end
      socket.sleep(100)
      after = true
    end)
    after = true
  end, "to be forgotten")
  if not inside then
    cosock.spawn(function()
      socket.sleep(0)
      cosock.reset()
    end, "resets")
  end
  cosock.run()
  expect.equal(after, false)
end
collectgarbage()
expect.nothing_waits()

-- An error that was caught and raised again leaves the task as any other.
cosock.spawn(function()
  local ok, err = pcall(function()
    socket.sleep(0)
    error("caught once", 0)
  end)
  expect.equal(ok, false)
  error(err, 0)
end, "raises again")
local text = expect.raises("caught once", cosock.run)
expect.contains(text, "pcall-ends-with-its-task.lua")

-- An error handler of a task may use pcall, where waits have no place.
local handled
cosock.spawn(function()
  error("for the handler", 0)
end, "fails", {
  onerror = function(err)
    handled = expect.pack(pcall(function() return err end))
  end,
})
cosock.run()
expect.list(handled, { true, "for the handler", n = 2 })

world.finish()
