-- Every field of a TLS configuration refuses every wrong value: by an error that names the field where
-- the type is wrong, else by nil and a message. What is false counts as absent.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local ssl = require "cosock.ssl"

local values = {
  ["true"] = true,
  number = 42,
  fraction = 1.5,
  negative = -1,
  ["not a number"] = 0 / 0,
  huge = 2 ^ 60,
  ["empty string"] = "",
  string = "none-such",
  ["string with a zero"] = "no\0ne",
  ["no text"] = "\255\254",
  ["empty table"] = {},
  ["table of a string"] = { "none-such" },
  ["table of a table"] = { {} },
  ["table of true"] = { true },
  ["table of a number"] = { 42 },
  ["function"] = function() end,
  coroutine = coroutine.create(function() end),
  file = io.stdout,
}

-- What a value comes to: "made", "refused", or "raised"; and the text.
local function outcome(field, value, mode)
  local config = { mode = mode, protocol = "any" }
  config[field] = value
  local results = expect.pack(pcall(ssl.newcontext, config))
  if not results[1] then
    expect.equal(type(results[2]), "string", field)
    return "raised", results[2]
  elseif results[2] == nil then
    expect.equal(results.n, 3, field)
    expect.equal(type(results[3]), "string", field)
    return "refused", results[3]
  end
  expect.equal(results.n, 2, field)
  expect.contains(tostring(results[2]), "SSL context: 0x")
  return "made"
end

-- Each value, with what `judge(value, type)` expects of it: an outcome and a part of its text.
local function check(field, mode, judge)
  for name, value in pairs(values) do
    local what = mode .. "'s " .. field .. " = " .. name
    local wanted, part = judge(value, type(value))
    local got, text = outcome(field, value, mode)
    expect.equal(got, wanted, what .. ": " .. tostring(text))
    if part then
      expect.contains(text, part, what)
    end
  end
  expect.equal((outcome(field, nil, mode)), "made", "no " .. field)
  expect.equal((outcome(field, false, mode)), "made", field .. " = false")
end

local function wrong_type(field, expected, kind)
  return "raised", ("bad field '%s' (%s expected, got %s)"):format(field, expected, kind)
end

-- A field that takes a string, none of which is any good.
local function text_field(field, message)
  return function(_, kind)
    if kind == "string" or kind == "number" then
      return "refused", message
    end
    return wrong_type(field, "string", kind)
  end
end

-- A field that takes a name or a list of names.
local function names_field(field, message)
  return function(value, kind)
    if kind == "table" then
      kind = type(value[1])
      if kind == "nil" then
        return "made"
      end
    end
    return text_field(field, message)(value, kind)
  end
end

for _, mode in ipairs { "client", "server" } do
  for field, message in pairs {
    key = "error loading private key (",
    certificate = "error loading certificate (",
    cafile = "error loading CA locations (",
    ciphers = "error setting cipher list (no cipher match) in ciphers",
    curveslist = "unknown elliptic curve in \"",
    curve = "elliptic curve '",
  } do
    check(field, mode, text_field(field, message))
  end
  for field, message in pairs {
    verify = "invalid verify option (",
    verifyext = "invalid verify option (",
    options = "invalid option (",
  } do
    check(field, mode, names_field(field, message))
  end

  -- A directory that is missing is no mistake, and no suites are suites.
  check("capath", mode, function(value, kind)
    if value == "" then
      return "refused", "error loading CA locations (invalid directory)"
    elseif kind == "string" and value:find("\0", 1, true) then
      return "refused", "error loading CA locations ("
    elseif kind == "string" or kind == "number" then
      return "made"
    end
    return wrong_type("capath", "string", kind)
  end)
  check("ciphersuites", mode, function(value, kind)
    if value == "" then
      return "made"
    end
    return text_field("ciphersuites", "error setting cipher list (no cipher match) in ciphersuites")(value, kind)
  end)

  check("depth", mode, function(value, kind)
    if kind ~= "number" then
      return wrong_type("depth", "number", kind)
    elseif value ~= value or value % 1 ~= 0 then
      return "raised", "bad field 'depth' (number has no integer representation)"
    end
    return "made"
  end)
  check("dhparam", mode, function(_, kind)
    if kind == "function" then
      return "made"
    end
    return "refused", "invalid DH parameter type"
  end)
  check("dane", mode, function(value, kind)
    local flag = kind == "table" and value[1]
    if flag then
      local name = type(flag) == "string" and flag or type(flag)
      return "raised", "bad field 'dane' (invalid option '" .. name .. "')"
    end
    return "made"
  end)
  check("certificates", mode, function(value, kind)
    if kind ~= "table" then
      return wrong_type("certificates", "table", kind)
    elseif #value == 0 or type(value[1]) == "table" then
      return "made"
    end
    return wrong_type("certificates", "list of tables", type(value[1]))
  end)
  check("sessions", mode, function()
    return "made"
  end)
