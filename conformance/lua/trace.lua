-- Prints what a scenario of conformance/lua/parity sees, so that two implementations of cosock can be
-- compared line by line: each line is `claim: what was seen`, and a claim is printed once.
--
-- Whatever differs from run to run (addresses, positions, times, values that the scenario hid) is
-- replaced by a word; the number of values and the subtype of numbers stay visible. An error is
-- printed as three claims: its text, `.name` (what it calls the function, without a module) and
-- `.position` (whose positions it begins with: the caller's, cosock's own, or none).
local trace = {}

local write, raw_print = io.write, print
local unpack = table.unpack or unpack
local math_type = math.type or function() end

io.stdout:setvbuf("full")

local noise

-- Taken before cosock is loaded: what the library prints belongs to the claim that made it print.
function print(...) -- luacheck: ignore
  if not noise then
    local first = tostring((...)):gsub("%A", " "):match("%S[%a ]*") or ""
    noise = first:sub(1, 40):gsub("%s+$", "")
  end
end

local cosock = require "cosock"
local socket = cosock.socket

local hidden = {}
local claims = {}

-- Prints `name` wherever `value` would be printed; hides a number's text too.
function trace.hide(value, name)
  hidden[value] = name
  if type(value) == "number" then
    hidden[("%d"):format(value)] = name
  elseif type(value) == "string" and tonumber(value) then
    hidden[tonumber(value)] = name
  end
  return value
end

local function position_of(place)
  local is_ours = place:find("parity/[%w_]+%.lua$") or place:find("trace%.lua$")
  return is_ours and "caller" or "cosock"
end

