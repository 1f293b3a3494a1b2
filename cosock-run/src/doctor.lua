-- `cosock doctor [INTERPRETER]`: tells what is loaded from where. Exit code 0 when the stock interpreter
-- finds this cosock and nothing of another one, 1 when something is wrong (each such thing is a line that
-- begins with "problem:"), 2 when it is called wrongly, 3 when there is no such interpreter, or no cosock in it.
local probe, interpreter, soft, hard = ...
local arguments = { select(5, ...) }

local own = {
  "cosock", "cosock.socket", "cosock.socket.tcp", "cosock.socket.udp", "cosock.socket.internals",
  "cosock.socket.http", "cosock.channel", "cosock.timers", "cosock.asyncify", "cosock.ssl",
  "cosock.ssl.https",
}
local others = { "socket", "ssl" }

if #arguments > 1 or arguments[1] and arguments[1]:find("^%-") then
  io.stderr:write("usage: cosock doctor [INTERPRETER]\n",
    "Tells what a program gets that requires cosock: here, and in INTERPRETER (", interpreter, ").\n",
    "To run a script of that name: cosock ./doctor\n")
  os.exit(2)
end
interpreter = arguments[1] or interpreter

local problems, is_told = {}, {}

local function say(name, ...)
  io.write(("%-27s"):format(name), ...)
  io.write("\n")
end

local function complain(text)
  if not is_told[text] then
    is_told[text] = true
    problems[#problems + 1] = text
  end
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function say_environment()
  local set = {}
  local suffix = _VERSION:gsub("Lua (%d)%.(%d)", "_%1_%2")
  for _, name in ipairs { "LUA_INIT", "LUA_PATH", "LUA_CPATH" } do
    for _, variable in ipairs { name .. suffix, name } do
      if os.getenv(variable) then
        set[#set + 1] = variable .. "=" .. os.getenv(variable)
      end
    end
  end
  say("environment", set[1] and table.concat(set, "  ") or "sets nothing that Lua reads")
end

-- What the interpreter says, as lists of words by the first; nothing if it does not run.
local function ask()
  local names = table.concat(own, " ") .. " " .. table.concat(others, " ")
  -- As a function, so that its arguments are no file's.
  local code = ("local probe = function(...) %s end probe(%q)"):format(probe, names)
  local pipe = assert(io.popen(quote(interpreter) .. " -e " .. quote(code) .. " 2>&1", "r"))
  local answer = { modules = {}, rest = {} }
  for line in pipe:lines() do
    local words = {}
    for word in (line .. "\t"):gmatch("([^\t]*)\t") do
      words[#words + 1] = word
    end
    if words[1] == "module" then
      answer.modules[words[2]] = { kind = words[3], place = words[4] }
    elseif #words > 1 then
      answer[words[1]] = words
    else
      answer.rest[#answer.rest + 1] = line
    end
  end
  pipe:close()
  return answer
end

local function describe(module)
  return module.kind == "none" and "not found"
    or module.kind == "built in" and "built in"
    or module.place
end

local without_tls = "this cosock was built without TLS"

local function say_openssl(name, version, why)
  say(name, version and version ~= "" and version or why)
  if why and why ~= "" and why ~= without_tls then
    complain(why)
  end
end

-- Without where its TLS comes from, which may differ.
local function version_of(implementation)
  return implementation:match("^[^,]*")
end

local function examine_stock()
  local answer = ask()
  if not answer.interpreter then
    say(interpreter, "does not run: ", table.concat(answer.rest, " "))
    return 3
  end
  say(interpreter, answer.interpreter[2])
  say("  package.path", answer.path[2])
  say("  package.cpath", answer.cpath[2])
  for _, list in ipairs { own, others } do
    for _, name in ipairs(list) do
      say("  " .. name, describe(answer.modules[name]))
    end
  end
  local cosock = answer.modules.cosock
  local place, library = describe(cosock), answer.library[2]
  if cosock.kind == "none" then
    io.write("it finds no cosock\n")
    return 3
  elseif answer.fails then
    complain(place .. " cannot be loaded: " .. answer.fails[2])
    return 1
  elseif answer.is[2] == "another" then
    local before = library ~= "" and library ~= place and ", and comes before " .. library or ""
    complain(place .. " is another cosock, of version " .. answer.is[3] .. before)
    return 1
  end
  say("  that is", answer.is[2])
  if answer.openssl then
    say_openssl("  its OpenSSL", answer.openssl[2], answer.openssl[3])
  end
  if version_of(answer.is[2]) ~= version_of(require("cosock")._IMPL) then
    complain(place .. " is " .. answer.is[2] .. ", of another version than this")
  end
  for _, name in ipairs(own) do
    local module = answer.modules[name]
    if module.kind == "none" then
      complain(name .. " is not found")
    elseif describe(module) ~= place then
      complain(describe(module) .. " comes before " .. place .. " when a program requires " .. name)
    end
  end
  return problems[1] and 1 or 0
end

local here = require("cosock")
say("cosock", here._IMPL)
say_openssl("its OpenSSL", here._debug "openssl")
say("speaks", "the language of the rock's version ", here._VERSION)
say("runs on", jit and jit.version or _VERSION)
say("descriptors", soft < 0 and "any number" or soft, " may be open, ",
  hard < 0 and "any number" or hard, " on demand (ulimit -n)")
say_environment()
local code = examine_stock()
for _, text in ipairs(problems) do
  io.write("problem: ", text, "\n")
end
if problems[1] then
  code = 1
elseif code == 0 then
  io.write("all is well\n")
end
io.stdout:flush()
os.exit(code)
