-- claim: modules that know nothing of cosock get its sockets, and the rest of the program stays as it was
-- chapter: asyncify
-- source: the rock's behaviour
-- covers: A1 A2 A3 A4 G29a G29b G29c G29d G29f cosock.asyncify
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function asyncify(name)
  return cosock.asyncify(name)
end

-- Calls `look` with what the modules are; tells how that failed, if it did.
local function claim(name, look, ...)
  trace.call(name, function(...)
    local modules = {}
    for index = 1, select("#", ...) do
      modules[index] = asyncify((select(index, ...)))
    end
    return look((unpack or table.unpack)(modules))
  end, ...)
end

local original = require
claim("sockets", function(client) return rawequal(client.socket, socket) end, "asyncified.client")
claim("ssl", function(client) return rawequal(client.ssl, cosock.ssl) end, "asyncified.client")
claim("deep", function(client) return rawequal(client.helper.socket(), socket) end, "asyncified.client")
claim("same-every-time", rawequal, "asyncified.client", "asyncified.client")
claim("same-as-what-a-module-gets", function(client, helper) return rawequal(client.helper, helper) end,
  "asyncified.client", "asyncified.helper")
claim("own-modules", function(tcp, timers)
  return rawequal(tcp.tcp, socket.tcp), rawequal(timers.tcp, socket.tcp)
end, "socket", "cosock.socket")

trace.values("loaded.client", package.loaded["asyncified.client"])
trace.values("require-stays", rawequal(require, original))
trace.values("globals", rawget(_G, "client"), rawget(_G, "helper"))
claim("normal-copy", function(helper) return rawequal(helper, require "asyncified.helper") end, "asyncified.helper")
claim("without-sockets", function(plain) return rawequal(plain, require "asyncified.plain") end, "asyncified.plain")
claim("standard-library", function(text) return rawequal(text, string) end, "string")
package.loaded["made by hand"] = { "by hand" }
claim("only-in-loaded", function(made) return type(made), made[1] end, "made by hand")
package.loaded["made.by.hand"] = { "by hand" }
claim("only-in-loaded.dotted", function(made) return type(made) end, "made.by.hand")
claim("cosock", function(other) return rawequal(other, cosock) end, "cosock")
claim("returns-nothing", function() return table.silent_loads end, "asyncified.silent", "asyncified.silent")

trace.values("not-found", (pcall(asyncify, "asyncified.none")))
trace.call("fails", asyncify, "asyncified.broken")
trace.values("no-name", (pcall(cosock.asyncify)))
trace.call("by-require", function() return rawequal(require "cosock.asyncify", cosock.asyncify) end)

-- In a task it waits as cosock's sockets do, and others run.
trace.task("waits", function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  cosock.spawn(function()
    local conn = assert(listener:accept())
    local line = conn:receive()
    while line do
      socket.sleep(0.002)
      conn:send(line:upper() .. "\n")
      line = conn:receive()
    end
    conn:close()
    listener:close()
  end, "server")
  local turns, is_over = 0, false
  cosock.spawn(function()
    while not is_over do
      turns = turns + 1
      socket.sleep(0.001)
    end
  end, "beside")
  local ok, client = pcall(asyncify, "asyncified.client")
  local answers = { "no module" }
  if ok then
    answers = client.ask(port, { "one", "two" })
  else
    socket.connect("127.0.0.1", port):close()
  end
  is_over = true
  return ok, answers, turns > 1 or not ok
end)
