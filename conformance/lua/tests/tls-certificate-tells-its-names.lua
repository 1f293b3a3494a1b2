-- Names in certificates, as LuaSec lists them: every type of string in both encodings, several attributes
-- in one relative name, identifiers that nobody knows, NULs inside; alternative names of every kind, the
-- ones that LuaSec leaves out, and values that crash it.
local world = require "world"
local der = require "der"
local expect = require "expect"
local ssl = require "cosock.ssl"

-- A value as text, with the fields of a table in order.
local function show(value)
  if type(value) == "string" then
    return (value:gsub("[%z\1-\31\127-\255]", function(byte)
      return ("<%02x>"):format(byte:byte())
    end))
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local shown = {}
  for key, each in pairs(value) do
    shown[#shown + 1] = show(key) .. "=" .. show(each)
  end
  table.sort(shown)
  return "{" .. table.concat(shown, " ") .. "}"
end

local function certificate(fields)
  return assert(ssl.loadcertificate(der.certificate_pem(fields)))
end

-- The values of a subject's attributes in an encoding.
local function values(subject, encoding)
  local holder = certificate { subject = subject, issuer = subject }
  expect.equal(holder:setencode(encoding), true)
  local names = holder:subject()
  expect.equal(show(holder:issuer()), show(names))
  local list = { n = #names }
  for place, attribute in ipairs(names) do
    list[place] = attribute.value and show(attribute.value)
  end
  return list
end

local function common(kind, bytes)
  return der.attribute("2.5.4.3", der.text(kind, bytes))
end

local function each_type_of_string()
  local cases = {
    -- type, bytes, as they are, as UTF-8
    { "utf8", "\195\164", "<c3><a4>", "<c3><a4>" },
    { "printable", "plain", "plain", "plain" },
    { "printable", "p*\228", "p*<e4>", "p*<c3><a4>" },
    { "numeric", "12", "12", "12" },
    { "ia5", "i\228", "i<e4>", "i<c3><a4>" },
    { "teletex", "lat\228", "lat<e4>", "lat<c3><a4>" },
    { "bmp", "\0b\0\228\101\229", "<00>b<00><e4>e<e5>", "b<c3><a4><e6><97><a5>" },
    { "universal", "\0\0\0u\0\1\246\0", "<00><00><00>u<00><01><f6><00>", "u<f0><9f><98><80>" },
    { "utf8", "good\0bad", "good<00>bad", "good<00>bad" },
    { "bmp", "\0a\0\0\0b", "<00>a<00><00><00>b", "a<00>b" },
    { "utf8", "", "", "" },
    { "bits", "\0bits", "bits", nil },
  }
  for _, case in ipairs(cases) do
    local kind, bytes, raw, utf8 = case[1], case[2], case[3], case[4]
    expect.list(values(der.name(common(kind, bytes)), "ai5"), { n = 1, raw }, kind)
    expect.list(values(der.name(common(kind, bytes)), "utf8"), { n = 1, utf8 }, kind)
  end
end

local function attributes_keep_their_order()
  local long = "1.2.3." .. ("1234567."):rep(30) .. "4"
  local subject = der.name(
    der.attribute("2.5.4.6", der.text("printable", "DE")),
    common("utf8", "one") .. der.attribute("2.5.4.11", der.text("utf8", "with it")),
    common("utf8", "two"),
    der.attribute("1.2.3.4.99999999999", der.text("utf8", "nobody's")),
    der.attribute(long, der.text("utf8", "long"))
  )
  local names = certificate({ subject = subject }):subject()
  local wanted = {
    { "2.5.4.6", "countryName", "DE" },
    { "2.5.4.3", "commonName", "one" },
    { "2.5.4.11", "organizationalUnitName", "with it" },
    { "2.5.4.3", "commonName", "two" },
    { "1.2.3.4.99999999999", "1.2.3.4.99999999999", "nobody's" },
    { long, long, "long" },
  }
  expect.equal(#names, #wanted)
  for place, each in ipairs(wanted) do
    expect.equal(show(names[place]), show { oid = each[1], name = each[2], value = each[3] })
  end
  expect.list(certificate({ subject = der.sequence() }):subject(), {})
end

-- The extensions of a certificate with these alternative names, in an encoding.
local function extensions(encoding, ...)
  local holder = certificate { extensions = { der.alternatives(...) } }
  holder:setencode(encoding)
  return holder:extensions()
end

-- What stands beside the title of the extension of alternative names.
local function alternatives(encoding, ...)
  local all = extensions(encoding, ...)
  local names = all["2.5.29.17"]
  expect.equal(names.name, "X509v3 Subject Alternative Name")
  names.name, all["2.5.29.17"] = nil, nil
  expect.equal(next(all), nil)
  return show(names)
end

local alternative = der.alternative

local function other(oid, value)
  return alternative("other", der.oid(oid) .. der.tagged(0xA0, value))
end

local function alternative_names_of_every_kind()
  expect.equal(
    alternatives("ai5", alternative("dns", "a.example"), alternative("email", "m@b"),
      alternative("uri", "x://y"), alternative("dns", "b.example"), alternative("ip", "\127\0\0\1")),
    "{dNSName={1=a.example 2=b.example} iPAddress={1=127.0.0.1} rfc822Name={1=m@b}"
      .. " uniformResourceIdentifier={1=x://y}}"
  )
  expect.equal(alternatives("ai5", alternative("dns", "good\0bad"), alternative("dns", "")),
    "{dNSName={1=good<00>bad 2=}}")
  expect.equal(alternatives("ai5", alternative("dns", "\228")), "{dNSName={1=<e4>}}")
  expect.equal(alternatives("utf8", alternative("dns", "\228")), "{dNSName={1=<c3><a4>}}")
  -- Left out; the extension itself stays.
  expect.equal(
    alternatives("ai5", alternative("directory", der.common_name "x"), alternative("registered", "\42\3"),
      alternative("x400", ""), alternative("edi", der.tagged(0xA1, der.text("utf8", "x")))),
    "{}"
  )
  expect.equal(alternatives "ai5", "{}")
end

local function addresses_are_text()
  local zeros = ("\0"):rep(8)
  expect.equal(
    alternatives("ai5", alternative("ip", "abc"), alternative("ip", "\1\2\3\4"),
      alternative("ip", zeros .. zeros:sub(2) .. "\1"),
      alternative("ip", "\32\1\13\184" .. zeros .. "\0\0\0\255"),
      alternative("ip", zeros .. "\0\0\255\255\1\2\3\4"), alternative("ip", ("x"):rep(32))),
    "{iPAddress={1=1.2.3.4 2=::1 3=2001:db8::ff 4=::ffff:1.2.3.4}}"
  )
  -- An address and a mask are no address.
  expect.equal(alternatives("ai5", alternative("ip", "\127\0\0\1\255\0\0\0")), "{iPAddress={}}")
end

local function other_names_of_every_type()
  local upn = "1.3.6.1.4.1.311.20.2.3"
  expect.equal(
    alternatives("ai5", other("1.2.3.4", der.text("utf8", "h\195\164")), other(upn, der.text("utf8", "me@x")),
      other("1.2.3.4", der.text("ia5", "two"))),
    "{1.2.3.4={1=h<c3><a4> 2=two name=1.2.3.4} " .. upn
      .. "={1=me@x name=Microsoft User Principal Name}}"
  )
  local cases = {
    { der.text("bmp", "\0a\1\2"), "1=<00>a<01><02> ", "1=a<c4><82> " },
    { der.text("octet", "raw"), "1=raw ", "" },
    { der.integer "\5", "1=<05> ", "" },
    { der.sequence(der.integer "\5"), "1=0<03><02><01><05> ", "" },
    -- These have no bytes to show, and LuaSec reads memory that is not theirs.
    { der.tagged(1, "\255"), "", "" },
    { der.tagged(5), "", "" },
    { der.oid "1.2.3", "", "" },
  }
  for _, case in ipairs(cases) do
    local value, raw, utf8 = case[1], case[2], case[3]
    expect.equal(alternatives("ai5", other("1.2.3.4", value)), "{1.2.3.4={" .. raw .. "name=1.2.3.4}}")
    expect.equal(alternatives("utf8", other("1.2.3.4", value)), "{1.2.3.4={" .. utf8 .. "name=1.2.3.4}}")
  end
end

local function other_extensions_are_left_out()
  local function of(...)
    return show(certificate({ extensions = { ... } }):extensions())
  end
  expect.equal(show(certificate({}):extensions()), "{}")
  local names = der.alternatives(alternative("dns", "x"))
  local wanted = "{2.5.29.17={dNSName={1=x} name=X509v3 Subject Alternative Name}}"
  expect.equal(of(names), wanted)
  expect.equal(of(der.extension("2.5.29.18", der.sequence(alternative("dns", "issuer"))), names), wanted)
  expect.equal(of(der.extension("2.5.29.19", der.sequence(der.tagged(1, "\255")))), "{}")
  -- The first one counts.
  expect.equal(of(names, der.alternatives(alternative("dns", "y"))), wanted)
  local broken = der.extension("2.5.29.17", "\1\2\3")
  expect.equal(of(broken), "{}")
  expect.equal(of(names, broken), wanted)
  expect.equal(of(broken, names), "{}")
end

-- The encoding belongs to one object; a name that has it is unknown leaves it as it is.
local function encodings_are_each_object_s_own()
  local fields = { subject = der.name(common("teletex", "\228")) }
  local one, two = certificate(fields), certificate(fields)
  expect.equal(one:setencode "utf8", true)
  expect.equal(one:subject()[1].value, "\195\164")
  expect.equal(two:subject()[1].value, "\228")
  for _, unknown in ipairs { "UTF8", "utf-8", "", "ai5 ", 5 } do
    expect.list(expect.pack(one:setencode(unknown)), { n = 1, false })
  end
  expect.equal(one:subject()[1].value, "\195\164")
  one:setencode "ai5"
  expect.equal(one:subject()[1].value, "\228")
  for _, wrong in ipairs { true, {}, print } do
    expect.raises("bad argument #2 to 'setencode' (string expected, got " .. type(wrong) .. ")",
      one.setencode, one, wrong)
  end
  expect.raises("bad argument #2 to 'setencode'", one.setencode, one)
end

each_type_of_string()
attributes_keep_their_order()
alternative_names_of_every_kind()
addresses_are_text()
other_names_of_every_type()
other_extensions_are_left_out()
encodings_are_each_object_s_own()

world.finish()
