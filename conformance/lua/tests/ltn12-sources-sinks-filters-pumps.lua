-- ltn12 has LuaSocket's sources, sinks, filters and pumps, which end and fail as LuaSocket's do.
require "cosock"
local expect = require "expect"
local ltn12 = require "ltn12"
local world = require "world"

local source, sink, filter, pump = ltn12.source, ltn12.sink, ltn12.filter, ltn12.pump
expect.equal(ltn12.BLOCKSIZE, 2048)

-- What a source gives, up to its end or error, as a list.
local function all(src)
  local chunks = {}
  while true do
    local chunk, err = src()
    if not chunk then
      return chunks, err
    end
    chunks[#chunks + 1] = chunk
    assert(#chunks < 100, "the source does not end")
  end
end

local function upper(chunk)
  return chunk and chunk:upper()
end

-- A filter that gives its output in pieces of one byte, and at the end "!".
local function in_bytes()
  local held, ended = "", false
  return function(chunk)
    if chunk then
      held = held .. chunk
    elseif not ended then
      ended, held = true, held .. "!"
    elseif held == "" then
      return nil
    end
    local first = held:sub(1, 1)
    held = held:sub(2)
    return first
  end
end

-- A filter that gives nothing before the end.
local function collecting()
  local held = ""
  return function(chunk)
    if chunk then
      held = held .. chunk
      return ""
    end
    local whole = held
    held = ""
    return whole ~= "" and whole or nil
  end
end

-- Sources.
expect.list(all(source.empty()), {})
expect.list(expect.pack(source.error "why"()), { n = 2, nil, "why" })
expect.list(all(source.string "text"), { "text" })
expect.list(all(source.string ""), {})
expect.list(all(source.string()), {})
expect.list(all(source.string(12)), { "12" })
local sizes = {}
for chunk in source.string(("x"):rep(5000)) do
  sizes[#sizes + 1] = #chunk
end
expect.list(sizes, { 2048, 2048, 904 })
ltn12.BLOCKSIZE = 2
expect.list(all(source.string "abcde"), { "ab", "cd", "e" })
ltn12.BLOCKSIZE = 2048
expect.list(all(source.table { "a", "", "b" }), { "a", "", "b" })
expect.list(all(source.table {}), {})

local file = assert(io.tmpfile())
file:write(("y"):rep(3000))
file:seek "set"
local from_file = source.file(file)
expect.list({ #from_file(), #from_file(), from_file() }, { 2048, 952, nil })
expect.equal(io.type(file), "closed file")
expect.equal(from_file(), nil)
expect.list(expect.pack(source.file(nil, "why")()), { n = 2, nil, "why" })
expect.list(expect.pack(source.file(nil)()), { n = 2, nil, "unable to open file" })

-- A source that changes: each call may return the source to use from then on.
local changing = source.simplify(function()
  return "a", function()
    return "b", function()
      return nil, "the end"
    end
  end
end)
local chunks, err = all(changing)
expect.list(chunks, { "a", "b" })
expect.equal(err, "the end")

local rewinding = source.rewind(source.string "from the source")
rewinding "one"
rewinding "two"
expect.list(all(rewinding), { "two", "one", "from the source" })

expect.list(all(source.cat(source.string "a", source.empty(), source.string "b")), { "a", "b" })
expect.list(all(source.cat()), {})
chunks, err = all(source.cat(source.string "a", source.error "why", source.string "b"))
expect.list(chunks, { "a" })
expect.equal(err, "why")

expect.list(all(source.chain(source.string "abc", upper)), { "ABC" })
expect.list(all(source.chain(source.table { "ab", "c" }, in_bytes())), { "a", "b", "c", "!" })
expect.list(all(source.chain(source.table { "ab", "c" }, collecting(), upper)), { "ABC" })
chunks, err = all(source.chain(source.error "why", upper))
expect.list(chunks, {})
expect.equal(err, "why")
local ended = source.chain(source.empty(), upper)
expect.equal(ended(), nil)
expect.raises("source is empty!", ended)
expect.raises("filter returned inappropriate nil", source.chain(source.string "a", function() end))

-- Sinks.
local function feed(snk, ...)
  for place = 1, select("#", ...) do
    expect.equal((snk((select(place, ...)))), 1)
  end
end

local into_table, list = sink.table()
feed(into_table, "a", "", "b", nil)
expect.list(list, { "a", "", "b" })
local given = { "z" }
into_table, list = sink.table(given)
feed(into_table, "y")
expect.equal(list, given)
expect.list(given, { "z", "y" })
feed(sink.null(), "a", nil)
expect.list(expect.pack(sink.error "why" "a"), { n = 2, nil, "why" })

file = assert(io.tmpfile())
local into_file = sink.file(file)
expect.equal(not into_file "abc", false)
file:seek "set"
expect.equal(file:read "*a", "abc")
expect.equal(into_file(nil), 1)
expect.equal(io.type(file), "closed file")
expect.list(expect.pack(sink.file(nil, "why") "a"), { n = 2, nil, "why" })
expect.list(expect.pack(sink.file(nil) "a"), { n = 2, nil, "unable to open file" })

local order = {}
local changing_sink = sink.simplify(function(chunk)
  order[#order + 1] = "first " .. chunk
  return 1, function(later)
    order[#order + 1] = "second " .. later
    return nil, "full"
  end
end)
expect.equal(changing_sink "a", 1)
expect.list(expect.pack(changing_sink "b"), { n = 2, nil, "full" })
expect.list(order, { "first a", "second b" })

local function through(...)
  local filters = { ... }
  local whole, parts = sink.table()
  filters[#filters + 1] = whole
  return sink.chain((table.unpack or unpack)(filters)), parts
end
local chained, parts = through(upper)
feed(chained, "ab", "", "c", nil)
expect.equal(table.concat(parts), "ABC")
chained, parts = through(in_bytes(), upper)
feed(chained, "ab", "c", nil)
expect.equal(table.concat(parts, ","), "A,B,,C,,!")
-- As the manual writes it: the second result of sink.table comes along.
into_table, list = sink.table()
feed(sink.chain(upper, into_table, list), "a", nil)
expect.equal(table.concat(list), "A")
expect.list(expect.pack(sink.chain(upper, sink.error "full") "a"), { n = 2, nil, "full" })

-- Filters.
local function run(fltr, ...)
  local outputs = {}
  for place = 1, select("#", ...) do
    outputs[place] = tostring((fltr((select(place, ...)))))
  end
  return table.concat(outputs, ",")
end

local cycle = filter.cycle(function(state, chunk, extra)
  return tostring(chunk) .. state .. extra, state + 1
end, 5, "x")
expect.equal(run(cycle, "a", "b", nil), "a5x,b6x,nil7x")
expect.equal(run(filter.chain(upper), "a", "", nil), "A,,nil")
expect.equal(run(filter.chain(collecting(), upper, collecting()), "a", "b", "", nil, "", nil), ",,,AB,,nil")
expect.equal(run(filter.chain(in_bytes(), upper), "abc", "", "", "", nil, nil, nil), "A,B,C,,!,nil,nil")

-- Pumps.
local function copy(src, snk, step)
  return expect.pack(pump.all(src, snk, step))
end
into_table, list = sink.table()
expect.list(copy(source.table { "a", "b" }, into_table), { n = 1, 1 })
expect.list(list, { "a", "b" })
expect.list(copy(source.error "src", sink.null()), { n = 2, nil, "src" })
expect.list(copy(source.string "a", sink.error "snk"), { n = 2, nil, "snk" })
expect.list(copy(source.error "src", sink.error "snk"), { n = 2, nil, "src" })
expect.list(copy(source.empty(), sink.null(), function()
  return nil
end), { n = 1, 1 })
expect.list(copy(source.empty(), sink.null(), function()
  return nil, "step"
end), { n = 2, nil, "step" })
expect.list({ n = 2, pump.step(source.string "a", sink.null()), pump.step(source.empty(), sink.null()) }, { n = 2, 1 })
local told
pump.all(source.error "why", function(chunk, reason)
  told = told or { n = 2, chunk, reason }
  return 1
end)
expect.list(told, { n = 2, nil, "why" })

-- Misuse names the function and the argument.
for _, wrong in ipairs {
  { "bad argument #1 to 'table' (table expected, got nil)", source.table },
  { "bad argument #1 to 'simplify' (source expected, got nil)", source.simplify },
  { "bad argument #1 to 'rewind' (source expected, got nil)", source.rewind },
  { "bad argument #1 to 'chain' (source expected, got nil)", source.chain },
  { "bad argument #2 to 'chain' (filter expected, got nil)", source.chain, source.empty() },
  { "bad argument #1 to 'simplify' (sink expected, got nil)", sink.simplify },
  { "bad argument #1 to 'chain' (filter expected, got nil)", sink.chain },
  { "bad argument #2 to 'chain' (sink expected, got nil)", sink.chain, upper },
  { "bad argument #1 to 'cycle' (function expected, got nil)", filter.cycle },
  { "bad argument #1 to 'all' (source expected, got nil)", pump.all },
  { "bad argument #2 to 'all' (sink expected, got nil)", pump.all, source.empty() },
} do
  expect.raises(wrong[1], wrong[2], wrong[3])
end

world.finish()
