-- `loadcertificate` takes the first certificate of a text and answers nil to everything else, without
-- asking for a password; methods refuse objects that are no certificates, and those that were collected.
local world = require "world"
local der = require "der"
local expect = require "expect"
local ssl = require "cosock.ssl"

local pem = der.certificate_pem {}

local function common_name(certificate)
  return certificate:subject()[1].value
end

local function the_first_certificate_counts()
  local one = der.certificate_pem { subject = der.common_name "one" }
  local two = der.certificate_pem { subject = der.common_name "two" }
  local key = der.pem("PRIVATE KEY", "\48\0")
  for what, text in pairs {
    alone = one,
    ["before another"] = one .. two,
    ["after text"] = "Subject: one\n\n" .. one .. "and more",
    ["after a NUL"] = "a\0b\n" .. one,
    ["after a key"] = key .. one,
    ["with carriage returns"] = one:gsub("\n", "\r\n"),
    ["with blanks at the ends"] = one:gsub("\n", " \n"),
    ["without the last line feed"] = one:gsub("\n$", ""),
    ["in one line"] = "-----BEGIN CERTIFICATE-----\n"
      .. der.base64(der.certificate { subject = der.common_name "one" })
      .. "\n-----END CERTIFICATE-----\n",
    ["under its old name"] = one:gsub("CERTIFICATE", "X509 CERTIFICATE"),
  } do
    local loaded = expect.pack(ssl.loadcertificate(text, "ignored"))
    expect.equal(loaded.n, 1, what)
    expect.equal(common_name(assert(loaded[1], what)), "one", what)
  end
end

local function anything_else_is_nil()
  local bytes = der.certificate {}
  local texts = {
    "", "noise", "-----BEGIN CERTIFICATE-----", bytes, pem:sub(1, -40), 5,
    pem:gsub("END CERT", "END CRT"), pem:gsub("\n", "\n  "), pem:gsub("CERTIFICATE", "TRUSTED CERTIFICATE"),
    der.pem("CERTIFICATE", "\48\0") .. pem, der.pem("PRIVATE KEY", "\48\0"), der.pem("CERTIFICATE", ""),
    -- Numbers longer than they need be, strings that are not of their type.
    der.certificate_pem { serial = der.integer "\0\1" },
    der.certificate_pem { serial = der.integer "" },
    der.certificate_pem { subject = der.common_name "\228" },
    der.certificate_pem { subject = der.name(der.attribute("2.5.4.3", der.text("bmp", "odd"))) },
    der.certificate_pem { not_before = der.text("utf8", "200201000000Z") },
  }
  for place, text in ipairs(texts) do
    expect.list(expect.pack(ssl.loadcertificate(text)), { n = 1 }, "text " .. place)
  end
  for cut = 0, #bytes - 1, 7 do
    expect.equal(ssl.loadcertificate(der.pem("CERTIFICATE", bytes:sub(1, cut))), nil, "cut at " .. cut)
  end
  for _, wrong in ipairs { true, {}, print } do
    expect.raises("bad argument #1 to 'loadcertificate' (string expected, got " .. type(wrong) .. ")",
      ssl.loadcertificate, wrong)
  end
  expect.raises("bad argument #1 to 'loadcertificate' (string expected, got no value)", ssl.loadcertificate)
end

-- Encrypted PEM that calls itself a certificate: OpenSSL by itself asks for the password on the terminal,
-- which here is the test's standard input or none at all.
local function nobody_is_asked_for_a_password()
  local header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n"
  local text = pem:gsub("(BEGIN CERTIFICATE%-%-%-%-%-\n)", "%1" .. header)
  expect.equal(text ~= pem, true)
  expect.equal(ssl.loadcertificate(text), nil)
end

local methods = {
  "digest", "extensions", "getsignaturename", "issued", "issuer", "notafter", "notbefore", "pem",
  "pubkey", "serial", "setencode", "subject", "validat",
}

local function methods_refuse_others()
  local certificate = ssl.loadcertificate(pem)
  for _, name in ipairs(methods) do
    local method = certificate[name]
    local start = "bad argument #1 to '" .. name .. "' (SSL:Certificate expected, got "
    for _, wrong in ipairs { 5, "text", {}, print, io.stdout, true } do
      expect.raises(start .. type(wrong) .. ")", method, wrong, certificate)
    end
    expect.raises(start .. "nil)", method, nil, certificate)
    expect.raises(start .. "no value)", method)
  end
  for argument = 2, 4 do
    local arguments = { certificate, certificate, certificate, certificate }
    arguments[argument] = "text"
    expect.raises("bad argument #" .. argument .. " to 'issued' (SSL:Certificate expected, got string)",
      function() certificate.issued(arguments[1], arguments[2], arguments[3], arguments[4]) end)
  end
  expect.raises("bad argument #2 to 'issued' (SSL:Certificate expected, got no value)",
    certificate.issued, certificate)
end

local function the_object_itself()
  local certificate = ssl.loadcertificate(pem)
  expect.equal(type(certificate), "userdata")
  expect.equal(tostring(certificate):match "^X509 certificate: 0x%x+$", tostring(certificate))
  expect.equal(certificate == ssl.loadcertificate(pem), false)
  expect.equal(certificate.nothing, nil)
  expect.equal(pcall(function() certificate.field = 1 end), false)
end

-- A finalizer that a program calls by hand, twice, and around the object's back.
local function collected_objects_are_none()
  local certificate = ssl.loadcertificate(pem)
  local collect = getmetatable(certificate).__gc
  collect(certificate)
  collect(certificate)
  expect.equal(tostring(certificate), "X509 certificate: (nil)")
  for _, name in ipairs(methods) do
    expect.raises("bad argument #1 to '" .. name .. "' (SSL:Certificate expected, got userdata)",
      certificate[name], certificate)
  end
  collect(io.stdout)
  collect(5)
  collect()
end

-- Finalizers run while the tables of names are made, and may end the certificate that is being read.
local function finalizers_may_end_it_meanwhile()
  local names = {}
  for place = 1, 200 do
    names[place] = der.alternative("dns", "host-" .. place .. ".example")
  end
  local all = der.alternatives((unpack or table.unpack)(names))
  local text = der.certificate_pem { extensions = { all } }
  local newproxy = rawget(_G, "newproxy")
  for _ = 1, 20 do
    local certificate = ssl.loadcertificate(text)
    local function finalize()
      getmetatable(certificate).__gc(certificate)
    end
    if newproxy then
      getmetatable(newproxy(true)).__gc = finalize
    else
      setmetatable({}, { __gc = finalize })
    end
    for _ = 1, 50 do
      local fine, extensions = pcall(certificate.extensions, certificate)
      if fine and next(extensions) then
        expect.equal(#extensions["2.5.29.17"].dNSName, 200)
        expect.equal(extensions["2.5.29.17"].dNSName[200], "host-200.example")
      end
    end
  end
end

the_first_certificate_counts()
anything_else_is_nil()
nobody_is_asked_for_a_password()
methods_refuse_others()
the_object_itself()
collected_objects_are_none()
finalizers_may_end_it_meanwhile()

world.finish()
