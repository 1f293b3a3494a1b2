-- Adds the places of the system's packages behind the local ones, if those are there: LUA_PATH and LUA_CPATH may
-- have replaced them.
local machine = ...
local version = _VERSION:match "%d+%.%d+"

local function add(field, here, after, places)
  local path = package[field]
  -- Only all of the default has both.
  local _, last = path:find(after, 1, true)
  if last and path:find(here, 1, true) then
    package[field] = path:sub(1, last) .. places .. path:sub(last + 1)
  end
end

local lua = "/lua/" .. version .. "/?"
local shared = ";/usr/share" .. lua .. ".lua;/usr/share" .. lua .. "/init.lua"
local locally = rawget(_G, "jit") and "/usr/local/share" or "/usr/local/lib"
add("path", "./?.lua", locally .. lua .. "/init.lua", shared)
local libraries = ";/usr/lib/" .. machine .. "-linux-gnu" .. lua .. ".so"
if not rawget(_G, "jit") then
  libraries = libraries .. ";/usr/lib" .. lua .. ".so"
end
add("cpath", "./?.so", "/usr/local/lib" .. lua .. ".so", libraries)
