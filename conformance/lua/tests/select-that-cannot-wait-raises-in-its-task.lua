-- A `select` that cannot wait on an element raises in its task, where `pcall` catches the very error, and
-- leaves nothing of the wait behind: also through coroutines, and for methods that wait in Lua. After a
-- bare yield, the same ends the task.
local world = require "world"
local cosock = require "cosock"
local socket = cosock.socket
local pcall = pcall
if cosock.install_pcall then
  cosock.install_pcall()
  pcall = _G.pcall
end
local passing = setmetatable({}, { __index = coroutine })
do
  local wrap, resume = coroutine.wrap, coroutine.resume
  cosock.install_coroutine()
  passing.wrap = coroutine.wrap
  coroutine.wrap, coroutine.resume = wrap, resume
end

local ended = 0

local function case(fn)
  cosock.spawn(function()
    fn()
    ended = ended + 1
  end)
end

local function refused(pattern, ...)
  local ok, err = pcall(socket.select, ...)
  assert(not ok and tostring(err):find(pattern), tostring(err))
end

-- An object whose descriptor nobody looks at: only its waker wakes.
local function object(setwaker)
  return setmetatable({}, { __index = { setwaker = setwaker } })
end

local function keeping(wakers)
  return object(function(_, kind, waker)
    wakers[kind] = waker
    wakers.calls = (wakers.calls or 0) + 1
  end)
end

local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", 0))
local tx, rx = cosock.channel.new()
local waits = 0

cosock.spawn(function()
  waits = waits + 1
  assert(udp:receive() == "hello")
  ended = ended + 1
end)
cosock.spawn(function()
  waits = waits + 1
  assert(rx:receive() == 1)
  ended = ended + 1
end)
cosock.spawn(function()
  repeat
    socket.sleep(0)
  until waits == 2

  case(function()
    refused("waker already set", { udp }, nil, 0.01)
    refused("waker already set", { rx }, nil, 0.01)
    local other = assert(socket.udp())
    assert(other:setsockname("127.0.0.1", 0))
    refused("waker already set", { other, other }, nil, 0.01)
    -- It waits as ever afterwards.
    local recvr, sendr, err = socket.select({ other }, nil, 0.01)
    assert(not recvr and not sendr and err == "timeout")
    other:settimeout(0.01)
    assert(select(2, other:receive()) == "timeout")
    other:close()
  end)

  case(function()
    local reason, wakers = {}, {}
    local failing, kept = object(function(_, _, waker)
      if waker then
        error(reason)
      end
      error "not to be taken back"
    end), keeping(wakers)
    local ok, err = pcall(socket.select, { kept, failing }, nil, 0.01)
    assert(not ok and err == reason)
    assert(wakers.recvr == nil and wakers.calls == 2)
    ok, err = pcall(socket.select, { failing, kept }, nil, 0.01)
    assert(not ok and err == reason)
    assert(wakers.recvr == nil and wakers.calls == 2)
    for _, value in ipairs { false, 17, "text" } do
      local raising = object(function()
        error(value, 0)
      end)
      ok, err = pcall(socket.select, nil, { raising })
      assert(not ok and err == value)
    end
  end)

  -- Through a coroutine that passes waits on, the error is raised inside it.
  case(function()
    local values = passing.wrap(function()
      local ok, err = pcall(socket.select, { rx }, nil, 0.01)
      coroutine.yield(ok, err)
      coroutine.yield(select("#", socket.select({}, {}, 0)))
      return "end"
    end)
    local ok, err = values()
    assert(ok == false and err:find "waker already set", err)
    assert(values() == 3)
    assert(values() == "end")
  end)

  -- What a coroutine of the program's own resumes gets the three values, and no more.
  case(function()
    local first, second = {}, {}
    local function wait()
      return socket.select(first, second, 0)
    end
    local function in_pcall()
      return pcall(wait)
    end
    for _, fn in ipairs { wait, in_pcall } do
      local co = coroutine.create(fn)
      local function count(...)
        assert(select("#", ...) == 4)
        local ok, recvt, sendt, timeout = ...
        assert(ok and recvt == first and sendt == second and timeout == 0)
      end
      count(coroutine.resume(co))
      assert(coroutine.resume(co, nil, nil, "timeout"))
      assert(coroutine.status(co) == "dead")
    end
  end)

  -- A method that waits in Lua, for its object is waited on in another way.
  case(function()
    local reason = {}
    local own = assert(socket.udp())
    assert(own:setsockname("127.0.0.1", 0))
    function own:setwaker(_, waker)
      if waker then
        error(reason)
      end
    end
    local ok, err = pcall(own.receive, own)
    assert(not ok and err == reason, tostring(err))
    own:close()
  end)

  -- A second attempt to wake a wait that failed does nothing.
  case(function()
    local early
    local waking = object(function(_, _, waker)
      early = early or waker
      if waker then
        waker()
        error "after the wake"
      end
    end)
    refused("after the wake", { waking }, nil, 0.01)
    early()
    local recvr, _, err = socket.select({}, {}, 0.01)
    assert(not recvr and err == "timeout")
  end)

  local told = {}
  cosock.spawn(function()
    pcall(coroutine.yield, { rx }, nil, 0.01)
    told[#told + 1] = "went on"
  end, "bare", {
    onerror = function(err)
      told[#told + 1] = err
    end,
  })
  socket.sleep(0.05)
  assert(#told == 1 and tostring(told[1]):find "waker already set", tostring(told[1]))
  assert(tx:send(1))
  local _, port = udp:getsockname()
  local sender = assert(socket.udp())
  assert(sender:sendto("hello", "127.0.0.1", port))
  sender:close()
  ended = ended + 1
end)
cosock.run()
assert(ended == 9, ended)
udp:close()
world.finish()
