-- What else a certificate tells, as LuaSec says it: times and whether they hold, serial numbers of every
-- size and sign, keys it can and cannot read, the algorithm of its signature, digests, PEM.
local world = require "world"
local der = require "der"
local expect = require "expect"
local secure = require "secure"
local ssl = require "cosock.ssl"

local function certificate(fields)
  return assert(ssl.loadcertificate(der.certificate_pem(fields)))
end

local UTC, GENERALIZED = 0x17, 0x18

local function times_are_text()
  local cases = {
    { UTC, "200201000000Z", "Feb  1 00:00:00 2020 GMT" },
    { UTC, "491231235959Z", "Dec 31 23:59:59 2049 GMT" },
    { UTC, "500101000000Z", "Jan  1 00:00:00 1950 GMT" },
    { UTC, "200201000000+0100", "Jan 31 23:00:00 2020 GMT" },
    { GENERALIZED, "20500201000000Z", "Feb  1 00:00:00 2050 GMT" },
    { GENERALIZED, "99991231235959Z", "Dec 31 23:59:59 9999 GMT" },
    { UTC, "201301000000Z", "Bad time value" },
    { UTC, "200231000000Z", "Bad time value" },
  }
  for _, case in ipairs(cases) do
    local time = der.tagged(case[1], case[2])
    expect.equal(certificate({ not_before = time }):notbefore(), case[3])
    expect.equal(certificate({ not_after = time }):notafter(), case[3])
  end
end

-- Newer OpenSSL reads no certificate that has such a time; older shows what it can.
local function malformed_times_are_refused_or_shown()
  for text, shown in pairs {
    ["2002010000Z"] = "Feb  1 00:00:00 2020 GMT", noise = "Bad time value", [""] = "Bad time value",
  } do
    local pem = der.certificate_pem { not_before = der.tagged(UTC, text) }
    local loaded = ssl.loadcertificate(pem)
    if loaded then
      expect.equal(loaded:notbefore(), shown)
      expect.equal(loaded:validat(1600000000), false)
    end
  end
end

local function both_ends_belong_to_the_time()
  local from, to = 1580515200, 1896134400 -- the default of the generator
  local valid = certificate {}
  local cases = {
    [from - 1] = false, [from] = true, [from + 1] = true,
    [to - 1] = true, [to] = true, [to + 1] = false,
    [0] = false, [-1] = false, [2 ^ 32] = false, [2 ^ 40] = false, [-2 ^ 53] = false,
    [2 ^ 62] = false, [-2 ^ 62] = false,
  }
  for second, wanted in pairs(cases) do
    expect.list(expect.pack(valid:validat(second)), { n = 1, wanted }, tostring(second))
  end
  expect.equal(valid:validat "1600000000", true)

  local endless = certificate { not_after = der.tagged(GENERALIZED, "99991231235959Z") }
  expect.equal(endless:validat(253402300799), true)
  expect.equal(endless:validat(253402300800), false)
  local old = certificate {
    not_before = der.tagged(UTC, "500201000000Z"), not_after = der.tagged(UTC, "600201000000Z"),
  }
  expect.equal(old:validat(-628473601), false)
  expect.equal(old:validat(-628473600), true)
end

-- Formats that RFC 5280 forbids hold at no time.
local function doubtful_times_never_hold()
  for _, time in ipairs {
    der.tagged(UTC, "100201000000+0100"), der.tagged(UTC, "101301000000Z"),
    der.tagged(GENERALIZED, "20100201000000.5Z"), der.tagged(GENERALIZED, "20100201000000+0100"),
  } do
    expect.equal(certificate({ not_before = time }):validat(1600000000), false)
    expect.equal(certificate({ not_after = time }):validat(1260000000), false)
  end
end

local function seconds_are_whole_numbers()
  local valid = certificate {}
  local has_integers = expect.version ~= "jit" and expect.version >= "5.3"
  local whole = "bad argument #2 to 'validat' (number has no integer representation)"
  for _, second in ipairs { 1600000000.5, 1e300, -1e300, math.huge, -math.huge } do
    if has_integers then
      expect.raises(whole, valid.validat, valid, second)
    else
      expect.equal(valid:validat(second), second == 1600000000.5)
    end
  end
  expect.raises(whole, valid.validat, valid, 0 / 0)
  for _, wrong in ipairs { "soon", true, {}, print } do
    expect.raises("bad argument #2 to 'validat' (number expected, got " .. type(wrong) .. ")",
      valid.validat, valid, wrong)
  end
  expect.raises("bad argument #2 to 'validat' (number expected, got no value)", valid.validat, valid)
end

local function serials_are_hexadecimal()
  local cases = {
    ["\0"] = "0", ["\1"] = "01", ["\127"] = "7F", ["\0\128"] = "80", ["\128"] = "-80", ["\255"] = "-01",
    ["\0\255\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15\16\17\18\19\20"]
      = "FF0102030405060708090A0B0C0D0E0F1011121314",
    ["\0" .. ("\171"):rep(1000)] = ("AB"):rep(1000),
  }
  for bytes, wanted in pairs(cases) do
    expect.equal(certificate({ serial = der.integer(bytes) }):serial(), wanted)
  end
