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

local is_readable, with_lines, takes = known_stream.is_readable, known_stream.with_lines, known_stream.takes

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
    ends, closes, looks, readers, wraps, in_coroutines, errors, collected,
  } do
    expect.tasks(test)
  end
  resets()
  outside()
end

known_stream.compiled_and_not(all)
world.finish()
