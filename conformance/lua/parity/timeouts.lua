-- claim: settimeout limits waits as it says
-- chapter: waits
-- source: LuaSocket's manual: settimeout
-- covers: W39 W40 W41 G23 tcp:settimeout udp:settimeout tcp:gettimeout udp:gettimeout
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

for kind, new in pairs { tcp = socket.tcp, udp = socket.udp } do
  local sock = new()
  trace.values(kind .. ".before", sock.timeout)
  for claim, value in pairs { one = 1, half = 0.5, zero = 0, negative = -1, text = "0.5" } do
    trace.method(kind .. ".settimeout." .. claim, sock, "settimeout", value)
    trace.values(kind .. ".field." .. claim, sock.timeout)
  end
  trace.method(kind .. ".settimeout.nil", sock, "settimeout", nil)
  trace.values(kind .. ".field.nil", sock.timeout)
  trace.method(kind .. ".settimeout.nothing", sock, "settimeout")
  trace.method(kind .. ".settimeout.mode-b", sock, "settimeout", 1, "b")
  trace.method(kind .. ".settimeout.mode-t", sock, "settimeout", 1, "t")
  trace.values(kind .. ".field.mode", sock.timeout)
  trace.method(kind .. ".settimeout.bad-mode", sock, "settimeout", 1, "x")
  for claim, value in pairs { table = {}, boolean = true, word = "word" } do
    trace.method(kind .. ".settimeout." .. claim, sock, "settimeout", value)
  end
  trace.method(kind .. ".settimeout.nan", sock, "settimeout", 0 / 0)
  trace.method(kind .. ".gettimeout", sock, "gettimeout")
end

trace.task("receive", function()
  local client = trace.pair()
  client:settimeout(0.03)
  local result
  local takes = trace.takes(0.03, 5, function() result = select(2, client:receive()) end)
  return takes, result
end)
trace.task("accept", function()
  local server = socket.bind("127.0.0.1", 0)
  server:settimeout(0.03)
  local result
  local takes = trace.takes(0.03, 5, function() result = select(2, server:accept()) end)
  return takes, result
end)
trace.task("accepted-has-none", function()
  local server = socket.bind("127.0.0.1", 0)
  server:settimeout(0.5)
  local client = socket.tcp()
  client:connect(server:getsockname())
  return server:accept().timeout
end)
trace.task("mode-t.limits-the-whole-call", function()
  local client, peer = trace.pair()
  -- Far longer than each wait, and shorter than all of them.
  client:settimeout(0.3, "t")
  cosock.spawn(function()
    for _ = 1, 8 do
      socket.sleep(0.06)
      peer:send("x")
    end
    peer:send("\n")
  end)
  local line, err = client:receive()
  return line, err
end)
trace.task("negative", function()
  local client = trace.pair()
  client:settimeout(-1)
  return client:receive()
end, 0.25)
trace.task("zero.takes", function()
  local client = trace.pair()
  client:settimeout(0)
  return trace.takes(0, 5, function() client:receive() end)
end)
