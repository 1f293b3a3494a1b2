-- What LuaJIT compiles to less than a call of C costs: a receive of a line, or of a number of bytes, that is in
-- what C has lent of a socket's unread bytes (tcp/jit.rs). All else is C's.
--
-- A finalizer may run where a string is made, and receive from the same socket: so what was cut counts only if the
-- loan is still as it was, and the line that looks is the one that moves it on.

local _, native = ...
local receive = native.tcp_receive.receive
local in_lua, shims, compiled = native.in_lua, native.shims, native.compiled
local type, rawget, setmetatable = compiled.type, compiled.rawget, compiled.setmetatable
local floor, byte, find, sub = compiled.floor, compiled.byte, compiled.find, compiled.sub

-- Programs replace the functions of strings by others, for characters of several bytes.
local function cuts_bytes()
  local text = "\195\164\n"
  return find(text, "\n", 1, true) == 3 and sub(text, 2, 2) == "\164" and byte(text, 2) == 164 and floor(1.5) == 1
end

-- From inner sockets to their loans. In a loan: 1 the bytes, false once they are taken back; 2 the place of the first
-- that is left; 3 whether there are carriage returns, and 4 before which place feeds end lines that are for Lua. The last
-- record is for C, which then lets go of the bytes.
local loans = setmetatable and setmetatable({}, { __mode = "k" })

local function receive_lent(self, pattern, prefix)
  if type(self) == "table" and prefix == nil then
    local loan = loans[self.inner_sock]
    local bytes = loan and loan[1]
    if bytes then
      local place, cut, next = loan[2], nil, nil
      if pattern == nil or pattern == "*l" then
        local feed = find(bytes, "\n", place, true)
        if feed and feed < loan[4] then
          local last = feed - 1
          if loan[3] and byte(bytes, last) == 13 then
            last = last - 1
          end
          cut, next = sub(bytes, place, last), feed + 1
        end
      elseif type(pattern) == "number" and pattern > 0 and floor(pattern) == pattern then
        next = place + pattern
        if next <= #bytes then
          cut = sub(bytes, place, next - 1)
        end
      end
      if cut and loan[1] == bytes and loan[2] == place then loan[2] = next return cut end
    end
  elseif self == nil then
    -- Most likely nothing was given; this raises.
    receive()
  end
  local first, second, third
  if prefix ~= nil then
    first, second, third = receive(self, pattern, prefix)
  elseif pattern ~= nil then
    first, second, third = receive(self, pattern)
  else
    first, second, third = receive(self)
  end
  if first == in_lua then
    return shims.receive(self, pattern, prefix)
  elseif second == nil then
    return first
  elseif third == nil then
    return first, second
  end
  return first, second, third
end

-- Puts this into the tables of methods, where something is compiled and nobody has replaced what it stands for.
-- Returns the loans, or nil where there can be none.
return function(tcp, ssl)
  local fine, status = native.pcall(compiled.status)
  if not (fine and status and rawget and setmetatable and type) then
    return nil
  end
  local cuts
  fine, cuts = native.pcall(cuts_bytes)
  if not (fine and cuts) then
    return nil
  end
  local framed, fits = native.tcp_receive.framed, false
  for number = 1, 2 do
    local methods = number == 1 and tcp or ssl
    if methods and rawget(methods, "receive") == framed then
      methods.receive, fits = receive_lent, true
    end
  end
  return fits and loans or nil
end
