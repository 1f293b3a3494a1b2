-- ssl.newcontext: reads LuaSec's configuration table, field after field, in LuaSec's order. What is
-- false counts as absent, and where a string is expected, a number is one.
--
-- Beside LuaSec's fields there are:
--   cafile = "system"     trusts what the system trusts.
--   verify_host           true: a client verifies that the certificate is for the name set by sni();
--                         a name or an address: for this one. As with verify = "peer", the handshake
--                         fails if the certificate is no good.
--   sessions = true       a client remembers its last session with each server, by name and address,
--                         and resumes it.

local own = ...
local type, ipairs, tostring, getmetatable = type, ipairs, tostring, getmetatable
local unpack, concat, table_insert = table.unpack or unpack, table.concat, table.insert
local refuse = own.refuse

-- Takes a step with one name, or with each name of a list.
local function each(step)
  return function(builder, value)
    if type(value) ~= "table" then
      return step(builder, value)
    end
    for _, name in ipairs(value) do
      local ok, err = step(builder, name)
      if not ok then
        return nil, err
      end
    end
    return true
  end
end

-- A password may be a function: it is called if the key is encrypted, and may wait.
local function load_key(builder, path, password)
  local kind = type(password)
  if kind ~= "nil" and kind ~= "string" and kind ~= "function" then
    return nil, "invalid password type"
  end
  local ok, err, is_encrypted = own.load_key(builder, path, kind == "string" and password or nil)
  if is_encrypted and kind == "function" then
    password = password()
    if type(password) == "string" or type(password) == "number" then
      ok, err = own.load_key(builder, path, password)
    end
  end
  return ok, err
end

local function load_identity(builder, identity)
  local key, certificate = identity.key, identity.certificate
  local ok, err = true, nil
  if key then
    ok, err = load_key(builder, key, identity.password)
  end
  if ok and certificate then
    ok, err = own.load_certificate(builder, certificate)
  end
  if ok and key and certificate then
    ok, err = own.check_key(builder, key, certificate)
  end
  return ok, err
end

local function load_identities(builder, identities)
  if type(identities) ~= "table" then
    refuse("certificates", "table expected, got " .. type(identities))
  end
  for _, identity in ipairs(identities) do
    if type(identity) ~= "table" then
      refuse("certificates", "list of tables expected, got " .. type(identity))
    end
    local ok, err = load_identity(builder, identity)
    if not ok then
      return nil, err
    end
  end
  return true
end

-- LuaSec asks in each handshake, with these arguments; we ask once.
local function set_dh_parameters(builder, ask, is_client)
  if type(ask) ~= "function" then
    return nil, "invalid DH parameter type"
  end
  local parameters = not is_client and ask(false, 1024)
  if not parameters then
    return true
  end
  return own.set_dh_parameters(builder, parameters)
end

local function set_protocols(builder, names, is_client)
  local kind = type(names)
  if kind == "string" and is_client then
    return own.set_protocols(builder, { names })
  elseif kind == "function" and not is_client then
    return own.ask_for_protocol(builder)
  elseif kind ~= "table" then
    return nil, "invalid ALPN parameter"
  end
  local plain = {}
  for place, name in ipairs(names) do
    if type(name) ~= "string" then
      return nil, "invalid ALPN name (" .. type(name) .. ")"
    end
    plain[place] = name
  end
  return own.set_protocols(builder, plain)
end

local function enable_dane(builder, flags)
  local no_ee_namechecks = false
  if type(flags) == "table" then
    for _, flag in ipairs(flags) do
      if flag ~= "no_ee_namechecks" then
        local text = type(flag) == "string" and flag or type(flag)
        refuse("dane", "invalid option '" .. text .. "'")
      end
      no_ee_namechecks = true
    end
  end
  return own.enable_dane(builder, no_ee_namechecks)
end

local function set_curve(builder, name, _, config)
  if config.curveslist then
    return true
  end
  return own.set_curve(builder, name)
end

local function verify_host(builder, name)
  if name ~= true and type(name) ~= "string" then
    refuse("verify_host", "true or string expected, got " .. type(name))
  end
  return own.verify_host(builder, name)
end

