-- claim: methods can be built over an inner object of the program's own
-- chapter: modules
-- source: the rock's behaviour
-- covers: I4 I5 I6 I7 cosock.socket.internals.passthroughbuilder
local trace = require "trace"
local cosock = require "cosock"
local internals = require "cosock.socket.internals"
local channel = cosock.channel

local build = internals.passthroughbuilder(
  { read = { timeout = true }, both = { timeout = true } },
  { write = { timeout = true, wantwrite = true }, both = { timeout = true } }
)
trace.values("passthroughbuilder", select("#", internals.passthroughbuilder({}, {})), type(build))
trace.values("builder", select("#", build("read")), type(build("read")))

-- An object whose inner object answers from a list, one entry a call.
local function object(answers, fields)
  local asked = {}
  local inner = { class = "inner class" }
  local function answer(self, ...)
    asked[#asked + 1] = { n = select("#", ...), ... }
    local next_answer = table.remove(answers, 1)
    assert(rawequal(self, inner))
    return (unpack or table.unpack)(next_answer, 1, next_answer.n or #next_answer)
  end
  inner.read, inner.write, inner.both = answer, answer, answer
  local result = fields or {}
  result.inner_sock = inner
  return result, asked
end

local plain = object { { 1, nil, 3, n = 3 } }
trace.call("passes-results", build("read"), plain)
trace.values("class-is-taken-over", plain.class)
local failing = object { { nil, "other error", 5, n = 3 } }
trace.call("passes-an-error", build("read"), failing)
trace.values("class-of-a-failure", failing.class)
trace.call("passes-nil", build("read"), (object { { n = 1 } }))
trace.call("passes-nothing", build("read"), (object { { n = 0 } }))
trace.call("passes-false", build("read"), (object { { false, n = 1 } }))
trace.call("passes-false-and-an-error", build("read"), (object { { false, "why", n = 2 } }))
local listener, asked = object { { true, n = 1 } }
trace.call("passes-arguments", build("read"), listener, 1, nil, 3)
trace.values("passes-arguments.asked", asked[1].n, asked[1][1], asked[1][2], asked[1][3])
trace.call("missing-method", build("absent"), (object {}))

-- Transforms
local notes = {}
local function note(name, ...)
  local parts = { name }
  for index = 1, select("#", ...) do
    parts[#parts + 1] = tostring((select(index, ...)))
  end
  notes[#notes + 1] = table.concat(parts, " ")
end
local function flush(claim)
  trace.values(claim, table.concat(notes, "; "))
  notes = {}
end
local transform = {
  input = function(...) note("input", ...) return "in", ... end,
  output = function(...) note("output", ...) return "out", ... end,
  blocked = function(...) note("blocked", ...) return "again" end,
  error = function(self, ...) note("error", type(self), ...) return "failed", ... end,
}
local transformed, transformed_asked = object { { "result", n = 1 } }
trace.call("transform", build("read", transform), transformed, "argument")
trace.values("transform.asked", transformed_asked[1][1], transformed_asked[1][2])
flush("transform.notes")
trace.call("transform.error", build("read", transform), (object { { nil, "other", "part", n = 3 } }), "argument")
flush("transform.error.notes")
local made = 0
local from_function = build("read", function()
  made = made + 1
  return transform
end)
from_function((object { { 1 } }))
from_function((object { { 1 } }))
trace.values("transform.function-is-called-each-time", made)
notes = {}
trace.call("transform.function-returns-nil", build("read", function() end), (object { { 1 } }))
trace.call("transform.is-a-number", function()
  local method = build("read", 5)
  return method((object { { 1 } }))
end)
trace.call("transform.function-returns-a-number", build("read", function() return 5 end), (object { { 1 } }))
for _, field in ipairs { "input", "blocked", "output", "error" } do
  trace.call("transform." .. field .. "-is-a-number", function()
    return build("read", { [field] = 5 })((object { { 1 } }))
  end)
end

-- Waiting: the object's own waker protocol is used.
local function waiting(fields)
  local _, quiet = channel.new()
  fields.setwaker = function(_, kind, waker)
    note("setwaker", kind, type(waker))
    if waker and fields.wakes then
      fields.wakes(waker)
    end
  end
  fields.wakers = fields.wakers or {}
  return fields, quiet
end
trace.task("waits", function()
  local self, its_asked = object({ { nil, "timeout", "part", n = 3 }, { "done" } },
    waiting { wakes = function(waker) waker() end })
  local first = build("read", transform)(self, "argument")
  trace.values("waits.asked", #its_asked, its_asked[2].n, its_asked[2][1])
  return first
end)
flush("waits.notes")
trace.task("waits.to-write", function()
  local self = object({ { nil, "wantwrite", n = 2 }, { "done" } }, waiting { wakes = function(waker) waker() end })
  return build("write")(self, "argument")
end)
flush("waits.to-write.notes")
trace.task("waits.to-read-first", function()
  local self = object({ { nil, "timeout", n = 2 }, { "done" } }, waiting { wakes = function(waker) waker() end })
  return build("both")(self, "argument")
end)
flush("waits.to-read-first.notes")
trace.task("waits.timeout", function()
  local self = object({ { nil, "timeout", "part", n = 3 } }, waiting { timeout = 0.01 })
  return build("read")(self)
end)
flush("waits.timeout.notes")
trace.task("waits.timeout.transformed", function()
  local self = object({ { nil, "timeout", "part", n = 3 } }, waiting { timeout = 0.01 })
  return build("read", transform)(self)
end)
flush("waits.timeout.transformed.notes")
trace.task("waits.other-text", function()
  local self = object({ { nil, "wantwrite", "part", n = 3 } }, waiting { timeout = 0.01 })
  return build("write")(self)
end)
flush("waits.other-text.notes")

-- Without a scheduler: what is yielded, and what is made of the answer.
local function by_hand(claim, ...)
  local self = object({ { nil, "timeout", "part", n = 3 }, { "done" } }, { timeout = 7, wakers = { recvr = 1 } })
  trace.hide(self, "self")
  local method = build("read")
  local task = coroutine.create(function() return method(self) end)
  trace.values(claim .. ".yields", coroutine.resume(task))
  local answer = { n = select("#", ...), ... }
  for index = 1, answer.n do
    if answer[index] == "self" then
      answer[index] = { self }
    end
  end
  local ok, first, second, third = coroutine.resume(task, answer[1], answer[2], answer[3])
  if ok then
    trace.values(claim, first, second, third)
  else
    trace.failure(claim, "raises", first)
  end
  trace.values(claim .. ".waker", self.wakers.recvr)
end
by_hand("by-hand.ready", "self", nil, nil)
by_hand("by-hand.timeout", nil, nil, "timeout")
by_hand("by-hand.other-error", nil, nil, "other")
by_hand("by-hand.both", "self", nil, "timeout")
by_hand("by-hand.nothing", nil, nil, nil)
by_hand("by-hand.other-kind", nil, "self", nil)
by_hand("by-hand.too-many", { 1, 2 }, nil, nil)
by_hand("by-hand.both-kinds", "self", "self", nil)
by_hand("by-hand.own-list-empty", {}, nil, nil)
by_hand("by-hand.other-list-empty", "self", {}, nil)
