-- A conversation over any socket that waits, of cosock or not: lines by which a client asks, and long streams
-- of bytes that both sides can make.
--
--   reverse TEXT   the server sends the text backwards
--   take COUNT     the client sends so many bytes; the server answers "taken", or where they differ
--   give COUNT     the server sends so many bytes
--   bye            the server closes
local flow = {}

local unpack = table.unpack or unpack

-- Of a length that no buffer has, so that parts that are lost or moved are seen.
local block
do
  local state, bytes = 54321, {}
  for place = 1, 7919 do
    state = (state * 16807) % 2147483647
    bytes[place] = state % 256
  end
  local parts = {}
  for from = 1, #bytes, 200 do
    parts[#parts + 1] = string.char(unpack(bytes, from, math.min(from + 199, #bytes)))
  end
  block = table.concat(parts):rep(11)
end

function flow.send(sock, count)
  local sent = 0
  while sent < count do
    local part = block:sub(1, math.min(#block, count - sent))
    assert(sock:send(part))
    sent = sent + #part
  end
end

-- Returns the place of the first byte that is wrong, or nil.
function flow.receive(sock, count)
  local received = 0
  while received < count do
    local wanted = math.min(#block, count - received)
    local part = assert(sock:receive(wanted))
    if part ~= block:sub(1, wanted) then
      for place = 1, wanted do
        if part:byte(place) ~= block:byte(place) then
          return received + place
        end
      end
    end
    received = received + wanted
  end
end

-- Serves one client to its end; returns nil, or the error that ended it.
function flow.serve(sock)
  while true do
    local line, err = sock:receive "*l"
    if not line then
      return err
    end
    local word, argument = line:match "^(%a+) ?(.*)$"
    if word == "reverse" then
      assert(sock:send(argument:reverse() .. "\n"))
    elseif word == "take" then
      local place = flow.receive(sock, tonumber(argument))
      assert(sock:send(place and "differs at " .. place .. "\n" or "taken\n"))
    elseif word == "give" then
      flow.send(sock, tonumber(argument))
    elseif word == "bye" then
      return nil
    else
      return "what is " .. line
    end
  end
end

local function ask(sock, question)
  assert(sock:send(question .. "\n"))
  return assert(sock:receive "*l")
end

-- Talks to such a server, with `count` bytes in each direction, and says goodbye.
function flow.talk(sock, count)
  assert(ask(sock, "reverse hello") == "olleh")
  assert(sock:send("take " .. count .. "\n"))
  flow.send(sock, count)
  local answer = assert(sock:receive "*l")
  assert(answer == "taken", answer)
  assert(sock:send("give " .. count .. "\n"))
  local place = flow.receive(sock, count)
  assert(not place, place)
  assert(ask(sock, "reverse a man a plan") == "nalp a nam a")
  assert(sock:send "bye\n")
  local nothing, err = sock:receive "*l"
  assert(not nothing and err == "closed", err)
end

return flow
