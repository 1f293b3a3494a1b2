-- Modules that a test script writes, for `require` to find: files in a place of their own.
--
--   local sources = require "sources"
--   sources.write { mine = "return { ... }" }
--   require "mine"
--   sources.remove()   -- last
local sources = {}

local base, names = os.tmpname(), {}
local path = package.path
package.path = base .. "_?.lua;" .. path

-- The file of a module.
function sources.file(name)
  return base .. "_" .. name .. ".lua"
end

function sources.write(texts)
  for name, text in pairs(texts) do
    local file = assert(io.open(sources.file(name), "wb"))
    assert(file:write(text))
    file:close()
    names[#names + 1] = name
  end
end

function sources.remove()
  for _, name in ipairs(names) do
    os.remove(sources.file(name))
  end
  os.remove(base)
  names, package.path = {}, path
end

return sources
