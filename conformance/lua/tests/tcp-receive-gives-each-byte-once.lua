-- What has been received is handed over once and in order, whichever receive asks for it and whatever else looks at
-- the socket in between: in loops that run often, and with the compiler of LuaJIT on or off. (There, Lua itself cuts
-- lines and counts from what several receives have left.)
local world = require "world"
local cosock = require "cosock"
local expect = require "expect"
local known_stream = require "known_stream"
local network = require "network"
local secure = require "secure"

local socket, ssl = cosock.socket, cosock.ssl
local pack = expect.pack

local function is_readable(sock)
  local ready = socket.select({ sock }, nil, 0)
  return ready ~= nil and ready[1] == sock
end

-- A connection on which so many numbered lines have come, and then `rest`.
local function with_lines(count, rest)
  local sock, peer = network.pair()
  local lines = {}
  for number = 1, count do
    lines[number] = number .. "\n"
  end
  local text = table.concat(lines) .. (rest or "")
  peer:send(text)
  network.wait_until(function()
    return is_readable(sock)
  end)
  return sock, peer, text
end

local function takes(sock, first, last)
  for number = first, last do
    expect.equal(sock:receive(), tostring(number))
  end
end

local function close(...)
  for place = 1, select("#", ...) do
    select(place, ...):close()
  end
end

local function any_sequence()
  for seed = 1, 8 do
    expect.tasks(function()
      local sock, peer = network.pair()
      known_stream.compare(sock, peer, seed, 3000, true)
    end)
  end
end

local function ends()
  -- The rest is what was not taken.
  local sock, peer = with_lines(100, "and more")
  peer:close()
  takes(sock, 1, 20)
  local rest = sock:receive "*a"
  expect.equal(rest:sub(1, 6), "21\n22\n")
  expect.equal(rest:sub(-12), "100\nand more")
  sock:close()
  -- A line without its end, at a timeout and at the end.
  sock, peer = with_lines(50, "part")
  sock:settimeout(0.01)
  takes(sock, 1, 50)
  expect.list(pack(sock:receive()), { n = 3, nil, "timeout", "part" })
  peer:send "one\ntwo"
  peer:close()
  expect.equal(sock:receive(), "one")
  expect.list(pack(sock:receive()), { n = 3, nil, "closed", "two" })
  sock:close()
  -- More bytes than are left.
  sock, peer = with_lines(30)
  sock:settimeout(0.01)
  takes(sock, 1, 28)
  expect.list(pack(sock:receive(7)), { n = 3, nil, "timeout", "29\n30\n" })
  close(sock, peer)
end

-- What was received before a close can still be read; a new connection has nothing of it.
local function closes()
  local sock, peer = with_lines(30)
  takes(sock, 1, 10)
  close(sock, peer)
  takes(sock, 11, 30)
  expect.list(pack(sock:receive()), { n = 3, nil, "closed", "" })

  sock, peer = with_lines(30)
  takes(sock, 1, 10)
  close(sock, peer)
  local server, port = network.listener()
  assert(sock:connect("127.0.0.1", port))
  peer = server:accept()
  peer:send "new\n"
  expect.equal(sock:receive(), "new")
  expect.equal(sock:dirty(), false)
  close(sock, peer, server)
end

