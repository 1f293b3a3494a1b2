-- claim: ltn12's sources, filters and sinks are chained and pumped
-- chapter: socket
-- source: LuaSocket's manual: ltn12
-- covers: ltn12.BLOCKSIZE ltn12._VERSION ltn12.filter ltn12.pump ltn12.sink ltn12.source
local trace = require "trace"
local ltn12 = require "ltn12"

local function names(module)
  local list = {}
  for name in pairs(module) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end
trace.values("version", ltn12._VERSION, ltn12.BLOCKSIZE)
for _, part in ipairs { "filter", "pump", "sink", "source" } do
  trace.values("names." .. part, names(ltn12[part]))
end

-- All chunks of a source, and what ended it.
local function drain(source)
  local chunks = {}
  while true do
    local chunk, err = source()
    if not chunk then
      return chunks, err
    end
    chunks[#chunks + 1] = chunk
  end
end
local function upper(chunk)
  return chunk and chunk:upper()
end
local long = ("0123456789"):rep(500)

trace.call("source.string", function() return drain(ltn12.source.string("text")) end)
trace.call("source.string.long", function()
  local chunks = drain(ltn12.source.string(long))
  return #chunks, #chunks[1], table.concat(chunks) == long
end)
trace.call("source.string.nil", function() return drain(ltn12.source.string(nil)) end)
trace.call("source.empty", function() return drain(ltn12.source.empty()) end)
trace.call("source.error", function() return drain(ltn12.source.error("why")) end)
trace.call("source.file.none", function() return drain(ltn12.source.file(nil, "no file")) end)
trace.call("source.file", function()
  local file = io.tmpfile()
  file:write(long)
  file:seek("set")
  return table.concat((drain(ltn12.source.file(file)))) == long, io.type(file)
end)
trace.call("source.cat", function()
  return drain(ltn12.source.cat(ltn12.source.string("a"), ltn12.source.empty(), ltn12.source.string("b")))
end)
trace.call("source.chain", function() return drain(ltn12.source.chain(ltn12.source.string("text"), upper)) end)
trace.call("source.simplify", function()
  local source = ltn12.source.simplify(function()
    return "first", function() return nil end
  end)
  return drain(source)
end)
trace.call("source.rewind", function()
  local source = ltn12.source.rewind(ltn12.source.string("text"))
  local chunk = source()
  source(chunk)
  return drain(source)
end)

trace.call("sink.table", function()
  local sink, list = ltn12.sink.table()
  return sink("a"), sink("b"), sink(nil), list
end)
trace.call("sink.null", function() return ltn12.sink.null()("a") end)
trace.call("sink.error", function() return ltn12.sink.error("why")("a") end)
trace.call("sink.file.none", function() return ltn12.sink.file(nil, "no file")("a") end)
trace.call("sink.simplify", function()
  local sink = ltn12.sink.simplify(function() return 1 end)
  return sink("a"), sink(nil)
end)
trace.call("sink.chain", function()
  local sink, list = ltn12.sink.table()
  local chained = ltn12.sink.chain(upper, sink)
  return chained("a"), chained(nil), list
end)

trace.call("filter.chain", function()
  local filter = ltn12.filter.chain(upper, function(chunk) return chunk and chunk .. "!" end)
  return filter("a"), filter(nil)
end)
trace.call("filter.cycle", function()
  local filter = ltn12.filter.cycle(function(context, chunk)
    return chunk and chunk .. context, context .. "x"
  end, "-", nil)
  return filter("a"), filter("b")
end)

trace.call("pump.step", function()
  local sink, list = ltn12.sink.table()
  local source = ltn12.source.string("text")
  return ltn12.pump.step(source, sink), list
end)
trace.call("pump.all", function()
  local sink, list = ltn12.sink.table()
  return ltn12.pump.all(ltn12.source.string(long), sink), table.concat(list) == long
end)
trace.call("pump.all.source-fails", function()
  return ltn12.pump.all(ltn12.source.error("why"), ltn12.sink.null())
end)
trace.call("pump.all.sink-fails", function()
  return ltn12.pump.all(ltn12.source.string("text"), ltn12.sink.error("why"))
end)
trace.call("pump.all.nothing", ltn12.pump.all)
