-- One exchange of messages with an HTTP server, on a connection of its own.
--
-- Methods return nil and the reason when they fail. Nothing here needs pcall: objects, sources, sinks and
-- steps are the user's and may wait, which on Lua 5.1 cannot be done in one.

local modules, _, own = ...
local socket, ltn12 = modules["cosock.socket"], modules["ltn12"]
local canonic = modules["socket.headers"].canonic

local connection = {}
connection.__index = connection

-- Chunks are delivered in pieces of at most this many bytes: their size is the server's choice.
local PIECE = 65536

-- Limits of what a server may send before a body, or after one in chunks; and before a chunk.
local LONGEST_LINE, MOST_LINES, MOST_BYTES = 65536, 1000, 1048576
local LONGEST_SIZE = 4096

-- How many interim answers may come before the answer itself.
connection.MOST_INTERIM = 100

function connection.is_interim(code)
  return code and code >= 100 and code < 200 and code ~= 101
end

-- Lines have an end, or an end is put to them: on an object of ours, or one that has it in `sock`. Other
-- objects see to that themselves.
local function limit_lines(object)
  while type(object) == "table" do
    own.limit_lines(rawget(object, "inner_sock"), LONGEST_LINE)
    object = rawget(object, "sock")
  end
end

-- Receives a line that is at most so long; one that is longer fails with the reason `too_long`.
local function receive_line(object, longest, too_long, start)
  local line, err = object:receive("*l", start)
  if line and #line > longest or err == "line too long" then
    return nil, too_long
  end
  return line, err
end