local function looks()
  local sock, peer, text = with_lines(60)
  expect.equal(sock:receive(), "1")
  for number = 2, 60 do
    expect.equal(sock:dirty(), true)
    expect.equal(is_readable(sock), true)
    expect.equal(sock:receive(), tostring(number))
  end
  expect.equal(is_readable(sock), false)
  expect.equal(sock:dirty(), false)
  expect.equal(sock:getstats(), #text)
  peer:send(text)
  takes(sock, 1, 60)
  expect.equal(is_readable(sock), false)
  expect.equal(sock:dirty(), false)
  expect.equal(sock:getstats(), 2 * #text)
  peer:send(text)
  -- Each of another kind, from what several lines have left.
  takes(sock, 1, 9)
  expect.equal(sock.inner_sock:receive(), "10")
  expect.equal(getmetatable(sock).__index.receive(sock), "11")
  expect.equal(setmetatable({}, { __index = sock }):receive(), "12")
  expect.equal(setmetatable({ inner_sock = sock.inner_sock }, getmetatable(sock)):receive(), "13")
  expect.equal(sock:receive "*l", "14")
  expect.equal(sock:receive "*line", "15")
  expect.equal(sock:receive("*l", "and "), "and 16")
  expect.equal(sock:receive(nil, nil), "17")
  expect.equal(sock:receive(3), "18\n")
  expect.equal(sock:receive(3, nil, "ignored"), "19\n")
  expect.equal(sock:receive("3"), "20\n")
  expect.equal(sock:receive(3.5), "21\n")
  takes(sock, 22, 60)
  close(sock, peer)
end

-- Two tasks in turns, and one that waits for much while another takes what comes.
local function readers()
  local sock, peer = with_lines(400)
  local seen = 0
  local function read()
    for _ = 1, 200 do
      seen = seen + 1
      expect.equal(sock:receive(), tostring(seen))
      if seen % 7 == 0 then
        socket.sleep(0)
      end
    end
  end
  cosock.spawn(read, "also reads")
  read()
  network.wait_until(function()
    return seen == 400
  end)
  local taken, bytes = {}, nil
  cosock.spawn(function()
    bytes = sock:receive(300)
  end, "waits for bytes")
  socket.sleep(0)
  local lines = {}
  for number = 1, 200 do
    lines[number] = ("%04d\n"):format(number)
  end
  local text = table.concat(lines)
  peer:send(text)
  sock.timeout = 0
  while not bytes do
    local fine, line = pcall(sock.receive, sock)
    if fine and line then
      taken[#taken + 1] = line .. "\n"
    end
    socket.sleep(0)
  end
  local all = table.concat(taken) .. bytes
  expect.equal(all, text:sub(1, #all))
  expect.equal(sock:receive(#text - #all), text:sub(#all + 1))
  close(sock, peer)
end

-- STARTTLS behind many lines of plain text, with the first record of the handshake read along with them.
local function wraps()
  local client, server = network.pair()
  local lines = {}
  for number = 1, 50 do
    lines[number] = number .. "\r\n"
  end
  client:send(table.concat(lines))
  client = assert(ssl.wrap(client, secure.client()))
  client:settimeout(0)
  client:dohandshake()
  client:settimeout(nil)
  takes(server, 1, 50)
  server = assert(ssl.wrap(server, secure.server()))
  local ours, theirs = secure.handshakes(client, server)
  expect.list(ours, { true })
  expect.list(theirs, { true })
  client:send(table.concat(lines))
  takes(server, 1, 50)
  expect.equal(server:dirty(), false)
  close(client, server)
end

local function resets()
  local sock, peer
  cosock.spawn(function()
    sock, peer = with_lines(40)
    takes(sock, 1, 15)
    cosock.reset()
    expect.equal(sock:receive(), "16")
  end, "resets")
  cosock.run()
  cosock.spawn(function()
    takes(sock, 17, 40)
    expect.equal(sock:dirty(), false)
    close(sock, peer)
  end, "goes on")
  cosock.run()
end

-- Waits of a coroutine of the user's own, which it yields to whoever resumed it.
local function in_coroutines()
  local sock, peer = with_lines(60)
  takes(sock, 1, 20)
  cosock.spawn(function()
    for part in ("21\n|ab|cd\n|ef|gh|xyz"):gmatch "[^|]+" do
      socket.sleep(0.002)
      peer:send(part)
    end
  end, "sends")
  local received = coroutine.wrap(function()
    takes(sock, 21, 60)
    expect.equal(sock:receive(), "21")
    expect.equal(sock:receive("*l", "and "), "and abcd")
    expect.equal(sock:receive(4), "efgh")
    sock:settimeout(0.03)
    return { over = true, pack(sock:receive(4)) }
  end)
  local given = pack(received())
  while not (type(given[1]) == "table" and given[1].over) do
    given = pack(received(coroutine.yield((table.unpack or unpack)(given, 1, given.n))))
  end
  expect.list(given[1][1], { n = 3, nil, "timeout", "xyz" })
  close(sock, peer)
end

-- Outside of tasks there is what has come.
local function outside()
  local sock, peer
  expect.tasks(function()
    sock, peer = with_lines(40)
    takes(sock, 1, 5)
  end)
  takes(sock, 6, 40)
  expect.raises("yield", sock.receive, sock)
  close(sock, peer)
end

-- Errors are the caller's, and name what was given.
local function errors()
  local here = debug.getinfo(1, "S").short_src
  local sock, peer = with_lines(300)
  local receive = sock.receive
  for number = 1, 200 do
    expect.equal(sock:receive(), tostring(number))
    for part, wrong in pairs({
      ["bad argument #2 to 'receive' (invalid receive pattern)"] = number % 2 == 0 and -1 or 0 / 0,
      ["bad argument #2 to 'receive' (string expected, got table)"] = {},
    }) do
      local raised = expect.raises(part, function()
        sock:receive(wrong)
      end)
      expect.equal(raised:match "^(.-):%d+:", here)
    end
    for part, call in pairs({
      ["bad argument #1 to 'receive' (socket expected, got number)"] = function()
        receive(5)
      end,
      ["bad argument #2 to 'receive' (invalid receive pattern)"] = function()
        sock:receive("*x", "prefix")
      end,
    }) do
      local raised = expect.raises(part, call)
      expect.equal(raised:match "^(.-):%d+:", here)
    end
    receive = sock.receive
  end
  expect.raises("bad argument #1 to 'receive' (socket expected, got no value)", receive)
  expect.raises("bad argument #1 to 'receive' (socket expected, got table)", receive, {})
  takes(sock, 201, 300)
  close(sock, peer)
end

-- Finalizers that receive, and so in the middle of other receives: each line comes once.
local function finalizers(lines, garbage, every)
  local sock, peer = with_lines(lines)
  local taken, finalized = {}, 0
  local function take()
    local line = sock:receive()
    expect.equal(taken[line], nil)
    taken[line] = true
  end
  local leave_garbage
  local function finalize()
    finalized = finalized + 1
    if finalized <= garbage then
      -- The next one has its turn soon, be it that a copy for Lua is being made.
      leave_garbage()
      if finalized % every == 0 then
        take()
      end
    end
  end
  function leave_garbage()
    if newproxy then
      getmetatable(newproxy(true)).__gc = finalize
    else
      setmetatable({}, { __gc = finalize })
    end
  end
  take()
  expect.eager_collector()
  for _ = 1, garbage do
    if finalized < garbage then
      leave_garbage()
    end
    take()
  end
  expect.usual_collector()
  expect.equal(finalized >= garbage, true)
  while sock:dirty() do
    take()
  end
  for number = 1, lines do
    expect.equal(taken[tostring(number)], true)
  end
  close(sock, peer)
end

local function finalizers_of_all_kinds()
  finalizers(400, 100, 1)
  for every = 1, 5 do
    for _ = 1, 4 do
      finalizers(60, 10, every)
    end
  end
end

-- A hook that receives in the middle of other receives.
local function hooks_that_receive()
  for events = 1, 60 do
    local sock, peer = with_lines(100)
    local taken, hooked = {}, 0
    local function take()
      local line = sock:receive()
      expect.equal(taken[line], nil)
      taken[line] = true
    end
    take()
    debug.sethook(function()
      hooked = hooked + 1
      if hooked <= 30 then
        take()
      end
    end, "", events)
    for _ = 1, 30 do
      take()
    end
    debug.sethook()
    while sock:dirty() do
      take()
    end
    for number = 1, 100 do
      expect.equal(taken[tostring(number)], true)
    end
    close(sock, peer)
  end
end

-- A hook that raises in the middle of anything: what comes is in order, and an interrupted call has lost at most its
-- own line.
local function interruptions()
  local sock, peer = with_lines(3000)
  local seen, interrupted = 0, 0
  local finished
  local place = 0
  repeat
    place = place + 1
    takes(sock, seen + 1, seen + 3)
    seen = seen + 3
    finished = pcall(function()
      debug.sethook(function()
        debug.sethook()
        error("interrupted", 0)
      end, "", place)
      for _ = 1, 4 do
        local line = tonumber((sock:receive()))
        expect.equal(line, seen + 1)
        seen = line
      end
      debug.sethook()
    end)
    if not finished then
      interrupted = interrupted + 1
      local line = tonumber((sock:receive()))
      expect.equal(line == seen + 1 or line == seen + 2, true)
      seen = line
    end
  until finished
  -- What is compiled calls no hook.
  expect.equal(interrupted > 10 or (rawget(_G, "jit") and jit.status()), true)
  takes(sock, seen + 1, seen + 20)
  close(sock, peer)
end

-- Sockets of which much is left unread are collected like others.
local function collected()
  local left = setmetatable({}, { __mode = "k" })
  local function memory()
    collectgarbage()
    collectgarbage()
    return collectgarbage "count"
  end
  local before = memory()
  for number = 1, 40 do
    local sock, peer = with_lines(10, (number .. "\n"):rep(4000))
    takes(sock, 1, 10)
    peer:close()
    left[sock] = true
    left[sock.inner_sock] = true
  end
  expect.equal(memory() - before < 200, true)
  local count = 0
  for _ in pairs(left) do
    count = count + 1
  end
  expect.equal(count <= 4, true)
end

local function all()
  any_sequence()
  for _, test in ipairs {
    ends, closes, looks, readers, wraps, in_coroutines, errors, finalizers_of_all_kinds, hooks_that_receive, interruptions, collected,
  } do
    expect.tasks(test)
  end
  resets()
  outside()
end

all()
if rawget(_G, "jit") then
  jit.off()
  jit.flush()
  all()
  jit.on()
  all()
end

world.finish()
