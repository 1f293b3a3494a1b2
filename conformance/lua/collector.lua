-- How eagerly Lua collects, which every version is told in words of its own.
local collector = {}

local version = _VERSION:match "%d+%.%d+"

-- From here on a whole collection runs wherever Lua may run a step of one, which is at nearly every allocation. A
-- pause of 0 starts a collection as soon as one has ended; the rest makes a step a whole one.
function collector.eager()
  if version == "5.5" then
    collectgarbage("incremental")
    collectgarbage("param", "pause", 0)
    collectgarbage("param", "stepmul", 0) -- no limit
  elseif version == "5.4" then
    collectgarbage("setpause", 0)
    collectgarbage("incremental", 0, 1000, 255) -- steps without limit; 0 keeps the pause
  else
    collectgarbage("setpause", 0)
    -- On 5.1 and LuaJIT 0 is no limit; on the others so much work is done for each byte.
    collectgarbage("setstepmul", version == "5.1" and 0 or 1000000)
  end
  collectgarbage()
end

-- As Lua does by itself.
function collector.usual()
  if version == "5.5" then
    collectgarbage("incremental")
    collectgarbage("param", "pause", 200)
    collectgarbage("param", "stepmul", 200)
  elseif version == "5.4" then
    collectgarbage("incremental", 200, 100, 13)
  else
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
  end
end

return collector
