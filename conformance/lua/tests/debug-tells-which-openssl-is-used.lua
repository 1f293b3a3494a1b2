-- `cosock._debug "openssl"` names the OpenSSL that TLS uses, and what the implementation calls itself begins with
-- the same library; any other argument changes nothing of the counts.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

local name, why = cosock._debug "openssl"
assert(type(name) == "string" and name:find("^OpenSSL %d+%.%d+%.%d+"), name)
expect.equal(why, nil)
expect.equal(cosock._debug "openssl", name)
assert(cosock._IMPL:find("^cosock in Rust %d+%.%d+%.%d+, " .. name:match("^OpenSSL %d+")), cosock._IMPL)

for _, argument in ipairs { "", "other", 1, true, {} } do
  expect.equal(type(cosock._debug(argument)), "table")
end

world.finish()
