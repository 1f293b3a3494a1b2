-- Loopback sockets for the test scripts. Functions that connect are called inside a task.
local cosock = require "cosock"

local network = {}

local socket = cosock.socket
local assert, tonumber = assert, tonumber

-- A listening socket on a port of its own, and that port.
function network.listener(host, backlog)
  local server = assert(socket.bind(host or "127.0.0.1", 0, backlog))
  local _, port = server:getsockname()
  return server, tonumber(port)
end

-- Two connected TCP sockets: the one that connected, and the one that was accepted.
function network.pair(host)
  local server, port = network.listener(host)
  local client = assert(socket.connect(host or "127.0.0.1", port))
  local accepted = assert(server:accept())
  server:close()
  return client, accepted
end

-- A port on which nobody listens, and the socket that keeps it from others: close that at the end.
function network.refusing_port(host)
  local keeper = assert(socket.tcp())
  assert(keeper:bind(host or "127.0.0.1", 0))
  local _, port = keeper:getsockname()
  return tonumber(port), keeper
end

-- A listening socket whose backlog is full, so that a connect to it hangs; its port; and the sockets
-- that fill it, which are to be closed with it.
function network.full_listener()
  local server, port = network.listener("127.0.0.1", 0)
  local fillers, full = {}, false
  for place = 1, 16 do
    local filler = assert(socket.tcp())
    filler:settimeout(0.05)
    fillers[place] = filler
    local done, err = filler:connect("127.0.0.1", port)
    if not done then
      assert(err == "timeout", err)
      full = true
      break
    end
  end
  assert(full, "the backlog takes everything")
  return server, port, fillers
end

-- A UDP socket on a port of its own, and that port.
function network.datagram(host)
  local sock = assert(socket.udp())
  assert(sock:setsockname(host or "127.0.0.1", 0))
  local _, port = sock:getsockname()
  return sock, tonumber(port)
end

-- Bytes of which any two parts of some length differ: what is lost, repeated or moved is seen. Made of few
-- values, for tests with an eager collector.
function network.bytes(length)
  local state, row, block = 12345, {}, {}
  for place = 1, 331 do
    for column = 1, 200 do
      state = (state * 16807) % 2147483647
      row[column] = state % 256
    end
    block[place] = string.char((table.unpack or unpack)(row))
  end
  local text = table.concat(block)
  return text:rep(math.ceil(length / #text)):sub(1, length)
end

-- Reads exactly what `sock` has to give until its end, in parts of at most `size` bytes.
function network.drain(sock, size)
  local parts = {}
  while true do
    local part, err, rest = sock:receive(size or 8192)
    parts[#parts + 1] = part or rest
    if err then
      return table.concat(parts), err
    end
  end
end

-- Lets `task` run in turns of its own: ends once `done()` tells so, and fails when it never does.
function network.wait_until(done, what)
  local limit = socket.gettime() + 20
  while not done() do
    assert(socket.gettime() < limit, what or "it never came to be")
    socket.sleep(0.001)
  end
end

-- For limits that are longer than the pauses of the other side, which a slow machine may stretch: what
-- `test` never tells to be so in several tries is wrong.
function network.in_some_try(what, test)
  for _ = 1, 8 do
    if test() then
      return
    end
  end
  error(what, 2)
end

return network
