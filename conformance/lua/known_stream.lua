-- Connections of which it is known what comes over them, and receives at random beside that: each byte must come
-- once, whatever is asked for in between.
local cosock = require "cosock"
local expect = require "expect"
local network = require "network"

local socket = cosock.socket
local known_stream = {}

-- A source of numbers from 1 up to what it is called with: the same in every Lua.
function known_stream.random(seed)
  return function(below)
    seed = (seed * 16807) % 2147483647
    return seed % below + 1
  end
end

-- Lines of many lengths, most of them short: some with carriage returns before the feed, some with others.
local function random_text(random, lines)
  local parts = {}
  for number = 1, lines do
    local body = number .. ":" .. ("x"):rep(random(10) == 1 and random(700) or random(40))
    local kind = random(60)
    if kind == 1 then
      body = body:sub(1, 2) .. "\r" .. body:sub(3)
    elseif kind == 2 then
      body = body .. "\r\r"
    elseif kind == 3 then
      body = ""
    end
    -- Long runs of either end.
    parts[number] = body .. (number % 200 < 100 and "\n" or "\r\n")
  end
  return table.concat(parts)
end

-- What a receive of a line gives at `place` of `text`, and the place behind it.
local function line_at(text, place)
  local feed = text:find("\n", place, true)
  return (text:sub(place, feed - 1):gsub("\r", "")), feed + 1
end

-- Sends `text` in parts of many sizes and ends the connection, as a task.
local function send_in_parts(peer, text, random)
  local place = 1
  while place <= #text do
    local size = random(4) == 1 and random(100) or random(9000)
    assert(peer:send(text:sub(place, place + size - 1)))
    place = place + size
    if random(2) == 1 then
      socket.sleep(0)
    end
  end
  peer:close()
end

-- Compares what `sock` gives with what `peer` sends, `lines` lines; runs in a task. `is_plain` says that the system's
-- bytes are those of the stream.
function known_stream.compare(sock, peer, seed, lines, is_plain)
  local random = known_stream.random(seed)
  local text = random_text(random, lines)
  cosock.spawn(function()
    send_in_parts(peer, text, known_stream.random(seed + 1))
  end, "sends")
  local place = 1

  local function takes(got, wanted, next_place)
    expect.equal(got, wanted, "at " .. place .. " of " .. #text .. ", seed " .. seed)
    place = next_place
  end

  local function take_line(...)
    local wanted, next_place = line_at(text, place)
    takes(sock:receive(...), wanted, next_place)
  end

  local function take_bytes(count)
    count = math.min(count, #text - place + 1)
    takes(sock:receive(count), text:sub(place, place + count - 1), place + count)
  end

  -- What has come, and no more.
  local function take_what_there_is()
    local wanted = #text - place + 1 + random(3)
    sock:settimeout(0)
    local all, problem, part = sock:receive(wanted)
    sock:settimeout(nil)
    part = all or part
    expect.equal(all == nil and (problem == "closed" or problem:find("^want") ~= nil) or problem == "timeout", true)
    takes(part, text:sub(place, place + #part - 1), place + #part)
  end

  local function look()
    if is_plain then
      expect.equal(sock:getstats(), place - 1)
    end
    if sock:dirty() then
      expect.equal(socket.select({ sock }, nil, 0)[1], sock)
    end
  end

  local others = {
    function()
      take_line("*l", nil)
    end,
    function()
      local wanted, next_place = line_at(text, place)
      takes(sock:receive("*l", "prefix "), "prefix " .. wanted, next_place)
    end,
    function()
      takes(sock:receive(0), "", place)
      takes(sock:receive("0"), "", place)
      takes(sock:receive(0.5), "", place)
    end,
    function()
      local count = math.min(random(300), #text - place + 1)
      takes(sock:receive(tostring(count)), text:sub(place, place + count - 1), place + count)
    end,
    function()
      local count = math.min(random(50), #text - place + 1)
      local got = sock:receive(count + 3, "abc")
      takes(got, "abc" .. text:sub(place, place + count - 1), place + count)
    end,
    function()
      local count = random(20)
      local got, _, part = sock.inner_sock:receive(count)
      got = got or part
      takes(got, text:sub(place, place + #got - 1), place + #got)
    end,
    take_what_there_is,
    look,
    look,
    function()
      take_bytes(random(70000))
    end,
  }

  while place <= #text do
    local what = random(12)
    if what <= 5 then
      for _ = 1, random(80) do
        if place <= #text then
          take_line()
        end
      end
    elseif what <= 7 then
      for _ = 1, random(20) do
        if place <= #text then
          take_line "*l"
        end
      end
    elseif what <= 9 then
      local size = random(30)
      for _ = 1, random(80) do
        if place <= #text then
          take_bytes(size)
        end
      end
    else
      others[random(#others)]()
    end
  end
  expect.list(expect.pack(sock:receive()), { n = 3, nil, "closed", "" })
  sock:close()
end

-- Whether a select tells that `sock` has something to read, at this moment.
function known_stream.is_readable(sock)
  local ready = socket.select({ sock }, nil, 0)
  return ready ~= nil and ready[1] == sock
end

-- A connection on which so many numbered lines have come, and then `rest`; its other end; and all of the text.
function known_stream.with_lines(count, rest)
  local sock, peer = network.pair()
  local lines = {}
  for number = 1, count do
    lines[number] = number .. "\n"
  end
  local text = table.concat(lines) .. (rest or "")
  peer:send(text)
  network.wait_until(function()
    return known_stream.is_readable(sock)
  end)
  return sock, peer, text
end

-- Receives the lines of these numbers.
function known_stream.takes(sock, first, last)
  for number = first, last do
    expect.equal(sock:receive(), tostring(number))
  end
end

-- Calls `test`; on LuaJIT also with the compiler off, and on again.
function known_stream.compiled_and_not(test)
  test()
  local jit = rawget(_G, "jit")
  if jit then
    jit.off()
    jit.flush()
    test()
    jit.on()
    test()
  end
end

return known_stream
