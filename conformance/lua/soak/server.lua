-- The server of the soak test, in cosock's plain API, so that it also runs on the reference.
--
-- Three services return every byte, each over another path of the library:
--   line   reads whole lines of any length and sends each back; a carriage return is dropped by "*l"
--   echo   never waits inside receive or send: it selects, takes what is there, and resumes partial sends
--   count  reads "<n>\n" and then n bytes, and sends both back; anything else is refused with "refused\n"
-- A half-closed client gets the rest of its bytes before the connection is closed.
--
-- The control port answers lines: "stats", "collect" (the same after a full collection) and "quit",
-- which ends the program once all clients have left. So does the end of a control connection: the
-- server must not outlive a soak that was killed.
--
-- Standard output: "ready pid=N line=PORT echo=PORT count=PORT control=PORT", and at the end
-- "finished tasks=N".

local cosock = require "cosock"
local socket = cosock.socket

local BACKLOG = 1024
-- How often a task that accepts looks whether it should end; the reference's close does not wake it.
local STOP_CHECK = 0.2
local ECHO_CHUNK = 16 * 1024

local stopping = false
local open, accepted, closed = 0, 0, 0
-- Results that no client may cause, by text; the control port reports them.
local odd = {}

local function note_odd(where, err)
  local key = where .. ": " .. tostring(err)
  odd[key] = (odd[key] or 0) + 1
end

-- Sends all of `data`; false when the client is gone.
local function answer(client, data)
  local last, err = client:send(data)
  if last == #data then
    return true
  end
  if err ~= "closed" then
    note_odd("send", err or ("index " .. tostring(last) .. " of " .. #data))
  end
  return false
end

local function line_service(client)
  while true do
    local line, err, rest = client:receive("*l")
    if not line then
      if err == "closed" then
        answer(client, rest)
      else
        note_odd("line receive", err)
      end
      return
    end
    if not answer(client, line .. "\n") then
      return
    end
  end
end

-- As `answer`, for a socket with timeout 0: goes on after the index that a timeout reports.
local function answer_in_parts(client, data)
  local first = 1
  while first <= #data do
    local last, err, reached = client:send(data, first)
    if last then
      first = last + 1
    elseif err == "timeout" then
      first = reached + 1
      socket.select(nil, { client })
    else
      if err ~= "closed" then
        note_odd("echo send", err)
      end
      return false
    end
  end
  return true
end

local function echo_service(client)
  client:settimeout(0)
  while true do
    socket.select({ client })
    local data, err, part = client:receive(ECHO_CHUNK)
    data = data or part
    if data ~= "" and not answer_in_parts(client, data) then
      return
    end
    if err == "closed" then
      return
    elseif err and err ~= "timeout" then
      return note_odd("echo receive", err)
    end
  end
end

local function count_service(client)
  while true do
    local header, err, rest = client:receive("*l")
    if not header then
      if err == "closed" then
        answer(client, rest)
      else
        note_odd("count receive", err)
      end
      return
    end
    local wanted = string.match(header, "^%d+$")
    if not wanted then
      answer(client, "refused\n")
      return
    end
    local body
    body, err, rest = client:receive(tonumber(wanted))
    if not answer(client, header .. "\n" .. (body or rest)) then
      return
    end
    if not body then
      if err ~= "closed" then
        note_odd("count receive", err)
      end
      return
    end
  end
end

local function listen()
  local listener = assert(socket.bind("127.0.0.1", 0, BACKLOG))
  local _, port = listener:getsockname()
  listener:settimeout(STOP_CHECK)
  return listener, port
end

-- Spawns a task per client of `listener` until the control port says quit.
local function accept_all(listener, name, serve)
  local function serve_and_close(client)
    serve(client)
    client:close()
  end
  while not stopping do
    local client, err = listener:accept()
    if client then
      cosock.spawn(function() serve_and_close(client) end, name)
    elseif err ~= "timeout" then
      note_odd(name .. " accept", err)
      socket.sleep(STOP_CHECK)
    end
  end
  listener:close()
end

local function counted(service)
  return function(client)
    open, accepted = open + 1, accepted + 1
    service(client)
    open, closed = open - 1, closed + 1
  end
end

local function stats()
  local oddities = {}
  for what, times in pairs(odd) do
    oddities[#oddities + 1] = what .. " x" .. times
  end
  return string.format("open=%d accepted=%d closed=%d lua_kib=%d odd=%s\n", open, accepted, closed,
    math.ceil(collectgarbage("count")), table.concat(oddities, "; "))
end

local function control_service(client)
  while true do
    local command, err = client:receive("*l")
    if command == "stats" then
      answer(client, stats())
    elseif command == "collect" then
      collectgarbage("collect")
      collectgarbage("collect")
      answer(client, stats())
    elseif command == "quit" then
      stopping = true
      answer(client, "bye\n")
    elseif command then
      answer(client, "unknown command\n")
    else
      stopping = true
      if err ~= "closed" then
        note_odd("control receive", err)
      end
      return
    end
  end
end

local function process_id()
  local stat = assert(io.open("/proc/self/stat"))
  local id = stat:read("*l"):match("^%d+")
  stat:close()
  return id
end

local ready = "ready pid=" .. process_id()
local function offer(name, serve)
  local listener, port = listen()
  cosock.spawn(function() accept_all(listener, name, serve) end, "accept " .. name)
  ready = ready .. " " .. name .. "=" .. port
end

offer("line", counted(line_service))
offer("echo", counted(echo_service))
offer("count", counted(count_service))
offer("control", control_service)

io.stdout:setvbuf("line")
print(ready)
cosock.run()
print("finished tasks=" .. #cosock.get_thread_metadata())
