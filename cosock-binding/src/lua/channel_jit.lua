-- What LuaJIT compiles to less than a call of C costs: a send that wakes nobody, and a receive that finds a
-- message, while C has lent the counts of a channel's messages to Lua (channel/jit.rs). All else is C's.
--
-- Nothing here makes anything, so that no finalizer runs in between, and each changes the counts at one place.
-- Functions with `...` would not be compiled beyond a call of C.

local _, native = ...
local send, receive = native.channel.send, native.channel.receive
local in_lua, shims, compiled = native.in_lua, native.shims, native.compiled
local getmetatable, rawget, type, band = compiled.getmetatable, compiled.rawget, compiled.type, compiled.band

-- The table of counts is at -27182 in the metatable of a half, where no program's is: COUNTS in channel/jit.rs. In it:
-- 1 messages sent, 2 received, 3 how many there may be, 4 the mask that makes a slot of a count, 5 how many are left
-- to C, 6 the messages, 7 and 8 the metatables of sender and receiver.

local function send_counted(self, message)
  local metatable = getmetatable(self)
  if type(metatable) == "table" then
    local counts = rawget(metatable, -27182)
    if counts and counts[7] == metatable then
      local sent = counts[1]
      if sent - counts[2] < counts[3] then
        counts[6][band(sent, counts[4]) + 1] = message
        counts[1] = sent + 1
        return true
      end
    end
  end
  return send(self, message)
end

local function receive_counted(self)
  local metatable = getmetatable(self)
  if type(metatable) == "table" then
    local counts = rawget(metatable, -27182)
    if counts and counts[8] == metatable then
      local received = counts[2]
      if counts[1] - received > counts[5] then
        local messages, place = counts[6], band(received, counts[4]) + 1
        local message = messages[place]
        counts[2] = received + 1
        messages[place] = nil
        return message
      end
    end
  elseif self == nil then
    -- Most likely nothing was given; this raises.
    receive()
  end
  local message, problem = receive(self)
  if message == in_lua then
    return shims.channel_receive(problem)
  elseif problem then
    return nil, problem
  end
  return message
end

-- Puts these into the tables of methods, where something is compiled and nobody has replaced what they stand for.
return function(sender, receiver)
  local original = native.channel
  local fine, status = native.pcall(compiled.status)
  local fits = fine and status and band and getmetatable and rawget and type and rawget(sender, "send") == original.send
    and rawget(receiver, "receive") == original.framed
  if fits then
    sender.send, receiver.receive = send_counted, receive_counted
  end
  return fits
end
