-- claim: every name of the modules and objects is there, with its type
-- chapter: modules
-- source: the rock, by introspection
-- covers: S23 P1 I1 I3 G36 cosock._VERSION cosock.socket._VERSION cosock.socket._SETSIZE
-- covers: cosock.socket._DATAGRAMSIZE cosock.socket._SOCKETINVALID cosock.channel.sender
-- covers: cosock.channel.receiver cosock.socket.sinkt cosock.socket.sourcet receiver:link
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local function names(claim, value)
  if type(value) ~= "table" then
    return trace.values(claim .. " is no table", type(value))
  end
  local sorted = {}
  for key in pairs(value) do
    sorted[#sorted + 1] = tostring(key)
  end
  table.sort(sorted)
  for _, key in ipairs(sorted) do
    trace.values(claim .. "." .. key, type(value[key]))
  end
end

local modules = {
  "cosock", "cosock.socket", "cosock.channel", "cosock.socket.tcp", "cosock.socket.udp",
  "cosock.socket.internals", "cosock.timers",
}
for _, name in ipairs(modules) do
  names(name, require(name))
  local metatable = getmetatable(require(name))
  if metatable then
    names("metatable(" .. name .. ")", metatable)
  end
end
names("dns", socket.dns)
names("sinkt", socket.sinkt)
names("sourcet", socket.sourcet)
names("sender", cosock.channel.sender)
names("receiver", cosock.channel.receiver)

trace.values("constants", socket._VERSION, socket._SETSIZE, socket.BLOCKSIZE, cosock._VERSION)
trace.values("constants-of-luasocket", socket._DATAGRAMSIZE, socket._SOCKETINVALID)
trace.values("same.socket", rawequal(cosock.socket, require "cosock.socket"))
trace.values("same.channel", rawequal(cosock.channel, require "cosock.channel"))
trace.values("same.tcp", rawequal(socket.tcp, require "cosock.socket.tcp"))
trace.values("same.udp", rawequal(socket.udp, require "cosock.socket.udp"))
trace.values("same.connect", rawequal(socket.connect, socket.connect4))

-- Objects: their own fields, their metatables, and what the metatable's __index is.
local function object(claim, value)
  names(claim, value)
  local metatable = getmetatable(value)
  names("metatable(" .. claim .. ")", metatable)
  trace.values("metatable(" .. claim .. ").is-own-index", rawequal(metatable, metatable.__index))
end

local tcp, udp = socket.tcp(), socket.udp()
object("tcp", tcp)
object("udp", udp)
trace.values("tcp.index", rawequal(getmetatable(tcp).__index, socket.tcp))
trace.values("udp.index", rawequal(getmetatable(udp).__index, socket.udp))
trace.values("tcp.type", type(tcp), type(udp), tostring(tcp), tostring(udp))
tcp:settimeout(3)
tcp:setwaker("recvr", nil)
names("tcp-in-use", tcp)

local sender, receiver = cosock.channel.new()
object("channel-sender", sender)
object("channel-receiver", receiver)
names("link", sender.link)
local other_sender, other_receiver = cosock.channel.new()
trace.values("channel-sender.metatable-is-shared", getmetatable(sender) == getmetatable(other_sender))
trace.values("channel-receiver.metatable-is-shared", getmetatable(receiver) == getmetatable(other_receiver))
trace.values("channel-sender.methods-are-the-module's",
  rawequal(getmetatable(sender).__index, cosock.channel.sender),
  rawequal(getmetatable(receiver).__index, cosock.channel.receiver))
trace.values("link.same", rawequal(sender.link, receiver.link))
trace.values("link.waker", sender.link.waker)
receiver:settimeout(2)
names("channel-receiver-in-use", receiver)

local handle = cosock.spawn(function() end, "name")
object("handle", handle)
names("metadata", cosock.get_thread_metadata()[1])
cosock.run()
names("handle-without-name", cosock.spawn(function() end))
names("metadata-without-name", cosock.get_thread_metadata()[1])
cosock.run()
cosock.spawn(function()
  names("metadata-of-a-running-task", cosock.get_thread_metadata()[1])
end, "name")
cosock.run()

-- What LuaSocket's own objects answer: real programs take `inner_sock` and go on with it.
local inner_methods = {
  tcp = {
    "__gc", "__tostring", "accept", "bind", "class", "close", "connect", "dirty", "getfamily", "getfd",
    "getoption", "getpeername", "getsockname", "getstats", "gettimeout", "listen", "receive", "send",
    "setfd", "setoption", "setpeername", "setsockname", "setstats", "settimeout", "shutdown",
  },
  udp = {
    "class", "close", "dirty", "getfamily", "getfd", "getoption", "getpeername", "getsockname",
    "gettimeout", "receive", "receivefrom", "send", "sendto", "setfd", "setoption", "setpeername",
    "setsockname", "settimeout",
  },
}
for kind, list in pairs(inner_methods) do
  local inner = socket[kind]().inner_sock
  for _, name in ipairs(list) do
    trace.values("inner-" .. kind .. "." .. name, type(inner[name]))
  end
  trace.values("inner-" .. kind .. ".tostring", tostring(inner), inner.class)
  trace.values("inner-" .. kind .. ".unknown-name", inner.no_such_name)
end
