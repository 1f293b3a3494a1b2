-- Which Lua modules an asyncified module shares with the rest of the program.
--
-- Those of which their text proves that they are the same on both sides: every use of `require` names its
-- module, none of these, nor what they require, is one of LuaSocket or LuaSec, nothing else that differs for
-- asyncified modules is named, and no global is set. In doubt a module is not shared: what has no text, or is
-- not what its text says, is in doubt.

local _, common, native = ...
local open, dump, pcall = io and io.open, string.dump, pcall
local load = rawget(_G, "loadstring") or load

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do
    found[word] = true
  end
  return found
end

local keywords = set [[and break do else elseif end false for function if in local nil not or repeat return then
  true until while]]
-- What leads to a `require`, or is another one for asyncified modules. (`global` declares since 5.5.)
local private = set [[_G _ENV coroutine debug dofile getfenv global load loadfile loadstring module package
  require setfenv]]
if common.running then
  private.pcall, private.xpcall = true, true
end
-- Their fields that are harmless.
local harmless = { debug = set "getmetatable setmetatable traceback", package = set "config cpath path" }
local values = set "... end false nil true"
local openers, closers = set "( [ {", set ") ] }"
local begins_block, ends_block = set "do function if repeat", set "end until"

-- The text of the chunk that a loader is; nil if it is no whole chunk, or the text cannot be had.
local function text_of(loader)
  local text = native.source(loader)
  local source = text
  if source:sub(1, 1) == "@" then
    local file = open and open(source:sub(2), "rb")
    if not file then
      return nil
    end
    text = file:read("*a") or ""
    file:close()
    text = text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")
  end
  if text:sub(1, 1) == "\27" then
    return nil
  end
  -- The file may be another one by now: what counts is what was loaded.
  local same = load(text, source)
  local fine, bytes = pcall(dump, loader)
  return same and fine and dump(same) == bytes and text or nil
end

