-- claim: setwaker and _wake keep one waker of each kind
-- chapter: waits
-- source: the book: integrations
-- covers: W42 W43 G33 I8 cosock.socket.internals.setuprealsocketwaker tcp:setwaker tcp:_wake
-- covers: udp:setwaker udp:_wake
local trace = require "trace"
local cosock = require "cosock"
local internals = require "cosock.socket.internals"
local socket = cosock.socket

local function all(prefix, new)
  local object = new()
  local calls = {}
  local function waker(...)
    calls[#calls + 1] = { n = select("#", ...), ... }
  end
  trace.values(prefix .. ".wakers.before", object.wakers)
  trace.method(prefix .. ".setwaker", object, "setwaker", "recvr", waker)
  trace.values(prefix .. ".wakers", type(object.wakers), object.wakers and object.wakers.recvr == waker)
  trace.method(prefix .. ".setwaker.second", object, "setwaker", "recvr", waker)
  trace.method(prefix .. ".setwaker.other-kind", object, "setwaker", "sendr", waker)
  trace.method(prefix .. ".setwaker.nil", object, "setwaker", "recvr", nil)
  trace.method(prefix .. ".setwaker.nil-again", object, "setwaker", "recvr", nil)
  trace.method(prefix .. ".setwaker.after-nil", object, "setwaker", "recvr", waker)
  trace.method(prefix .. ".setwaker.unknown-kind", object, "setwaker", "other", waker)
  trace.method(prefix .. ".setwaker.no-kind", object, "setwaker")
  trace.method(prefix .. ".wake", object, "_wake", "recvr", "argument", nil)
  local first = calls[1] or {}
  trace.values(prefix .. ".wake.arguments", #calls, first.n, first[1])
  trace.values(prefix .. ".wake.clears", object.wakers and object.wakers.recvr)
  trace.method(prefix .. ".wake.again", object, "_wake", "recvr")
  trace.values(prefix .. ".wake.again.calls", #calls)
  trace.method(prefix .. ".wake.sendr", object, "_wake", "sendr")
  trace.method(prefix .. ".wake.unknown-kind", object, "_wake", "other")
end

all("own", function()
  local class = {}
  trace.values("setuprealsocketwaker", internals.setuprealsocketwaker(class))
  return setmetatable({}, { __index = class })
end)
all("tcp", function() return socket.tcp() end)
all("udp", function() return socket.udp() end)

local reader = {}
internals.setuprealsocketwaker(reader, { "recvr" })
trace.method("one-kind.recvr", reader, "setwaker", "recvr", function() end)
trace.method("one-kind.sendr", reader, "setwaker", "sendr", function() end)

trace.task("by-hand-in-select", function()
  -- A foreign object that takes its descriptor from a socket and is woken by its own _wake.
  local client, peer = trace.pair()
  local foreign = { inner_sock = client.inner_sock }
  local notes = {}
  function foreign:setwaker(kind, waker)
    notes[#notes + 1] = kind .. " " .. type(waker)
    self.waker = waker
  end
  function foreign:_wake(kind, ...)
    notes[#notes + 1] = "wake " .. kind .. " " .. select("#", ...)
    self.waker()
  end
  trace.hide(foreign, "foreign")
  peer:send("data\n")
  local recvr, sendr, err = socket.select({ foreign }, {}, 1)
  trace.values("by-hand-in-select.notes", table.concat(notes, "; "))
  return recvr, sendr, err
end)
