-- Lists every name that the rock, LuaSocket and LuaSec show, modules and objects: `name owners`, for
-- conformance/data/names.txt. Run by an interpreter that has all three, with the file of a certificate.
--
-- LuaSocket's and LuaSec's modules are listed under the rock's names for theirs. Options of tables
-- that are data (ssl.config) are one name.
local cosock = require "cosock"
local socket, ssl = require "socket", require "ssl"

local owners = {}

local function note(name, owner)
  owners[name] = owners[name] or {}
  owners[name][owner] = true
end

-- Fields of a module, or methods of an object: what its metatable's __index holds.
local function list(prefix, value, owner)
  for key in pairs(value) do
    if type(key) == "string" and not key:find "^__" then
      note(prefix .. key, owner)
    end
  end
end

local function methods(prefix, object, owner)
  local index = getmetatable(object).__index
  if type(index) == "table" then
    list(prefix .. ":", index, owner)
  end
  if type(object) == "table" then
    list(prefix .. ":", object, owner)
  end
end

local rock = {
  "cosock", "cosock.socket", "cosock.channel", "cosock.timers", "cosock.socket.internals", "cosock.ssl",
  "cosock.socket.http", "cosock.ssl.https",
}
for _, name in ipairs(rock) do
  list(name .. ".", require(name), "rock")
end
methods("task", cosock.spawn(function() end, "name"), "rock")
local sender, receiver = cosock.channel.new()
methods("sender", sender, "rock")
methods("receiver", receiver, "rock")
methods("tcp", cosock.socket.tcp(), "rock")
methods("udp", cosock.socket.udp(), "rock")
for key in pairs(require "cosock.ssl") do
  if not (ssl[key]) then
    note("tls:" .. key, "rock")
    owners["cosock.ssl." .. key] = nil
  end
end

-- Before others of its modules add themselves to it.
list("cosock.socket.", socket, "luasocket")
local luasocket = {
  ["socket.http"] = "cosock.socket.http", ["socket.url"] = "socket.url",
  ["socket.headers"] = "socket.headers", ["socket.ftp"] = "socket.ftp", ["socket.smtp"] = "socket.smtp",
  ["socket.tp"] = "socket.tp", ["socket.unix"] = "socket.unix", ltn12 = "ltn12", mime = "mime",
}
for name, known in pairs(luasocket) do
  local found, module = pcall(require, name)
  if found and type(module) == "table" then
    list(known .. ".", module, "luasocket")
  elseif found then
    note(known, "luasocket")
  end
end
methods("tcp", socket.tcp(), "luasocket")
methods("udp", socket.udp(), "luasocket")
list("cosock.socket.dns.", socket.dns, "luasocket")

list("cosock.ssl.", ssl, "luasec")
list("cosock.ssl.https.", require "ssl.https", "luasec")
local context = assert(ssl.newcontext { mode = "client", protocol = "any" })
methods("context", context, "luasec")
methods("tls", assert(ssl.wrap(socket.tcp(), context)), "luasec")
local pem = io.open(arg[1]):read "*a"
methods("certificate", assert(ssl.loadcertificate(pem)), "luasec")

local names = {}
for name in pairs(owners) do
  names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
  local its = {}
  for owner in pairs(owners[name]) do
    its[#its + 1] = owner
  end
  table.sort(its)
  print(name .. " " .. table.concat(its, " "))
end
