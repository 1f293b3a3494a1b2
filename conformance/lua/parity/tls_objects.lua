-- claim: cosock.ssl and its objects have every name, with its type, and can be waited on
-- chapter: tls
-- source: the rock, by introspection
-- covers: cosock.ssl cosock.ssl._VERSION cosock.ssl._COPYRIGHT tls:_wake tls:setwaker
local trace = require "trace"
local cosock = require "cosock"
local tls = require "trace_tls"

local ssl = cosock.ssl
trace.values("same", rawequal(ssl, require "cosock.ssl"))
for _, name in ipairs { "_VERSION", "_COPYRIGHT", "wrap", "newcontext", "loadcertificate", "config" } do
  trace.values("module." .. name, type(ssl[name]))
end

local methods = {
  "_wake", "close", "dirty", "dohandshake", "exportkeyingmaterial", "getalpn", "getfd", "getfinished",
  "getpeercertificate", "getpeerchain", "getpeerfinished", "getpeerverification", "getsniname", "getstats",
  "info", "receive", "send", "setdane", "setstats", "settimeout", "settlsa", "setwaker", "sni", "want",
}

trace.task("names", function()
  local client, server = tls.wrapped(tls.client(), tls.server())
  for _, name in ipairs(methods) do
    trace.values("object." .. name, type(client[name]))
  end
  local fields = {}
  for name, value in pairs(client) do
    fields[#fields + 1] = tostring(name) .. "=" .. type(value)
  end
  table.sort(fields)
  trace.values("object.fields", table.concat(fields, " "))
  trace.values("object.class", client.class, server.class)
  trace.values("object.unknown-name", client.no_such_name)
  return rawequal(getmetatable(client), getmetatable(server))
end)

-- A waker is set, called when there is something to read, and cleared by that.
trace.task("wakers", function()
  local client, server = tls.wrapped(tls.client(), tls.server())
  tls.handshakes(client, server)
  local woken = {}
  trace.method("setwaker.wrong-kind", client, "setwaker", "sideways", function() end)
  trace.method("setwaker.no-kind", client, "setwaker")
  trace.method("setwaker", client, "setwaker", "recvr", function(...) woken[#woken + 1] = select("#", ...) end)
  trace.method("setwaker.second", client, "setwaker", "recvr", function() end)
  trace.method("wake.other-kind", client, "_wake", "sendr")
  trace.method("wake", client, "_wake", "recvr")
  trace.values("woken", #woken)
  trace.method("wake.again", client, "_wake", "recvr")
  trace.values("woken.again", #woken)
  trace.method("setwaker.after", client, "setwaker", "recvr", function() end)
  trace.method("setwaker.nil", client, "setwaker", "recvr", nil)
  -- And a wait is answered as it is for a plain socket.
  cosock.spawn(function() server:send("text\n") end, "sender")
  local ready, _, err = cosock.socket.select({ client }, nil, 5)
  return ready and rawequal(ready[1], client), err, client:receive()
end)