-- What a value is that cannot serve as a connection's object; nil when it can.
local function unfit(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "cdata" and not (kind == "userdata" and getmetatable(value)) then
    return kind
  end
  for _, name in ipairs { "settimeout", "connect", "send", "receive", "close" } do
    if value[name] == nil then
      return kind .. " without '" .. name .. "'"
    end
  end
end

-- What is meant for a proxy is told an object that goes through one by itself, and nobody else.
local function tell_proxy(object, headers)
  if type(object) == "table" and rawget(object, "has_proxy") then
    object.proxy_authorization, headers["proxy-authorization"] = headers["proxy-authorization"], nil
  end
end

-- Connects to a server with an object made by `create`, which is told what `headers` have for its proxy. It is
-- closed again when that fails. A third result tells what is wrong with `create` itself.
function connection.open(host, port, create, timeout, headers)
  local object, err = create()
  if not object then
    return nil, err
  end
  local got = unfit(object)
  if got then
    return nil, nil, "socket expected as its result, got " .. got
  end
  object:settimeout(timeout)
  limit_lines(object)
  tell_proxy(object, headers or {})
  local done
  done, err = object:connect(host, port)
  if not done then
    object:close()
    return nil, err
  end
  -- It may have another socket now.
  limit_lines(object)
  return setmetatable({ c = object }, connection)
end

function connection:close()
  return self.c:close()
end

-- Sending.

-- A line break would let whoever chose a part of the request write the rest of it.
local function has_break(text)
  return text:find "[\r\n]" ~= nil
end

function connection:sendrequestline(method, uri)
  local line = method .. " " .. uri .. " HTTP/1.1"
  if has_break(line) then
    return nil, "line break in the request line"
  end
  -- Goes out with the headers, in one piece.
  self.line = line .. "\r\n"
  return 1
end

local function sorted_names(headers)
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  -- The host first, as RFC 9110 recommends.
  table.sort(names, function(one, other)
    if one == "host" or other == "host" then
      return one == "host" and other ~= "host"
    end
    return one < other
  end)
  return names
end

function connection:sendheaders(headers)
  local parts = { self.line }
  self.line = nil
  for _, name in ipairs(sorted_names(headers)) do
    local field = (canonic[name] or name) .. ": " .. headers[name]
    if has_break(field) then
      return nil, ("line break in the header %q"):format(name:match "^[^\r\n]*")
    end
    parts[#parts + 1] = field .. "\r\n"
  end
  parts[#parts + 1] = "\r\n"
  return self.c:send(table.concat(parts))
end

-- A sink for a source of the user's: numbers go on as texts, anything else that is none ends the body.
local function of_texts(sink)
  return function(chunk, err)
    local kind = type(chunk)
    if kind == "number" then
      chunk = tostring(chunk)
    elseif chunk and kind ~= "string" then
      return nil, "bad chunk from 'source' (string expected, got " .. kind .. ")"
    end
    return sink(chunk, err)
  end
end

local function chunked_sink(object)
  return of_texts(function(chunk, err)
    if chunk == "" then
      -- As a chunk it would end the body.
      return 1
    elseif chunk then
      return object:send(("%X\r\n%s\r\n"):format(#chunk, chunk))
    elseif err then
      -- A body that was cut off must not look complete.
      return nil, err
    end
    return object:send "0\r\n\r\n"
  end)
end

function connection:sendbody(headers, source, step)
  local sink = headers["content-length"] and of_texts(socket.sink("keep-open", self.c)) or chunked_sink(self.c)
  return ltn12.pump.all(source or ltn12.source.empty(), sink, step)
end

-- Waits for the server to ask for the body, but no longer than `seconds`: a server need not. Tells
-- whether an answer has begun. `timeout` is that of an object which cannot tell its own.
function connection:awaitcontinue(seconds, timeout)
  local object = self.c
  local before = object.gettimeout and object:gettimeout() or timeout
  object:settimeout(seconds)
  local start, err, partial = object:receive(5)
  object:settimeout(before)
  self.start = start or partial
  if start then
    return true
  elseif err == "timeout" or err == "wantread" then
    return false
  end
  return nil, err
end

-- Receiving.

-- A function that reads the lines of one block of headers.
local function header_lines(object)
  local lines, bytes = 0, 0
  return function()
    local line, err = receive_line(object, LONGEST_LINE, "headers too large")
    if not line then
      return nil, err
    end
    lines, bytes = lines + 1, bytes + #line
    if lines > MOST_LINES or bytes > MOST_BYTES then
      return nil, "headers too large"
    end
    return line
  end
end

-- Returns the code and the line; false and the first bytes of a body when there is no line, as in
-- HTTP/0.9.
function connection:receivestatusline()
  local start, err = self.c:receive(5, self.start)
  self.start = nil
  if not start then
    return nil, err
  elseif start ~= "HTTP/" then
    return false, start
  end
  local line
  line, err = receive_line(self.c, LONGEST_LINE, "status line too long", start)
  if not line then
    return nil, err
  end
  local code = line:match "^HTTP/%d*%.%d* (%d%d%d)"
  if not code then
    return nil, line
  end
  return tonumber(code), line
end

-- The crate httparse wants a whole block of a known number of fields and refuses names that servers do send;
-- LuaSocket takes any text before a colon.
local function receive_headers(object)
  -- By their names, the pieces that the values are put together from.
  local headers, next_line = {}, header_lines(object)
  local line, err = next_line()
  while line and line ~= "" do
    local name, value = line:match "^(.-):%s*(.*)"
    if not name then
      -- LuaSocket's word, as it spells it.
      return nil, "malformed reponse headers"
    end
    name = name:lower()
    local pieces = headers[name]
    if pieces then
      pieces[#pieces + 1] = ", "
    else
      pieces = {}
      headers[name] = pieces
    end
    pieces[#pieces + 1] = value
    line, err = next_line()
    while line and line:find "^%s" do
      pieces[#pieces + 1] = line
      line, err = next_line()
    end
  end
  if not line then
    return nil, err
  end
  for name, pieces in pairs(headers) do
    headers[name] = table.concat(pieces)
  end
  return headers
end

function connection:receiveheaders()
  return receive_headers(self.c)
end

-- The number that a line begins with; nil if it is none, or something other than an extension follows. Step by
-- step, for a pattern of all that can match spaces in many ways, and tries them all.
local function chunk_size(line)
  local first = line:match "^%s*()"
  local digits, after = line:match("^(%x*)()", line:match("^0*()", first))
  local rest = after and line:match("^%s*()", after)
  -- More digits are more than a number holds.
  if not rest or after == first or #digits > 13 or not line:find("^;", rest) and rest <= #line then
    return nil
  end
  return digits == "" and 0 or tonumber(digits, 16)
end

local function chunked_source(object)
  local left, ended = 0, false
  return function()
    if ended then
      return nil
    end
    if left == 0 then
      local line, err = receive_line(object, LONGEST_SIZE, "invalid chunk size")
      if line then
        left = chunk_size(line)
        err = not left and "invalid chunk size" or nil
      end
      if err then
        ended = err == "invalid chunk size"
        return nil, err
      elseif left == 0 then
        ended = true
        -- Trailers are read to their end, and dropped.
        local _, trailer_err = receive_headers(object)
        return nil, trailer_err
      end
    end
    local piece, err = object:receive(math.min(left, PIECE))
    if not piece then
      return nil, err
    end
    left = left - #piece
    if left == 0 then
      local line
      line, err = receive_line(object, 0, "invalid chunk")
      if not line then
        ended = err == "invalid chunk"
        return nil, err
      end
    end
    return piece
  end
end

-- As LuaSocket's http, for programs that speak HTTP by themselves.
socket.sourcet["http-chunked"], socket.sinkt["http-chunked"] = chunked_source, chunked_sink

-- The text without spaces around it. Patterns that say so at once take a time that grows with the square
-- of the spaces.
local function trim(text)
  local first = text:find "%S"
  return first and text:match(".*%S", first) or ""
end

-- The length that the headers tell, or nil; and a reason when they tell several. Said more than once, it
-- is one all the same (RFC 9110, section 8.6).
local function content_length(text)
  local first
  for part in (text or ""):gmatch "[^,]+" do
    local value = trim(part)
    if first and value ~= first then
      return nil, "conflicting content lengths"
    end
    first = value
  end
  -- Not `tonumber` alone, which also takes hexadecimal digits, exponents and "nan".
  return tonumber((first or ""):match "^-?%d+$")
end

function connection:receivebody(headers, sink, step)
  local length, err = content_length(headers["content-length"])
  local coding = headers["transfer-encoding"]
  local source
  if coding and coding:lower() ~= "identity" then
    source = chunked_source(self.c)
  elseif err then
    return nil, err
  elseif length then
    source = socket.source("by-length", self.c, length)
  else
    source = socket.source("until-closed", self.c)
  end
  return ltn12.pump.all(source, sink or ltn12.sink.null(), step)
end

function connection:receive09body(start, sink, step)
  local source = ltn12.source.rewind(socket.source("until-closed", self.c))
  source(start)
  return ltn12.pump.all(source, sink or ltn12.sink.null(), step)
end

connection.header_lines, connection.trim = header_lines, trim

return connection
