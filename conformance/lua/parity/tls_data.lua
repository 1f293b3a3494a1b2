-- claim: data goes through TLS as through TCP, in every pattern and to every end
-- chapter: tls
-- source: LuaSec's documentation
-- covers: L4 L5 L12 L13 G39 G45 tls:receive tls:send tls:close tls:dirty tls:settimeout
local trace = require "trace"
local cosock = require "cosock"
local tls = require "trace_tls"

local unpack = table.unpack or unpack

-- The claims, one for each version of the protocol, of what `act(client, server)` returns.
local function claims(name, act)
  for _, version in ipairs(tls.versions) do
    trace.task(name .. "." .. version, function()
      local client, server = tls.pair(tls.client { protocol = version }, tls.server { protocol = version })
      -- The client gets the server's tickets out of the way.
      server:send "."
      client:receive(1)
      return act(client, server)
    end)
  end
end

-- The claim of what `receive(...)` returns when `pieces` arrive one after another.
local function receives(name, pieces, ...)
  local args, count = { ... }, select("#", ...)
  claims(name, function(client, server)
    cosock.spawn(function()
      for _, piece in ipairs(pieces) do
        if piece == "end" then
          client:close()
        elseif piece == "wait" then
          cosock.socket.sleep(0.008)
        else
          client:send(piece)
        end
      end
    end)
    if pieces[1] ~= "wait" then
      trace.settle()
    end
    server:settimeout(pieces.timeout)
    return server:receive(unpack(args, 1, count))
  end)
end

-- Patterns
receives("line", { "line\n" })
receives("line.named", { "line\n" }, "*l")
receives("line.carriage-returns", { "l\rin\re\r\n" })
receives("line.empty", { "\n" })
receives("line.in-pieces", { "wait", "li", "wait", "ne", "wait", "\n" })
receives("line.prefix", { "line\n" }, "*l", "pre")
receives("line.prefix.waits", { "wait", "line\n" }, "*l", "pre")
receives("line.end", { "part", "end" })
receives("line.end.waits", { "wait", "part", "wait", "end" })
receives("line.end.prefix", { "part", "end" }, "*l", "pre")
receives("line.end.nothing", { "end" })
receives("line.zero-bytes", { "a\0b\n" })
receives("line.long", { ("x"):rep(20000) .. "\n" })
receives("count", { "12345" }, 5)
receives("count.more-there", { "12345678" }, 5)
receives("count.in-pieces", { "wait", "12", "wait", "345" }, 5)
receives("count.fraction", { "12345" }, 2.7)
receives("count.text", { "12345" }, "3")
receives("count.zero-with-data", { "12345" }, 0)
receives("count.end", { "123", "end" }, 5)
receives("count.over-records", { ("x"):rep(17000), ("y"):rep(17000) }, 34000)
receives("count.prefix", { "345" }, 5, "12")
receives("all", { "one", "two", "end" }, "*a")
receives("all.nothing", { "end" }, "*a")
receives("all.prefix", { "two", "end" }, "*a", "one")

-- Timeouts
for _, timeout in ipairs { 0, 0.02 } do
  receives("timeout-" .. timeout .. ".nothing", { timeout = timeout })
  receives("timeout-" .. timeout .. ".nothing.count", { timeout = timeout }, 5)
  receives("timeout-" .. timeout .. ".nothing.all", { timeout = timeout }, "*a")
  receives("timeout-" .. timeout .. ".part", { "part", timeout = timeout })
  receives("timeout-" .. timeout .. ".part.count", { "part", timeout = timeout }, 9)
  receives("timeout-" .. timeout .. ".part.all", { "part", timeout = timeout }, "*a")
  receives("timeout-" .. timeout .. ".part.prefix", { "part", timeout = timeout }, "*l", "pre")
end
claims("timeout.then-all", function(client, server)
  client:send "par"
  server:settimeout(0.02)
  local data, err = server:receive()
  server:settimeout(nil)
  client:send "t\n"
  return data, err, type((server:receive()))
end)
claims("timeout.restored", function(client, server)
  server:settimeout(0)
  local data, err = server:receive()
  server:settimeout(-1)
  client:send "x\n"
  return data, err, server:receive()
end)

-- Results of send
local function sends(name, ...)
  local args, count = { ... }, select("#", ...)
  claims(name, function(client)
    return client:send(unpack(args, 1, count))
  end)
end
sends("send", "hello")
sends("send.nothing", "")
sends("send.from", "hello", 2)
sends("send.part", "hello", 2, 3)
sends("send.from-end", "hello", -2)
sends("send.beyond", "hello", 1, 99)
sends("send.none", "hello", 4, 2)
sends("send.number", 42)
claims("send.and-arrives", function(client, server)
  client:send("hello\n", 2)
  return server:receive()
end)
claims("send.several-records", function(client, server)
  local last
  cosock.spawn(function()
    last = client:send(("x"):rep(50000) .. "\n")
  end)
  local line = server:receive()
  trace.settle()
  return last, #line
end)
claims("send.timeout", function(client)
  client:settimeout(0.02)
  local last, err, at = client:send(("x"):rep(9000000))
  return last, err, type(at)
end)

-- The end
claims("end.twice", function(client, server)
  client:send "part"
  client:close()
  local one, err, part = server:receive()
  return one, err, part, server:receive()
end)
claims("end.all-then-line", function(client, server)
  client:send "all"
  client:close()
  return server:receive "*a", server:receive()
end)
claims("end.own", function(client, server)
  client:send "one\ntwo\n"
  local first = server:receive()
  server:close()
  return first, server:receive()
end)
claims("end.vanished", function(client, server)
  client:send "part"
  local socket = client.inner_sock
  local raw = cosock.socket.tcp()
  raw.inner_sock:setfd(socket:getfd())
  raw:close()
  return server:receive()
end)
claims("end.send-to-closed", function(client, server)
  server:close()
  trace.settle()
  local err
  for _ = 1, 100 do
    local last
    last, err = client:send(("x"):rep(10000))
    if not last then
      break
    end
    trace.settle()
  end
  return err == "closed" or err == "Broken pipe" or err == "Connection reset by peer"
end)
claims("end.both-ways", function(client, server)
  client:close()
  local data, err = server:receive()
  server:close()
  return data, err
end)

-- Readiness
claims("select.data-inside", function(client, server)
  client:send "one\ntwo\n"
  local line = server:receive()
  local ready, _, err = cosock.socket.select({ server }, nil, 0)
  return line, ready and #ready, err == "timeout" and "timeout or both" or err, server:dirty()
end)
claims("select.data-on-its-way", function(client, server)
  cosock.spawn(function()
    client:send "late\n"
  end)
  local ready, _, err = cosock.socket.select({ server }, nil, 5)
  return ready and #ready, err, server:receive()
end)
claims("select.nothing", function(_, server)
  local ready, _, err = cosock.socket.select({ server }, nil, 0.02)
  return ready and #ready, err
end)
claims("select.writable", function(client)
  local _, ready, err = cosock.socket.select(nil, { client }, 5)
  return ready and #ready, err
end)
claims("select.end", function(client, server)
  client:close()
  local ready, _, err = cosock.socket.select({ server }, nil, 5)
  return ready and #ready, err, server:receive()
end)
