-- On versions whose C functions cannot go on after a yield, a Lua function stands in front of each
-- function that may wait. The native function answers with a marker when it has to go on in Lua.

local modules, native, shims = ...
local in_lua = native.in_lua

-- What has nothing to go on with raises why it cannot wait. On LuaJIT it also yields what the native function
-- returns, so that finalizers and hooks may resume coroutines that wait: there C functions cannot yield.
local yield = native.yields_in_lua and native.coroutine.yield
local function raising(fn)
  local function results_or_raise(first, ...)
    if first == in_lua then
      error((...), 0)
    end
    return first, ...
  end
  if yield then
    return function(...)
      return results_or_raise(yield(fn(...)))
    end
  end
  return function(...)
    return results_or_raise(fn(...))
  end
end

local socket = modules["cosock.socket"]
native.wait, socket.select = raising(native.wait), raising(socket.select)

-- What goes on is compiled when it is first needed.
local function framed(fast, slow)
  local function finish(first, ...)
    if first == in_lua then
      return shims[slow](...)
    end
    return first, ...
  end
  return function(...)
    return finish(fast(...))
  end
end

local tcp, udp = modules["cosock.socket.tcp"], modules["cosock.socket.udp"]
for _, name in ipairs({ "accept", "connect", "receive", "send" }) do
  tcp[name] = framed(tcp[name], name)
end
tcp.setpeername = framed(tcp.setpeername, "connect")
udp.receive = framed(udp.receive, "receive_datagram")
udp.receivefrom = framed(udp.receivefrom, "receivefrom")
local receiver = modules["cosock.channel"].receiver
local receive = receiver.receive
receiver.receive = framed(receive, "channel_receive")
native.channel = { send = modules["cosock.channel"].sender.send, receive = receive, framed = receiver.receive }

local sleep = native.sleep
local function finish_sleep(first, seconds)
  if first == in_lua then
    shims.sleep(seconds)
  end
end
function native.sleep(...)
  finish_sleep(sleep(...))
end