-- The tokens of a text that compiles, without comments. A string is `"` and what it says, or `"\` if that
-- takes more than reading; a number is `0`.
local function tokens_of(text)
  local tokens, at = {}, 1
  local function add(token, next)
    tokens[#tokens + 1] = token
    at = next
  end
  -- The end of what `[`, `=` and `[` open at a place, and what is inside.
  local function long_bracket(from)
    local level, inside = text:match("^%[(=*)%[()", from)
    if level then
      local last, stop = text:find("]" .. level .. "]", inside, true)
      return stop + 1, text:sub(inside, last - 1)
    end
  end
  while true do
    at = text:find("%S", at)
    if not at then
      return tokens
    end
    local name, after = text:match("^([%a_\128-\255][%w_\128-\255]*)()", at)
    local number = text:match("^%.?%d[%w_.]*()", at)
    local quote = text:match("^[\"']", at)
    local stop, inside = long_bracket(at)
    if name then
      add(name, after)
    elseif number then
      add("0", number)
    elseif text:find("^%-%-", at) then
      at = long_bracket(at + 2) or text:find("[\r\n]", at) or #text + 1
    elseif quote then
      local place = at + 1
      while true do
        place = text:find("[\\" .. quote .. "]", place)
        if text:sub(place, place) == quote then
          break
        end
        place = place + 2
      end
      inside = text:sub(at + 1, place - 1)
      add('"' .. (inside:find("\\", 1, true) and "\\" or inside), place + 1)
    elseif stop then
      add('"' .. (inside:find("[\r\n]") and "\\" or inside), stop)
    else
      local symbol = text:match("^%.%.?%.?", at) or text:match("^[=~<>]=", at) or text:match("^::", at)
      symbol = symbol or text:sub(at, at)
      add(symbol, at + #symbol)
    end
  end
end

local function is_name(token)
  return token and not keywords[token] and token:find("^[%a_\128-\255]") ~= nil
end

-- Whether the name at a place is a variable's, not a field's.
local function is_variable(tokens, at)
  local before = tokens[at - 1]
  return is_name(tokens[at]) and before ~= "." and before ~= ":"
end

-- Whether a value ends here, as the next token begins a statement.
local function ends_value(after)
  return after == nil or after == ";" or after:find("^[%a_]") and after ~= "and" and after ~= "or"
end

-- The names of local variables that are false for ever: declared so by the chunk itself, and else only asked for,
-- by `if name then`.
local function never_true(tokens)
  local declared, others, depth = {}, {}, 0
  for at, token in ipairs(tokens) do
    local before, one, two = tokens[at - 1], tokens[at + 1], tokens[at + 2]
    depth = depth + (begins_block[token] and 1 or ends_block[token] and -1 or 0)
    if is_name(token) then
      if depth == 0 and before == "local" and one == "=" and two == "false" and ends_value(tokens[at + 3])
        and declared[token] == nil and not others[token] then
        declared[token] = true
      elseif not (declared[token] and before == "if" and one == "then") then
        others[token] = true
      end
    end
  end
  for name in pairs(others) do
    declared[name] = nil
  end
  return declared
end

-- Where the branch ends whose first token is at this place.
local function end_of_branch(tokens, at)
  local depth = 0
  while depth > 0 or not (ends_block[tokens[at]] or tokens[at] == "else" or tokens[at] == "elseif") do
    depth = depth + (begins_block[tokens[at]] and 1 or ends_block[tokens[at]] and -1 or 0)
    at = at + 1
  end
  return at
end

-- The tokens without branches that are never taken: they say what could be, not what is.
local function live(tokens)
  local never, kept, at = never_true(tokens), {}, 1
  while tokens[at] do
    if tokens[at] == "if" and never[tokens[at + 1]] then
      at = end_of_branch(tokens, at + 3)
      local rest = tokens[at] == "else" and "do" or tokens[at] == "elseif" and "if"
      if rest then
        kept[#kept + 1] = rest
      end
    else
      kept[#kept + 1] = tokens[at]
    end
    at = at + 1
  end
  return kept
end

-- Whether the tokens set a global. What is open at a place is a stack of brackets and blocks, these with
-- their local variables.
local function sets_globals(tokens)
  local top = { names = {} }
  local function enter(bracket)
    top = { names = {}, bracket = bracket, outer = top }
  end
  local function is_local(name)
    local level = top
    if level.coming and level.coming[name] then
      return true
    end
    while level and not level.names[name] do
      level = level.outer
    end
    return level ~= nil
  end
  -- Enters the names of a list, which attributes may accompany.
  local function declare(at, names)
    while is_name(tokens[at]) or tokens[at] == "," or tokens[at] == "<" do
      local before = tokens[at - 1]
      if tokens[at] == "<" then
        at = at + 2
      elseif tokens[at] ~= "," and (is_name(before) or before == ">" and tokens[at - 4] ~= "local") then
        return
      else
        names[tokens[at]] = true
      end
      at = at + 1
    end
  end
  -- Whether a statement begins here, as two words meet, or a bracket and a word. Functions in a declaration
  -- do not see its variables, what follows it does.
  local function begins(at)
    local token, before = tokens[at], tokens[at - 1]
    return before and token:find("^[%w_\128-\255]") and token ~= "and" and token ~= "or"
      and (is_name(before) or values[before] or before:find("^[%])}0\";]"))
  end
  -- Whether a global is among the variables before the `=` at a place.
  local function assigns_global(at)
    local depth = 0
    repeat
      at = at - 1
      local token, after = tokens[at], tokens[at + 1]
      if closers[token] then
        depth = depth + 1
      elseif openers[token] then
        depth = depth - 1
      elseif depth == 0 and (after == "=" or after == ",") and is_variable(tokens, at) and not is_local(token) then
        return true
      end
    until at < 1 or depth < 0 or depth == 0 and (keywords[token] or token == "=")
    return false
  end

  for at, token in ipairs(tokens) do
    if top.coming and begins(at) then
      for name in pairs(top.coming) do
        top.names[name] = true
      end
      top.coming = nil
    end
    if openers[token] then
      enter(token)
    elseif closers[token] or token == "end" or token == "until" then
      top = top.outer
    elseif token == "if" or token == "repeat" then
      enter()
    elseif token == "while" or token == "for" then
      enter()
      top.has_head = true
      if token == "for" then
        declare(at + 1, top.names)
      end
    elseif token == "do" then
      if top.has_head then
        top.has_head = nil
      else
        enter()
      end
    elseif token == "else" or token == "elseif" then
      top.names, top.coming = {}, nil
    elseif token == "function" then
      local name, parameters = tokens[at + 1], at + 1
      if tokens[at - 1] == "local" then
        top.names[name] = true
      elseif tokens[at + 2] == "(" and is_name(name) and not is_local(name) then
        return true
      end
      while tokens[parameters] ~= "(" do
        parameters = parameters + 1
      end
      enter()
      declare(parameters + 1, top.names)
    elseif token == "local" and tokens[at + 1] ~= "function" then
      top.coming = {}
      declare(at + 1, top.coming)
    elseif token == "=" and not top.bracket and assigns_global(at) then
      return true
    end
  end
  return false
end

-- Where a declaration such as `local a, require = a, require` ends, if one is at this place.
local function end_of_aliases(tokens, at)
  local equals = at
  repeat
    equals = equals + 2
  until tokens[equals] ~= ","
  local count = equals - at
  for place = at + 1, equals - 1 do
    if tokens[equals] ~= "=" or tokens[place] ~= tokens[place + count] then
      return nil
    end
  end
  return ends_value(tokens[equals + count]) and equals + count - 1 or nil
end

-- The modules that the tokens require, as the keys of a table; nil if there is something private.
local function required(tokens)
  local names, known = {}, 0
  local pcall_is_lua, by_pcall = true, false
  -- What is open at a place, and how many functions there are among it.
  local blocks, functions = {}, 0
  for at, token in ipairs(tokens) do
    local one, two, three = tokens[at + 1], tokens[at + 2], tokens[at + 3]
    if begins_block[token] then
      blocks[#blocks + 1] = token
      functions = functions + (token == "function" and 1 or 0)
    elseif ends_block[token] then
      functions = functions - (table.remove(blocks) == "function" and 1 or 0)
    end
    if token == "local" then
      known = end_of_aliases(tokens, at) or known
    elseif at > known and token == "pcall" and (one ~= "(" or tokens[at - 1] == "function") then
      -- Another function may have the name.
      pcall_is_lua = false
    end
    if at > known and private[token] and is_variable(tokens, at) then
      local name, name_field
      if token == "require" then
        local tried = one == "," and tokens[at - 1] == "(" and is_variable(tokens, at - 2)
          and tokens[at - 2] == "pcall"
        by_pcall = by_pcall or tried
        name = (one == "(" or tried) and three == ")" and two or one
        name = name and name:match("^\"([^\\]*)$")
        local after = at + (one == "(" and 4 or 2)
        name_field = harmless[name] and tokens[after] == "." and harmless[name][tokens[after + 1]]
      end
      local field = harmless[token] and one == "." and harmless[token][two]
      -- The chunk itself calls it while it is loaded, when nothing of it has been given to anybody.
      local loads = functions == 0 and two == "function"
      local tries = token == "pcall" and one == "(" and (two == "require" or loads)
      -- `local _ENV = nil` takes the globals away.
      local gone = token == "_ENV" and tokens[at - 1] == "local" and one == "=" and two == "nil"
      if name and not private[name] then
        names[name] = true
      elseif not (field or name_field or tries or gone) then
        return nil
      end
    end
  end
  return (pcall_is_lua or not by_pcall) and names or nil
end

-- `search` finds loaders, as `require` does; `network` has the names of the modules that use sockets.
return function(search, network)
  local answers = {}

  local function must_be_private(loader, seen)
    local text = text_of(loader)
    local tokens = text and live(tokens_of(text))
    local names = tokens and not sets_globals(tokens) and required(tokens)
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
        if found and not native.is_c_function(found) and must_be_private(found, seen) then
          return true
        end
      end
    end
    return false
  end

  return function(name, loader)
    if answers[name] == nil then
      answers[name] = not must_be_private(loader, { [name] = true })
    end
    return answers[name]
  end
end
