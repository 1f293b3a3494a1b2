-- A context's keys and certificates: encrypted ones need their password, a string or a function that is
-- called when it is needed; what cannot be used is refused with the file or the reason. Nothing ever
-- asks on the terminal.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local cosock = require "cosock"
local ssl = cosock.ssl
local file = secure.file

local function make(fields)
  fields.mode, fields.protocol = "server", "any"
  return ssl.newcontext(fields)
end

local function makes(fields)
  expect.contains(tostring(assert(make(fields))), "SSL context: 0x")
end

local function refuses(message, fields)
  local results = expect.pack(make(fields))
  expect.list(results, expect.pack(nil, message))
end

-- Plain ones.
makes { key = file "server.key", certificate = file "server.pem" }
makes { key = file "server-ec.key", certificate = file "server-ec.pem" }
makes { certificate = file "server.pem" }
makes { key = file "server.key" }
makes { key = file "chain.key", certificate = file "chain.pem" }
makes {
  certificates = {
    { key = file "server.key", certificate = file "server.pem" },
    { key = file "server-ec.key", certificate = file "server-ec.pem" },
  },
}
-- With a list, the fields beside it do not count.
makes { certificates = {}, key = file "missing.key" }
local function mismatch(key, certificate)
  return ("private key does not match public key ('%s' and '%s')"):format(file(key), file(certificate))
end
refuses(mismatch("other.key", "server.pem"), {
  key = file "other.key",
  certificate = file "server.pem",
})
refuses(mismatch("other.key", "server-ec.pem"), {
  certificates = {
    { key = file "server.key", certificate = file "server.pem" },
    { key = file "other.key", certificate = file "server-ec.pem" },
  },
})

-- Files that are not there, or are something else.
local missing = "(" .. file "missing" .. ": No such file or directory)"
refuses("error loading private key " .. missing, { key = file "missing" })
refuses("error loading certificate " .. missing, { certificate = file "missing" })
refuses("error loading CA locations " .. missing, { cafile = file "missing" })
local directory = "(" .. file "capath" .. ": Is a directory)"
refuses("error loading private key " .. directory, { key = file "capath" })
refuses("error loading certificate " .. directory, { certificate = file "capath" })
refuses("error loading CA locations " .. directory, { cafile = file "capath" })
local device = "(/dev/zero: Is a device)"
refuses("error loading private key " .. device, { key = "/dev/zero" })
refuses("error loading certificate " .. device, { certificate = "/dev/zero" })
refuses("error loading CA locations " .. device, { cafile = "/dev/zero" })
-- LuaSec's words, and the file.
local function from(name, message)
  return message .. " from '" .. file(name) .. "'"
end
for _, name in ipairs { "empty.pem", "noise.pem" } do
  refuses(from(name, "error loading private key (unsupported)"), { key = file(name) })
  refuses(from(name, "error loading certificate (no start line)"), { certificate = file(name) })
  refuses(from(name, "error loading CA locations (no certificate or crl found)"), { cafile = file(name) })
end
refuses(from("server.pem", "error loading private key (unsupported)"), { key = file "server.pem" })
refuses(from("server.key", "error loading certificate (no start line)"), { certificate = file "server.key" })

for _, name in ipairs { "encrypted.key", "encrypted-old.key" } do
  local key = file(name)
  local needed = "error loading private key (" .. key .. ": a password is needed)"
  local wrong = from(name, "error loading private key (bad decrypt)")
  makes { key = key, password = "secret" }
  makes { key = key, password = "secret", certificate = file "server.pem" }
  refuses(needed, { key = key })
  refuses(wrong, { key = key, password = "wrong" })
  refuses(wrong, { key = key, password = "" })
  refuses(wrong, { key = key, password = ("x"):rep(100000) })

  -- A function is called once, without arguments.
  local calls = {}
  local function answer(...)
    calls[#calls + 1] = select("#", ...)
    return "secret"
  end
  makes { key = key, password = answer }
  expect.list(calls, { 0 })
  makes { key = file "server.key", password = answer }
  makes { password = answer }
  expect.list(calls, { 0 })

  -- What it returns may be no good.
  for _, value in ipairs { "wrong", 42 } do
    refuses(wrong, { key = key, password = function() return value end })
  end
  for _, value in ipairs { true, {}, print } do
    refuses(needed, { key = key, password = function() return value end })
  end
  refuses(needed, { key = key, password = function() end })

  -- What it raises is raised.
  local reason = {}
  expect.raises(reason, make, { key = key, password = function() error(reason) end })
end

-- It may wait, and make other contexts meanwhile.
local made
cosock.spawn(function()
  made = assert(make {
    key = file "encrypted.key",
    password = function()
      cosock.socket.sleep(0.001)
      makes { key = file "encrypted-old.key", password = "secret" }
      return "secret"
    end,
  })
end)
cosock.run()
expect.contains(tostring(made), "SSL context: 0x")

-- Old failures do not explain new ones.
for _ = 1, 3 do
  refuses(from("noise.pem", "error loading private key (unsupported)"), { key = file "noise.pem" })
  refuses("error setting cipher list (no cipher match) in ciphers", { ciphers = "none-such" })
  refuses(from("noise.pem", "error loading CA locations (no certificate or crl found)"), { cafile = file "noise.pem" })
end

-- Parameters for Diffie-Hellman are asked for once, by servers.
local function read(name)
  local handle = assert(io.open(file(name)))
  local text = handle:read("*a")
  handle:close()
  return text
end
local asked = {}
local function parameters(...)
  asked[#asked + 1] = expect.pack(...)
  return read "dh.pem"
end
makes { dhparam = parameters }
expect.equal(#asked, 1)
expect.list(asked[1], { false, 1024 })
assert(ssl.newcontext { mode = "client", protocol = "any", dhparam = parameters })
expect.equal(#asked, 1)
makes { dhparam = function() end }
refuses("invalid DH parameters (no start line)", { dhparam = function() return "noise" end })
expect.raises("bad field 'dhparam' (string expected, got table)", make, {
  dhparam = function()
    return {}
  end,
})
expect.raises(asked, make, { dhparam = function() error(asked) end })

world.finish()
