-- ltn12, LuaSocket's module: sources, sinks, filters and pumps.
--
-- A source gives chunks and nil at its end; a sink takes them; either tells of an error by nil and a
-- reason. A filter turns a chunk into output: given "" it gives more of what it holds, and "" when that
-- is all; given nil it ends, and returns nil when it has. Any of them may wait.

local unpack = table.unpack or unpack
local filter, source, sink, pump = {}, {}, {}, {}
local ltn12 = {
  _VERSION = "LTN12 1.0.3",
  BLOCKSIZE = 2048,
  filter = filter,
  source = source,
  sink = sink,
  pump = pump,
}

local inappropriate_nil = "filter returned inappropriate nil"

-- Refuses a missing argument at the position of whoever called the function that asks.
local function check(value, argument, name, expected)
  if not value then
    local why = expected .. " expected, got " .. type(value)
    error(("bad argument #%d to '%s' (%s)"):format(argument, name, why), 3)
  end
end

local function end_of_data()
  return nil
end

-- Filters.

-- A filter from a function that takes its state, a chunk and `extra`, and returns output and state.
function filter.cycle(low, state, extra)
  check(low, 1, "cycle", "function")
  return function(chunk)
    local output
    output, state = low(state, chunk, extra)
    return output
  end
end

-- One filter from many: each gets what the one before it gives.
function filter.chain(...)
  local filters, count = { ... }, select("#", ...)
  -- Filters before `first` have ended; `place` is whose turn it is, also in the next call, for the
  -- last one may hold more than it gave.
  local first, place = 1, 1
  return function(chunk)
    local wanted = chunk and ""
    while true do
      local output
      if place == first then
        output = filters[place](chunk)
        if output == "" or first == count then
          return output
        elseif not output then
          first = first + 1
          place = first
        else
          place = place + 1
        end
      else
        output = filters[place](chunk or "")
        if not output then
          error(inappropriate_nil)
        elseif output == "" then
          place = place - 1
          output = wanted
        elseif place == count then
          return output
        else
          place = place + 1
        end
      end
      chunk = output
    end
  end
end

local function is_callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

-- How many of the arguments up to the last callable one. What follows it is no filter: calls such as
-- `chain(f, sink.table())` bring along the second result of a function.
local function count_callable(...)
  local count = select("#", ...)
  while count > 0 and not is_callable((select(count, ...))) do
    count = count - 1
  end
  return count
end

local function one_filter(filters, count)
  if count == 1 then
    return filters[1]
  end
  return filter.chain(unpack(filters, 1, count))
end

-- Sources.

function source.empty()
  return end_of_data
end

function source.error(reason)
  return function()
    return nil, reason
  end
end

-- The source closes the file at its end.
function source.file(handle, reason)
  if not handle then
    return source.error(reason or "unable to open file")
  end
  return function()
    if not handle then
      return nil
    end
    local chunk, err = handle:read(ltn12.BLOCKSIZE)
    if not chunk then
      handle:close()
      handle = nil
    end
    return chunk, err
  end
end

function source.string(text)
  if not text then
    return source.empty()
  end
  local from = 1
  return function()
    local chunk = string.sub(text, from, from + ltn12.BLOCKSIZE - 1)
    from = from + #chunk
    return chunk ~= "" and chunk or nil
  end
end

function source.table(list)
  if type(list) ~= "table" then
    check(nil, 1, "table", "table")
  end
  local place = 0
  return function()
    place = place + 1
    return list[place]
  end
end

-- A plain source from one that also returns the source to use from then on.
function source.simplify(src)
  check(src, 1, "simplify", "source")
  return function()
    local chunk, next_or_reason = src()
    if not chunk then
      return nil, next_or_reason
    end
    src = next_or_reason or src
    return chunk
  end
end

-- A source that takes chunks back when it is called with them.
function source.rewind(src)
  check(src, 1, "rewind", "source")
  local returned = {}
  return function(chunk)
    if chunk then
      returned[#returned + 1] = chunk
      return nil
    end
    chunk = table.remove(returned)
    if chunk then
      return chunk
    end
    return src()
  end
end

function source.chain(src, ...)
  check(src, 1, "chain", "source")
  check((...), 2, "chain", "filter")
  local through = one_filter({ ... }, count_callable(...))
  -- Whether the filter may hold more; whether the source, and whether the filter, has ended.
  local holds, ended, over = false, false, false
  return function()
    if over then
      error("source is empty!", 2)
    end
    while true do
      local chunk, err = "", nil
      if ended and holds then
        chunk = nil
      elseif not holds then
        chunk, err = src()
        if err then
          return nil, err
        end
        ended = not chunk
      end
      local output = through(chunk)
      if not output then
        over = true
        if chunk then
          error(inappropriate_nil)
        end
        return nil
      elseif output ~= "" then
        holds = true
        return output
      elseif ended and holds then
        error('filter returned ""')
      end
      holds = false
    end
  end
end

-- One source after the other.
function source.cat(...)
  local sources, place = { ... }, 1
  return function()
    while sources[place] do
      local chunk, err = sources[place]()
      if chunk then
        return chunk
      elseif err then
        return nil, err
      end
      place = place + 1
    end
    return nil
  end
end

-- Sinks.

local function take()
  return 1
end

function sink.null()
  return take
end

function sink.error(reason)
  return function()
    return nil, reason
  end
end

-- The sink closes the file at the end.
function sink.file(handle, reason)
  if not handle then
    return sink.error(reason or "unable to open file")
  end
  return function(chunk)
    if chunk then
      return handle:write(chunk)
    end
    handle:close()
    return 1
  end
end

-- A sink that appends to `list`, and the list.
function sink.table(list)
  list = list or {}
  return function(chunk)
    if chunk then
      list[#list + 1] = chunk
    end
    return 1
  end, list
end

-- A plain sink from one that also returns the sink to use from then on.
function sink.simplify(snk)
  check(snk, 1, "simplify", "sink")
  return function(chunk, err)
    local done, next_or_reason = snk(chunk, err)
    if not done then
      return nil, next_or_reason
    end
    snk = next_or_reason or snk
    return 1
  end
end

-- Takes filters and at last the sink.
function sink.chain(...)
  local arguments, count = { ... }, count_callable(...)
  local snk = arguments[count]
  check(arguments[1], 1, "chain", "filter")
  check(count > 1 and snk or nil, 2, "chain", "sink")
  local through = one_filter(arguments, count - 1)
  return function(chunk, err)
    if chunk == "" then
      return 1
    end
    -- What the filter is asked for more with is also how it tells that there is none.
    local rest = chunk and ""
    local output = through(chunk)
    while true do
      local done, reason = snk(output, err)
      if not done then
        return nil, reason
      elseif output == rest then
        return 1
      end
      output = through(rest)
    end
  end
end

-- Pumps.

-- Moves one chunk. Returns nil at the end, and nil and the reason on an error.
function pump.step(src, snk)
  local chunk, source_error = src()
  local done, sink_error = snk(chunk, source_error)
  if chunk and done then
    return 1
  end
  return nil, source_error or sink_error
end

-- Moves everything.
function pump.all(src, snk, step)
  check(src, 1, "all", "source")
  check(snk, 2, "all", "sink")
  step = step or pump.step
  while true do
    local going_on, err = step(src, snk)
    if not going_on then
      if err then
        return nil, err
      end
      return 1
    end
  end
end

return ltn12
