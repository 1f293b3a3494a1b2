-- Tells where this interpreter finds modules, and which cosock that is: lines of words with tabs between
-- them. It runs on every Lua.
local names = ...

local function say(...)
  local words = { ... }
  for index, word in ipairs(words) do
    words[index] = tostring(word):gsub("%s+", " ")
  end
  io.stdout:write(table.concat(words, "\t"), "\n")
end

-- The first file of a path that can be read.
local function find(path, name)
  local separator = package.config:sub(1, 1)
  local part = name:gsub("%.", separator)
  for template in path:gmatch("[^;]+") do
    local place = template:gsub("%?", (part:gsub("%%", "%%%%")))
    local file = io.open(place)
    if file then
      file:close()
      return place
    end
  end
end

-- Where `require` would find a module: the kind of place, and the place.
local function locate(name)
  if package.preload[name] then
    return "built in", ""
  end
  local place = find(package.path, name)
  if place then
    return "Lua", place
  end
  place = find(package.cpath, name)
  if place then
    return "library", place
  end
  local root = name:match("^([^.]+)%.")
  place = root and find(package.cpath, root)
  if place and package.loadlib(place, "luaopen_" .. name:gsub("%.", "_")) then
    return "library", place
  end
  return "none", ""
end

say("interpreter", jit and jit.version or _VERSION)
say("path", package.path)
say("cpath", package.cpath)
say("library", find(package.cpath, "cosock") or "")
for name in names:gmatch("%S+") do
  say("module", name, locate(name))
end
local ok, cosock = pcall(require, "cosock")
if not ok then
  say("fails", cosock)
elseif type(cosock) ~= "table" then
  say("is", "no table")
elseif type(cosock._IMPL) == "string" then
  say("is", cosock._IMPL)
  local named, openssl, why = pcall(cosock._debug, "openssl")
  if named and type(openssl) ~= "table" then
    say("openssl", openssl or "", why or "")
  end
else
  say("is", "another", cosock._VERSION or "unknown")
end