-- Returns the text without the positions at its start, and whose they were.
local function split_positions(text)
  local positions = {}
  while true do
    local place, rest = text:match("^([^\n:]+):%d+: (.*)$")
    if not place then
      break
    end
    positions[#positions + 1] = position_of(place)
    text = rest
  end
  return text, positions[1] and table.concat(positions, " ") or "none"
end

local function show_string(value)
  if #value > 400 then
    return ("<%d bytes, first %q>"):format(#value, value:sub(1, 8))
  end
  value = value:gsub("0x%x+", "0x?"):gsub("[^%s]*/([%w_]+%.lua:)%d+", "%1?")
  return '"' .. value:gsub("[%c\\\"]", function(char)
    return char == "\n" and "\\n" or ("\\%03d"):format(char:byte())
  end) .. '"'
end

local show

local function show_table(value, depth)
  if depth > 3 then
    return "{...}"
  end
  if rawget(value, "inner_sock") ~= nil then
    return ("socket %s"):format(tostring(value.class))
  end
  local list, keys, parts = {}, {}, {}
  for index, item in ipairs(value) do
    list[index] = true
    parts[index] = show(item, depth + 1)
  end
  for key in pairs(value) do
    if not list[key] then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, function(one, other)
    return tostring(one) < tostring(other)
  end)
  for _, key in ipairs(keys) do
    local name = type(key) == "string" and key or "[" .. show(key, depth + 1) .. "]"
    parts[#parts + 1] = name .. "=" .. show(value[key], depth + 1)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

function show(value, depth)
  local kind = type(value)
  if value == nil or kind == "boolean" then
    return tostring(value)
  elseif hidden[value] then
    if kind == "string" then
      return '"<' .. hidden[value] .. '>"'
    end
    return "<" .. hidden[value] .. ">" .. (math_type(value) == "float" and ".0" or "")
  elseif kind == "number" then
    return tostring(value)
  elseif kind == "string" then
    return show_string(value)
  elseif kind == "table" then
    return show_table(value, depth)
  end
  return kind
end

local function show_values(...)
  local shown = {}
  for index = 1, select("#", ...) do
    shown[index] = show((select(index, ...)), 1)
  end
  return ("(%d) "):format(#shown) .. table.concat(shown, ", ")
end

local function line(claim, text)
  assert(not claims[claim], "the claim is made twice: " .. claim)
  claims[claim] = true
  write(claim, ": ", (text:gsub("%s+$", "")), "\n")
end

local function note_noise(claim)
  if noise then
    line(claim .. ".printed", noise)
    noise = nil
  end
end

-- The claim that these values were seen.
function trace.values(claim, ...)
  line(claim, show_values(...))
  note_noise(claim)
end

-- The claim that `verb` happened with this error.
function trace.failure(claim, verb, err)
  if type(err) ~= "string" then
    line(claim, verb .. " " .. show(err, 1))
    return note_noise(claim)
  end
  local text, positions = split_positions(err)
  local traced
  text, traced = text:gsub("\nstack traceback:.*$", "")
  local name = text:match("^bad argument #%d+ to '([^']*)'")
  text = text:gsub("^(bad argument #%d+ to )'[^']*'", "%1<name>")
  line(claim, verb .. " " .. show_string(text) .. (traced > 0 and " and a traceback" or ""))
  line(claim .. ".position", positions)
  if name then
    -- 5.3 and 5.4 take the first module that they find the function in, by no order.
    line(claim .. ".name", (name:gsub("^.*%.", "")))
  end
  note_noise(claim)
end

local function pack(...)
  return { n = select("#", ...), ... }
end

local function settle(claim, ok, ...)
  if ok then
    trace.values(claim, ...)
  else
    trace.failure(claim, "raises", (...))
  end
end

-- The claim of what `fn(...)` returns or raises. Nothing in it may wait: 5.1 cannot yield in pcall.
function trace.call(claim, fn, ...)
  settle(claim, pcall(fn, ...))
end

-- The claim of what `object:name(...)` returns or raises, called from here as a method.
function trace.method(claim, object, name, ...)
  local args = pack(...)
  settle(claim, pcall(function()
    -- Not as a tail call, which would leave no caller to be named.
    local results = pack(object[name](object, unpack(args, 1, args.n)))
    return unpack(results, 1, results.n)
  end))
end

-- Runs cosock until it ends; the claim appears if it raises. Returns whether it did not.
function trace.run(claim)
  local ok, err = pcall(cosock.run)
  if not ok then
    trace.failure(claim .. ".run", "run raises", err)
    cosock.reset()
  end
  return ok
end

local function run_one(claim, fn, and_then)
  local over
  cosock.spawn(function()
    local function settled(...)
      -- On the rock a task may come back after the reset that ended its claim.
      if not over then
        trace.values(claim, ...)
        and_then()
      end
    end
    settled(fn())
  end, "scenario")
  if not trace.run(claim) and not claims[claim] then
    line(claim, "does not return")
  end
  over = true
end

-- The claim of what `fn()` returns in a task of its own, which nothing is run beside but what it
-- spawns. If it has not returned after `limit` seconds (20 unless told), that is the claim.
function trace.task(claim, fn, limit)
  local watch = cosock.spawn(function()
    socket.sleep(limit or 20)
    if not claims[claim] then
      line(claim, "still waits")
      cosock.reset()
    end
  end, "watch")
  run_one(claim, fn, function()
    watch:cancel()
  end)
end

-- As `trace.task`, without anything beside it: a task that waits for nothing then is a deadlock.
function trace.alone(claim, fn)
  run_one(claim, fn, function() end)
end

-- Both ends of every pair: one that its scenario forgets must not be closed by the collector.
local pairs_made = {}

-- In a task: the two ends of a TCP connection over loopback.
function trace.pair()
  local server = assert(socket.bind("127.0.0.1", 0))
  local client = assert(socket.tcp())
  assert(client:connect(server:getsockname()))
  local peer = assert(server:accept())
  server:close()
  pairs_made[#pairs_made + 1] = { client, peer }
  return client, peer
end

-- In a task: lets every other task run until it waits.
function trace.settle()
  socket.sleep(0.005)
end

-- Calls `fn` and tells whether it took at least `low` and less than `high` seconds.
function trace.takes(low, high, fn)
  local before = socket.gettime()
  fn()
  local length = socket.gettime() - before
  if length < low then
    return "less"
  end
  return length < high and "as long" or "longer"
end

trace.print = raw_print

return trace
