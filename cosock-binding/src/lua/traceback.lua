-- `debug.traceback` of Lua 5.1 as if protected calls had no coroutines of their own: it goes on in the
-- coroutine that made the call, and shows that as one line.

local _, native = ...
local getinfo, getlocal = native.getinfo, native.getlocal
local callers, running = native.callers, native.running
local ipairs, max, select, tonumber, type = ipairs, math.max, select, tonumber, type

-- How many lines are shown at the beginning, less the level of the first, and at the end.
local FIRST, LAST = 12, 10

local PCALL = "=[cosock.pcall]"

-- Functions of ours, which make no line.
local hidden = { [native.start] = true, [native.go_on] = true, [native.call_handler] = true }

-- The line of a function, in the words of Lua 5.1.
local function line_of(info)
  local line = info.short_src .. ":"
  if info.currentline > 0 then
    line = line .. info.currentline .. ":"
  end
  if info.namewhat ~= "" then
    return line .. " in function '" .. info.name .. "'"
  elseif info.what == "main" then
    return line .. " in main chunk"
  elseif info.what == "C" or info.what == "tail" then
    return line .. " ?"
  end
  return line .. " in function <" .. info.short_src .. ":" .. info.linedefined .. ">"
end

-- The name of the protected call that is at this level, in Lua of ours.
local function name_of(co, level, fn)
  if fn == native.pcall or fn == native.xpcall then
    return fn == native.pcall and "pcall" or "xpcall"
  end
  local _, handler = getlocal(co, level, 1)
  return handler and "xpcall" or "pcall"
end

-- The coroutine of the protected call in which a suspended one waits.
local function inner_of(co)
  local info = getinfo(co, 1, "S")
  if info and info.source == PCALL then
    local _, inner = getlocal(co, 1, 2)
    return type(inner) == "thread" and inner or nil
  end
end

-- Adds the lines of a coroutine from a level on. Where another runs on its behalf, those before the
-- protected call are passed over.
local function add_lines(lines, co, level, is_outer)
  local is_in_pcall = false
  while true do
    local info = getinfo(co, level, "Snlf")
    if not info then
      return
    elseif info.source == PCALL then
      if not is_in_pcall then
        lines[#lines + 1] = "[C]: in function '" .. name_of(co, level, info.func) .. "'"
      end
      is_in_pcall, is_outer = true, false
    elseif hidden[info.func] then
      is_in_pcall = false
    elseif not (is_outer or is_in_pcall and info.what == "tail") then
      -- Tail calls after it are its own: it makes one for each wait.
      is_in_pcall = false
      lines[#lines + 1] = line_of(info)
    end
    level = level + 1
  end
end

local function compose(lines, first)
  local text = "stack traceback:"
  local count = #lines
  local left_out = count - first > LAST + 1
  for place = 1, count do
    if not left_out or place <= first or place > count - LAST then
      text = text .. "\n\t" .. lines[place]
    elseif place == first + 1 then
      text = text .. "\n\t..."
    end
  end
  return text
end

local function lines_of_suspended(co, level)
  local inner, lines = inner_of(co), {}
  if inner then
    lines = lines_of_suspended(inner, level)
  end
  add_lines(lines, co, inner and 0 or level, inner ~= nil)
  return lines
end

-- Called in place of `debug.traceback`, with its arguments, by a function of C.
return function(...)
  local co, message, level = nil, ...
  local count = select("#", ...)
  if type(message) == "thread" then
    co, message, level = ...
    count = count - 1
  end
  if count > 0 and type(message) ~= "string" and type(message) ~= "number" then
    return message
  end
  local lines, all = {}, { callers() }
  local is_own = not co or co == all[1] or co == running()
  level = tonumber(level) or is_own and 1 or 0
  if is_own then
    for place, each in ipairs(all) do
      -- Three levels are the two functions here and the one of C.
      add_lines(lines, each, place == 1 and level + 3 or 0, place > 1)
    end
  else
    lines = lines_of_suspended(co, level)
  end
  return (message and message .. "\n" or "") .. compose(lines, max(FIRST - level, 0))
end
