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

-- The same for what is called for every line, record or message: a second call with as many values as there are
-- would cost as much as this one. There are at most three, none of them nil behind the first; and what goes on
-- does so with the arguments as they were.
local function framed_receive(fast, slow)
  return function(...)
    local first, second, third = fast(...)
    if first == in_lua then
      return shims[slow](...)
    elseif second == nil then
      return first
    elseif third == nil then
      return first, second
    end
    return first, second, third
  end
end

local tcp, udp = modules["cosock.socket.tcp"], modules["cosock.socket.udp"]
for _, name in ipairs({ "accept", "connect", "send" }) do
  tcp[name] = framed(tcp[name], name)
end
local tcp_receive = tcp.receive
tcp.receive = framed_receive(tcp_receive, "receive")
native.tcp_receive = { receive = tcp_receive, framed = tcp.receive }
tcp.setpeername = framed(tcp.setpeername, "connect")
udp.receive = framed_receive(udp.receive, "receive_datagram")
udp.receivefrom = framed_receive(udp.receivefrom, "receivefrom")
local receiver = modules["cosock.channel"].receiver
local receive = receiver.receive
receiver.receive = framed_receive(receive, "channel_receive")
native.channel = { send = modules["cosock.channel"].sender.send, receive = receive, framed = receiver.receive }
native.receive_message = receiver.receive

local sleep = native.sleep
function native.sleep(...)
  local first, seconds = sleep(...)
  if first == in_lua then
    shims.sleep(seconds)
  end
end