end

check("alpn", "client", function(value, kind)
  if value == "" then
    return "refused", "invalid ALPN name (empty string)"
  elseif kind == "string" then
    return "made"
  elseif kind ~= "table" then
    return "refused", "invalid ALPN parameter"
  elseif #value == 0 then
    return "refused", "invalid ALPN list (empty)"
  elseif type(value[1]) ~= "string" then
    return "refused", "invalid ALPN name (" .. type(value[1]) .. ")"
  end
  return "made"
end)
check("alpn", "server", function(value, kind)
  if kind == "function" then
    return "made"
  elseif kind ~= "table" then
    return "refused", "invalid ALPN parameter"
  elseif #value == 0 then
    return "refused", "invalid ALPN list (empty)"
  elseif type(value[1]) ~= "string" then
    return "refused", "invalid ALPN name (" .. type(value[1]) .. ")"
  end
  return "made"
end)

check("verify_host", "client", function(value, kind)
  if value == true then
    return "made"
  elseif kind ~= "string" then
    return wrong_type("verify_host", "true or string", kind)
  elseif value == "" or value:find("\0", 1, true) then
    return "refused", "invalid verify_host (this is no name)"
  end
  return "made"
end)
check("verify_host", "server", function(value, kind)
  if value == true or kind == "string" then
    return "refused", "invalid verify_host (it is for clients)"
  end
  return wrong_type("verify_host", "true or string", kind)
end)

-- A password matters with a key only.
for name, value in pairs(values) do
  local config = { mode = "server", protocol = "any", password = value }
  assert(ssl.newcontext(config), name)
  config.key = secure.file("server.key")
  local context, err = ssl.newcontext(config)
  if type(value) == "string" or type(value) == "function" then
    assert(context, err)
  else
    expect.equal(context, nil, name)
    expect.equal(err, "invalid password type", name)
  end
end

-- Protocol and mode must be there.
for name, value in pairs(values) do
  for _, field in ipairs { "protocol", "mode" } do
    local config = { protocol = "any", mode = "client" }
    config[field] = value
    local results = expect.pack(pcall(ssl.newcontext, config))
    if type(value) == "string" or type(value) == "number" then
      expect.equal(results[2], nil)
      expect.contains(results[3], "invalid " .. field .. " (")
    else
      expect.contains(results[2], select(2, wrong_type(field, "string", type(value))), name)
    end
  end
end
for _, wrong in ipairs { "sslv2", "sslv3", "TLSv1_2", "tlsv1.2", "dtlsv1", "Any" } do
  local context, err = ssl.newcontext { mode = "client", protocol = wrong }
  expect.equal(context, nil)
  expect.equal(err, "invalid protocol (" .. wrong .. ")")
end
for _, wrong in ipairs { "Client", "server ", "both" } do
  local context, err = ssl.newcontext { mode = wrong, protocol = "any" }
  expect.equal(context, nil)
  expect.equal(err, "invalid mode (" .. wrong .. ")")
end
expect.raises("bad field 'protocol' (string expected, got nil)", ssl.newcontext, {})
expect.raises("bad field 'mode' (string expected, got nil)", ssl.newcontext, { protocol = "any" })

-- The table itself.
for name, value in pairs(values) do
  if type(value) ~= "table" and type(value) ~= "userdata" then
    local text = "bad argument #1 to 'newcontext' (table expected, got " .. type(value) .. ")"
    expect.raises(text, ssl.newcontext, value, name)
  end
end
expect.raises("bad argument #1 to 'newcontext' (table expected, got nil)", ssl.newcontext)

-- An error is at the place of whoever gave the table.
local function make()
  local context = ssl.newcontext { protocol = "any", mode = "client", key = {} }
  return context
end
expect.contains(expect.raises("bad field 'key'", make), "tls-context-refuses-wrong-values.lua:")

-- More names than a client could send, and than Lua could pass on one by one.
expect.usual_collector()
for _, count in ipairs { 20000, 1200000 } do
  local names = {}
  for place = 1, count do
    names[place] = "x"
  end
  for _, mode in ipairs { "client", "server" } do
    local got, text = outcome("alpn", names, mode)
    expect.equal(got, "refused", mode)
    expect.equal(text, "invalid ALPN list (too long)", mode)
  end
end

world.finish()
