-- LuaIRC through asyncify: three clients in a channel, each a task, and one that runs beside them. Argument: the
-- port of an IRC server.
local cosock = require "cosock"
local socket = cosock.socket
local irc = cosock.asyncify "irc"

local port = tonumber((assert(..., "which port?")))
local count, channel = 20, "#numbers"

local present, over, turns = 0, 0, 0
local heard = {}

local function client(name, on_chat, act)
  cosock.spawn(function()
    local connection = irc.new { nick = name }
    local seen = 0
    connection:hook("OnChat", function(user, target, text)
      seen = seen + 1
      on_chat(user, target, text, connection)
    end)
    connection:hook("NameList", function() present = present + 1 end)
    connection:connect { host = "127.0.0.1", port = port, timeout = 20 }
    connection:join(channel)
    act(connection, function()
      connection:think()
      socket.sleep(0.005)
    end, function() return seen end)
    connection:disconnect "over"
    over = over + 1
  end, name)
end

-- One tells numbers; the second one answers each; the third one hears both.
client("teller", function(user, target, text)
  assert(user.nick == "answerer" and target == "teller", user.nick)
  heard[#heard + 1] = text
end, function(connection, think, seen)
  while present < 3 do
    think()
  end
  local about = connection:whois "answerer"
  assert(about.userinfo[2] == "answerer", about.userinfo[2])
  for number = 1, count do
    connection:sendChat(channel, "number " .. number)
    while seen() < number do
      think()
    end
  end
end)

client("answerer", function(user, target, text, connection)
  if user.nick == "teller" and target == channel then
    connection:sendChat("teller", "heard " .. text)
  end
end, function(_, think, seen)
  while seen() < count do
    think()
  end
end)

local lines = {}
client("listener", function(user, target, text)
  lines[#lines + 1] = user.nick .. target .. text
end, function(_, think, seen)
  while seen() < count do
    think()
  end
end)

cosock.spawn(function()
  while over < 3 do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
for number = 1, count do
  assert(heard[number] == "heard number " .. number, heard[number])
  assert(lines[number] == "teller" .. channel .. "number " .. number, lines[number])
end
assert(turns > 10, turns)
print "ok"
