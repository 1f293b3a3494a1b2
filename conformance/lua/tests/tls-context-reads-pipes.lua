-- Keys and certificates may come through a pipe, as from a shell's `<(command)`; a pipe to which nobody writes
-- holds nobody up.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local child = require "child"
local cosock = require "cosock"
local ssl = cosock.ssl

local fields = {
  key = "error loading private key",
  certificate = "error loading certificate",
  cafile = "error loading CA locations",
}

local directory = assert(io.popen "mktemp -d"):read "*l"
local pipe = directory .. "/pipe"
assert(os.execute("mkfifo '" .. pipe .. "'"))
for field, message in pairs(fields) do
  local config = { mode = "server", protocol = "any", [field] = pipe }
  message = message .. " (" .. pipe .. ": Nobody writes to this pipe)"
  expect.list(expect.pack(ssl.newcontext(config)), expect.pack(nil, message))
  -- The connection is as it was.
  cosock.spawn(function()
    local network = require "network"
    local sock, peer = network.pair()
    expect.list(expect.pack(ssl.wrap(sock, config)), expect.pack(nil, message))
    assert(peer:send "here\n")
    expect.equal(sock:receive(), "here")
    sock:close()
    peer:close()
  end)
  cosock.run()
end
assert(os.remove(pipe))
assert(os.remove(directory))

-- The same identity as from files.
for field, name in pairs { key = "chain.key", certificate = "chain.pem", cafile = "ca.pem" } do
  local other = field == "key" and ("certificate = %q"):format(secure.file "chain.pem")
    or ("key = %q"):format(secure.file "chain.key")
  local code = ([[
    local ssl = require("cosock").ssl
    io.write(tostring(ssl.newcontext { mode = "server", protocol = "any", %s = "/dev/stdin", %s }))
  ]]):format(field, other)
  local output = child.run(code, "both", nil, secure.file(name))
  expect.contains(output, "SSL context: 0x", field)
end

world.finish()
