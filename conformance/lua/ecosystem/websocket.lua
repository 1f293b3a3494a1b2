-- lua-websockets through asyncify: its client, and servers made of its parts, in tasks, over TCP and over TLS.
-- Arguments: a certificate and its key.
dofile(arg[0]:match "^.*/" .. "bits.lua")
local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl
local client = cosock.asyncify "websocket.client_sync"
local sync = cosock.asyncify "websocket.sync"
local handshake = cosock.asyncify "websocket.handshake"
local frame = cosock.asyncify "websocket.frame"

local certificate, key = ...
local clients = 20

-- The other side of a connection, as the library's own servers are made, on our socket.
local function serve(sock)
  local request = {}
  repeat
    request[#request + 1] = assert(sock:receive())
  until request[#request] == ""
  local response, protocol = handshake.accept_upgrade(table.concat(request, "\r\n") .. "\r\n", { "echo" })
  assert(sock:send(response))
  if not protocol then
    sock:close()
    return nil
  end
  local peer = sync.extend {
    state = "OPEN",
    is_server = true,
    sock_send = function(_, ...) return sock:send(...) end,
    sock_receive = function(_, ...) return sock:receive(...) end,
    sock_close = function() sock:close() end,
  }
  while true do
    local text, opcode, _, code = peer:receive()
    if not text then
      return code
    end
    if text == "in parts" then
      -- A message of three frames, with a pause between them.
      for part = 1, 3 do
        local opcode_of_part = part == 1 and frame.TEXT or frame.CONTINUATION
        assert(sock:send(frame.encode("part " .. part .. ";", opcode_of_part, false, part == 3)))
        socket.sleep(0.01)
      end
    elseif text == "go away" then
      return select(2, peer:close(1001, "gone"))
    else
      assert(peer:send(text, opcode))
    end
  end
end

local codes, done, turns, over = {}, 0, 0, 0

local function listen(is_secure)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  cosock.spawn(function()
    for _ = 1, clients + 1 do
      local sock = assert(listener:accept())
      cosock.spawn(function()
        if is_secure then
          sock = assert(ssl.wrap(sock, { mode = "server", protocol = "any", certificate = certificate, key = key }))
          assert(sock:dohandshake())
        end
        local code = serve(sock)
        codes[#codes + 1] = code
      end, "server")
    end
    listener:close()
  end, "listener")
  return port
end

local function talk(url, number)
  local made = client { timeout = 20 }
  local connected, protocol = made:connect(url, "echo", { mode = "client", protocol = "any" })
  assert(connected and protocol == "echo", protocol)
  for _, length in ipairs { 1, 125, 126, 65535, 65536, 300000 } do
    local text = (number .. ","):rep(length):sub(1, length)
    assert(made:send(text))
    local back, opcode = made:receive()
    assert(back == text and opcode == frame.TEXT, length)
  end
  local bytes = ("\0\255\r\n"):rep(1000)
  assert(made:send(bytes, frame.BINARY))
  local back, opcode = made:receive()
  assert(back == bytes and opcode == frame.BINARY)
  assert(made:send "in parts")
  assert(made:receive() == "part 1;part 2;part 3;")
  if number % 2 == 0 then
    local clean, code, reason = made:close(4000, "enough")
    assert(clean and code == 4000, reason)
  else
    assert(made:send "go away")
    local none, _, clean, code, reason = made:receive()
    assert(none == nil and clean and code == 1001 and reason == "gone", reason)
  end
  done = done + 1
end

for scheme, port in pairs { ws = listen(false), wss = certificate and listen(true) } do
  local url = scheme .. "://127.0.0.1:" .. port .. "/chat"
  for number = 1, clients do
    cosock.spawn(function()
      talk(url, number)
      over = over + 1
    end, "client")
  end
  cosock.spawn(function()
    -- A protocol that the server does not know.
    local made = client { timeout = 20 }
    made:connect(url, "another", { mode = "client", protocol = "any" })
    made.sock:close()
    over = over + 1
  end, "stranger")
end

local kinds = certificate and 2 or 1
cosock.spawn(function()
  while over < kinds * (clients + 1) do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
assert(done == kinds * clients, done)
-- As many ended in the one way as in the other. A stranger's ends in none.
local counts = { [4000] = 0, [1001] = 0 }
for _, code in ipairs(codes) do
  counts[code] = counts[code] + 1
end
assert(counts[4000] == kinds * clients / 2 and counts[1001] == kinds * clients / 2)
assert(turns > 10, turns)
print "ok"