-- Fields and what is done with them, in order.
local steps = {
  { "cafile", own.trust_file },
  { "capath", own.trust_directory },
  { "ciphers", own.set_ciphers },
  { "ciphersuites", own.set_ciphersuites },
  { "verify", each(own.add_verify) },
  { "options", each(own.add_option) },
  { "depth", own.set_depth },
  { "dhparam", set_dh_parameters },
  { "curveslist", own.set_curves_list },
  { "curve", set_curve },
  { "verifyext", each(own.add_verify_extension) },
  { "alpn", set_protocols },
  { "dane", enable_dane },
  { "verify_host", verify_host },
  { "sessions", own.remember_sessions },
}

local function fill(builder, config, is_client)
  local ok, err = load_identities(builder, config.certificates or { config })
  for _, step in ipairs(steps) do
    if not ok then
      return nil, err
    end
    local value = config[step[1]]
    if value then
      ok, err = step[2](builder, value, is_client, config)
    end
  end
  return ok, err
end

-- A context, which connections are made from, or nil and what is wrong with the table.
local function newcontext(config)
  if type(config) ~= "table" and type(config) ~= "userdata" then
    own.refuse_config(config)
  end
  local mode = config.mode
  local builder, err = own.begin(config.protocol, mode)
  if builder then
    local ok
    ok, err = fill(builder, config, mode == "client")
    if ok then
      local alpn = config.alpn
      return (own.finish(builder, type(alpn) == "function" and alpn or nil))
    end
  end
  return nil, err
end

-- `wrap` gives equal tables the same context, as long as it is among the last few, because making one costs
-- more than a handshake. A table is described by its fields, and by what the system says of the files that
-- they name; one with a function, a metatable or a file that has just changed is not, and gets its own. So
-- does a server's that verifies its clients, for a session that is resumed is not verified again; and one whose
-- authorities OpenSSL looks up when it needs them, and keeps. Of the description, in which a password may be,
-- only the fingerprint is kept.
local known, latest, most = {}, {}, 8

local identity_fields = { "key", "certificate", "password" }
local fields = { "mode", "protocol", "certificates", unpack(identity_fields) }
for _, step in ipairs(steps) do
  fields[#fields + 1] = step[1]
end
local names_file = { key = true, certificate = true, cafile = true, capath = true }

local describe

local function describe_fields(parts, config, names)
  if type(config) ~= "table" or getmetatable(config) ~= nil then
    return false
  end
  for _, name in ipairs(names) do
    local value = config[name]
    if value and not describe(parts, name, value) then
      return false
    end
  end
  return true
end

function describe(parts, name, value)
  local kind, stamp = type(value), ""
  if kind == "string" or kind == "number" then
    value = tostring(value)
    if names_file[name] then
      stamp = own.stamp(value)
    end
    -- The length tells where it ends.
    parts[#parts + 1] = stamp and concat({ name, kind, #value, value, stamp }, " ")
    return stamp
  elseif kind == "table" and getmetatable(value) == nil then
    parts[#parts + 1] = name .. "{"
    for _, element in ipairs(value) do
      local described
      if name == "certificates" then
        described = describe_fields(parts, element, identity_fields)
      else
        described = type(element) ~= "table" and describe(parts, name, element)
      end
      if not described then
        return false
      end
      parts[#parts + 1] = ","
    end
    parts[#parts + 1] = "}"
    return true
  end
  parts[#parts + 1] = name
  return kind == "boolean"
end

local function may_be_shared(config)
  local verifies = config.mode ~= "client" and (config.verify or config.verifyext)
  return not (verifies or config.capath or config.cafile == "system" or config.sessions)
end

local function context_of(config)
  local parts = {}
  local description = describe_fields(parts, config, fields) and may_be_shared(config)
    and own.fingerprint(concat(parts, "\n"))
  local context = description and known[description]
  -- A state that closes finalizes what is still in use.
  if context and own.is_context(context) then
    return context
  end
  local err
  context, err = newcontext(config)
  if context and description then
    if known[description] == nil then
      table_insert(latest, 1, description)
      local oldest = latest[most + 1]
      if oldest then
        known[oldest], latest[most + 1] = nil, nil
      end
    end
    known[description] = context
  end
  return context, err
end

return newcontext, context_of
