-- Which Lua modules an asyncified module shares with the rest of the program.
--
-- Those that cannot come to use a socket: every use of `require` in the module's text names its module,
-- and neither these modules nor what they require is one of LuaSocket or LuaSec. And those that do
-- without what else differs for asyncified modules: the coroutine library, package.loaded and, where
-- waits do not pass through it, pcall. In doubt a module is not shared.

local _, common, native = ...
local open, dump, pcall = io and io.open, string.dump, pcall
local pcall_differs = common.running ~= nil

-- The text of a function's chunk, or the bytes of the function, in which its constants can be read.
local function text_of(loader)
  local source = native.source(loader)
  if source:sub(1, 1) == "@" then
    local file = open and open(source:sub(2), "rb")
    if not file then
      return dump(loader)
    end
    local text = file:read("*a")
    file:close()
    return text or dump(loader)
  end
  return source:sub(1, 1) == "=" and dump(loader) or source
end

local function has_word(text, word)
  return text:find("%f[%w_]" .. word .. "%f[^%w_]") ~= nil
end

-- Whether the text calls pcall or xpcall for more than to try a `require`.
local function has_pcall(text)
  text = text:gsub("%f[%w_]pcall%s*%(%s*require%f[^%w_]", "")
  return has_word(text, "x?pcall")
end

-- The modules that a text requires, as the keys of a table; nil if that cannot be told.
local function required(text)
  if text:sub(1, 1) == "\27" then
    for _, word in ipairs({ "require", "coroutine", "package", pcall_differs and "pcall" or nil }) do
      if text:find(word, 1, true) then
        return nil
      end
    end
    return {}
  end
  -- Without lines that are comments, and without `local require = require`.
  text = ("\n" .. text):gsub("\n%s*%-%-[^\n]*", "\n")
  text = text:gsub("%f[%w_]require%s*=%s*[%w_.]*%f[%w_]require%f[^%w_]", "")
  if has_word(text, "coroutine") or has_word(text, "package%s*[.%[]%s*[\"']?loaded") then
    return nil
  end
  if pcall_differs and has_pcall(text) then
    return nil
  end
  local names = {}
  for follows in text:gmatch("%f[%w_]require%f[^%w_]()") do
    local name, after = text:match("^%s*[(,]?%s*[\"']([^\"'\n]*)[\"']%s*()", follows)
    if not name or text:find("^%.%.", after) then
      return nil
    end
    names[name] = true
  end
  return names
end

-- `search` finds loaders, as `require` does; `network` has the names of the modules that use sockets.
return function(search, network)
  local answers = {}

  local function reaches_network(loader, seen)
    local names = required(text_of(loader))
    if not names then
      return true
    end
    for name in pairs(names) do
      if network[name] then
        return true
      end
      if not seen[name] then
        seen[name] = true
        local fine, found = pcall(search, name)
        if not fine then
          return true
        end
        if found and not native.is_c_function(found) and reaches_network(found, seen) then
          return true
        end
      end
    end
    return false
  end

  return function(name, loader)
    if answers[name] == nil then
      answers[name] = not reaches_network(loader, { [name] = true })
    end
    return answers[name]
  end
end
