-- claim: a class of a program's own, built over the inner socket of one of ours, waits as our sockets do
-- chapter: modules
-- source: the book: internals
-- covers: I4 I5 I8 W24
local trace = require "trace"
local cosock = require "cosock"
local internals = require "cosock.socket.internals"
local socket = cosock.socket

local build = internals.passthroughbuilder(
  { receive = { timeout = true }, accept = { timeout = true } },
  { send = { timeout = true } }
)

-- A receive that gathers what came before each wait, and asks for the rest only.
local function gathering()
  local parts, rest = {}, nil
  local function gather(part)
    if part and #part > 0 then
      parts[#parts + 1] = part
    end
  end
  return {
    input = function(pattern, prefix)
      gather(prefix)
      rest = pattern
      return pattern
    end,
    blocked = function(_, _, part)
      gather(part)
      if type(rest) == "number" then
        rest = rest - #part
      end
      return rest
    end,
    output = function(whole, err, part)
      gather(whole)
      gather(part)
      if err then
        return nil, err, table.concat(parts)
      end
      return table.concat(parts)
    end,
    error = function(_, err, part)
      gather(part)
      return nil, err, table.concat(parts)
    end,
  }
end

local Connection = {
  receive = build("receive", gathering),
  send = build "send",
  close = build "close",
}
Connection.__index = Connection

local function connection_over(sock)
  local new = setmetatable({ inner_sock = sock.inner_sock, class = "none yet" }, Connection)
  internals.setuprealsocketwaker(new)
  return new
end

-- In a task: sends a byte after the other, with the receiver waiting for each.
local function send_slowly(sock, text)
  cosock.spawn(function()
    for byte in text:gmatch "." do
      trace.settle()
      sock:send(byte)
    end
  end)
end

-- In a task: one of ours, and a connection of the program's own at the other end.
local function make()
  local peer, sock = trace.pair()
  return peer, connection_over(sock)
end

trace.task("receive.line-in-pieces", function()
  local peer, mine = make()
  send_slowly(peer, "hello\n")
  return mine:receive "*l", mine.class
end)
trace.task("receive.line-in-pieces.prefix", function()
  local peer, mine = make()
  send_slowly(peer, "hello\n")
  return mine:receive("*l", "before ")
end)
trace.task("receive.count-in-pieces", function()
  local peer, mine = make()
  send_slowly(peer, "hello")
  return mine:receive(5)
end)
trace.task("receive.of-nothing", function()
  local _, mine = make()
  return mine:receive(0)
end, 0.2)
trace.task("receive.rest-of-a-line-stays", function()
  local peer, mine = make()
  peer:send "one\ntwo\n"
  return mine:receive "*l", mine:receive(2), mine:receive "*l"
end)
trace.task("receive.closed", function()
  local peer, mine = make()
  peer:send "part"
  peer:close()
  return mine:receive "*l"
end)
trace.task("receive.closed-while-it-waits", function()
  local peer, mine = make()
  cosock.spawn(function()
    trace.settle()
    peer:close()
  end)
  return mine:receive "*l"
end)
trace.task("send", function()
  local peer, mine = make()
  local sent = mine:send "there\n"
  return sent, peer:receive()
end)
trace.task("timeout-is-a-field", function()
  local _, mine = make()
  mine.timeout = 0.02
  return trace.takes(0.019, 1, function() trace.values("receive.timeout", mine:receive "*l") end)
end)
trace.task("selected", function()
  local peer, mine = make()
  local _, other = make()
  trace.values("selected.nothing-there", socket.select({ mine, other }, nil, 0.005))
  send_slowly(peer, "x")
  local ready, writable, err = socket.select({ mine, other }, nil, 5)
  return #ready, ready[1] == mine, writable, err
end)
trace.task("selected.to-write", function()
  local _, mine = make()
  local ready, writable, err = socket.select(nil, { mine }, 5)
  return ready, #writable, writable[1] == mine, err
end)
trace.task("wakers-are-cleared", function()
  local peer, mine = make()
  send_slowly(peer, "x\n")
  mine:receive "*l"
  return mine.wakers.recvr, mine.wakers.sendr
end)
trace.task("close", function()
  local peer, mine = make()
  trace.values("close.returns", mine:close())
  return peer:receive "*l"
end)
