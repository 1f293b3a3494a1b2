-- Writes X.509 certificates byte by byte, so that tests can have what no tool would issue. The keys
-- and signatures in them are made up: they can be read, and verify nothing.
local der = {}

local char, floor, rep, concat = string.char, math.floor, string.rep, table.concat

local function length(count)
  if count < 128 then
    return char(count)
  end
  local bytes = ""
  while count > 0 do
    bytes = char(count % 256) .. bytes
    count = floor(count / 256)
  end
  return char(128 + #bytes) .. bytes
end

-- A value of any tag, made of the contents joined.
function der.tagged(tag, ...)
  local contents = concat { ... }
  return char(tag) .. length(#contents) .. contents
end

function der.sequence(...)
  return der.tagged(0x30, ...)
end

function der.set(...)
  return der.tagged(0x31, ...)
end

-- An integer from its bytes.
function der.integer(bytes)
  return der.tagged(0x02, bytes)
end

-- String types by their ASN.1 names. The bytes are taken as they are.
local string_tags = {
  utf8 = 0x0C, numeric = 0x12, printable = 0x13, teletex = 0x14, ia5 = 0x16, visible = 0x1A,
  general = 0x1B, universal = 0x1C, bmp = 0x1E, octet = 0x04, bits = 0x03,
}

function der.text(kind, bytes)
  return der.tagged(assert(string_tags[kind]), bytes)
end

-- An object identifier from its dotted form.
function der.oid(dotted)
  local arcs = {}
  for arc in dotted:gmatch "%d+" do
    arcs[#arcs + 1] = tonumber(arc)
  end
  local bytes = char(arcs[1] * 40 + arcs[2])
  for place = 3, #arcs do
    local arc = arcs[place]
    local septets = char(arc % 128)
    while arc >= 128 do
      arc = floor(arc / 128)
      septets = char(128 + arc % 128) .. septets
    end
    bytes = bytes .. septets
  end
  return der.tagged(0x06, bytes)
end

-- One attribute of a name: an OID and a value already encoded.
function der.attribute(oid, value)
  return der.sequence(der.oid(oid), value)
end

-- A name: each argument is one relative name, of one or several attributes joined.
function der.name(...)
  local relative = {}
  for place = 1, select("#", ...) do
    relative[place] = der.set((select(place, ...)))
  end
  return der.sequence(concat(relative))
end

function der.common_name(text)
  return der.name(der.attribute("2.5.4.3", der.text("utf8", text)))
end

-- An extension whose content is `value`.
function der.extension(oid, value)
  return der.sequence(der.oid(oid), der.text("octet", value))
end

-- An alternative name of each kind.
local alternatives = {
  other = 0xA0, email = 0x81, dns = 0x82, x400 = 0xA3, directory = 0xA4, edi = 0xA5, uri = 0x86,
  ip = 0x87, registered = 0x88,
}

function der.alternative(kind, bytes)
  return der.tagged(assert(alternatives[kind]), bytes)
end

-- The extension of alternative names, joined.
function der.alternatives(...)
  return der.extension("2.5.29.17", der.sequence(...))
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

function der.base64(bytes)
  local out = {}
  for place = 1, #bytes, 3 do
    local a, b, c = bytes:byte(place, place + 2)
    local group = a * 65536 + (b or 0) * 256 + (c or 0)
    local quad = {}
    for digit = 1, 4 do
      local value = floor(group / 64 ^ (4 - digit)) % 64
      quad[digit] = alphabet:sub(value + 1, value + 1)
    end
    if not b then
      quad[3] = "="
    end
    if not c then
      quad[4] = "="
    end
    out[#out + 1] = concat(quad)
  end
  return concat(out)
end

function der.pem(label, bytes)
  local text = der.base64(bytes):gsub(rep(".", 64), "%0\n"):gsub("\n$", "")
  return "-----BEGIN " .. label .. "-----\n" .. text .. "\n-----END " .. label .. "-----\n"
end

local null = der.tagged(0x05)
local sha256_with_rsa = der.sequence(der.oid "1.2.840.113549.1.1.11", null)
local rsa_key = der.sequence(
  der.sequence(der.oid "1.2.840.113549.1.1.1", null),
  der.text("bits", "\0" .. der.sequence(der.integer("\0\193" .. rep("\1", 127)), der.integer "\1\0\1"))
)

-- A certificate's bytes. Every field has a default; `extensions` is a list.
function der.certificate(fields)
  local algorithm = fields.algorithm or sha256_with_rsa
  local signed = der.sequence(
    der.tagged(0xA0, der.integer "\2"),
    fields.serial or der.integer "\1",
    algorithm,
    fields.issuer or der.common_name "issuer",
    der.sequence(
      fields.not_before or der.tagged(0x17, "200201000000Z"),
      fields.not_after or der.tagged(0x17, "300201000000Z")
    ),
    fields.subject or der.common_name "subject",
    fields.key or rsa_key,
    fields.extensions and der.tagged(0xA3, der.sequence(concat(fields.extensions))) or ""
  )
  return der.sequence(signed, algorithm, der.text("bits", "\0" .. rep("\5", 128)))
end

-- The same as PEM.
function der.certificate_pem(fields)
  return der.pem("CERTIFICATE", der.certificate(fields))
end

return der