end

local function pubkey(algorithm, bits)
  local key = der.sequence(der.sequence(algorithm), der.text("bits", "\0" .. bits))
  return certificate({ key = key }):pubkey()
end

local function keys_tell_kind_and_size()
  local pem, kind, bits = certificate({}):pubkey()
  expect.equal(pem:match "^%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-\n" ~= nil, true)
  expect.equal(pem:sub(-25), "-----END PUBLIC KEY-----\n")
  expect.list({ kind, bits }, { "RSA", 1024 })
  expect.list({ select(2, pubkey(der.oid "1.3.101.112", ("k"):rep(32))) }, { "Unknown", 256 })
  expect.list(expect.pack(pubkey(der.oid "1.2.840.113549.1.1.1" .. der.tagged(5), "noise")), { n = 1 })
  expect.list(expect.pack(pubkey(der.oid "1.2.3.4", "noise")), { n = 1 })
end

local function read_file(name)
  local file = assert(io.open(secure.file(name)))
  local text = file:read "*a"
  file:close()
  return text
end

local function certificates_of_the_tools()
  for name, wanted in pairs { server = { "RSA", 2048 }, ["server-ec"] = { "EC", 256 } } do
    local loaded = assert(ssl.loadcertificate(read_file(name .. ".pem")))
    expect.list({ select(2, loaded:pubkey()) }, wanted)
    expect.equal(loaded:validat(os.time()), true)
    expect.list(loaded:extensions()["2.5.29.17"].dNSName, { "localhost" })
    expect.list(loaded:extensions()["2.5.29.17"].iPAddress, { "127.0.0.1", "::1" })
    expect.equal(loaded:pem(), read_file(name .. ".pem"))
  end
  for name, wanted in pairs { expired = false, early = false, client = true } do
    expect.equal(ssl.loadcertificate(read_file(name .. ".pem")):validat(os.time()), wanted, name)
  end
  -- The first of several.
  local chain = read_file "chain.pem"
  local leaf = ssl.loadcertificate(chain)
  expect.equal(leaf:pem(), read_file "chain-leaf.pem")
end

local function signatures_have_names()
  for oid, wanted in pairs {
    ["1.2.840.113549.1.1.11"] = "RSA-SHA256", ["1.2.840.113549.1.1.5"] = "RSA-SHA1",
    ["1.2.840.10045.4.3.2"] = "ecdsa-with-SHA256", ["1.3.101.112"] = "ED25519",
    ["1.2.840.113549.1.1.10"] = "RSASSA-PSS", ["1.2.3.4"] = "UNDEF",
  } do
    local algorithm = der.sequence(der.oid(oid), der.tagged(5))
    expect.equal(certificate({ algorithm = algorithm }):getsignaturename(), wanted)
  end
end

local function digests_are_of_the_whole()
  local holder = certificate {}
  local sha1 = "7d7031f3c00f2584f2ccfa1a2a799d827a628498"
  expect.equal(holder:digest(), sha1)
  expect.equal(holder:digest(nil), sha1)
  expect.equal(holder:digest "sha1", sha1)
  expect.equal(holder:digest "sha256", "2a6b4ab5e3d1ba5e322acddcba34d2316fa574bca8ec7670789ee7aa45bb8634")
  expect.equal(holder:digest "sha512", "59030bb665af5e061514adb6eecf8b2fcb3d3251b055182f861dfacf1f6f3ed9"
    .. "81e46d1a51b8174e063356fc9bae16bc111d8f93fd41ebb41486303ce76e61cb")
  for _, unknown in ipairs { "SHA1", "sha384", "md5", "", 5, "x\0y", ("long"):rep(1000), "%s" } do
    expect.list(expect.pack(holder:digest(unknown)),
      { n = 2, nil, "digest algorithm not supported (" .. unknown .. ")" })
  end
  for _, wrong in ipairs { true, {}, print } do
    expect.raises("bad argument #2 to 'digest' (string expected, got " .. type(wrong) .. ")",
      holder.digest, holder, wrong)
  end
end

local function pem_goes_around()
  local text = der.certificate_pem {}
  local holder = ssl.loadcertificate(text)
  expect.equal(holder:pem(), text)
  expect.equal(ssl.loadcertificate(holder:pem()):digest "sha256", holder:digest "sha256")
end

times_are_text()
malformed_times_are_refused_or_shown()
both_ends_belong_to_the_time()
doubtful_times_never_hold()
seconds_are_whole_numbers()
serials_are_hexadecimal()
keys_tell_kind_and_size()
certificates_of_the_tools()
signatures_have_names()
digests_are_of_the_whole()
pem_goes_around()

world.finish()
