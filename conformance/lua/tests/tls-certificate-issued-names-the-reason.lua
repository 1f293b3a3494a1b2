-- `issued` verifies a certificate with the object as the only authority, and says why not in OpenSSL's words.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local ssl = require "cosock.ssl"

local function load(name, place)
  local file = assert(io.open(secure.file(name .. ".pem")))
  local text = file:read "*a"
  file:close()
  local found = 0
  for each in text:gmatch "%-%-%-%-%-BEGIN.-%-%-%-%-%-END[^\n]*\n" do
    found = found + 1
    if found == (place or 1) then
      return assert(ssl.loadcertificate(each))
    end
  end
  error(name .. " has no certificate " .. place)
end

local ca, other = load "ca", load "other-ca"
local leaf, intermediate = load "chain-leaf", load("chain", 2)

local unknown = "unable to get local issuer certificate"

local function check(wanted, issuer, ...)
  local results = expect.pack(issuer:issued(...))
  expect.list(results, wanted == true and { n = 1, true } or { n = 2, nil, wanted })
end

check(true, ca, load "server")
check(true, ca, load "client")
check(true, ca, ca)
check(true, ca, intermediate)
check(unknown, ca, leaf)
check(true, ca, leaf, intermediate)
check(true, ca, leaf, other, other, intermediate, intermediate)
check(unknown, ca, leaf, other)
-- An authority that another one signed is no end of a chain.
check("unable to get issuer certificate", intermediate, leaf)
check("unable to get issuer certificate", intermediate, leaf, ca)
check(unknown, other, load "server")
check("self-signed certificate in certificate chain", other, load "server", ca)
check("certificate has expired", ca, load "expired")
check("certificate is not yet valid", ca, load "early")
check("self-signed certificate", ca, load "self-signed")
check("self-signed certificate", ca, other)
check(unknown, leaf, leaf)

world.finish()
