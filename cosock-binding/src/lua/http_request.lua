-- What a request given to `http.request` means: where to connect and what to send, and where a redirect
-- leads.

local modules = ...
local url, mime, trim = modules["socket.url"], modules["mime"], modules["cosock.http.connection"].trim

local unpack = table.unpack or unpack

local request = {}

-- The port of a proxy whose URL has none.
request.PROXY_PORT = 3128

-- What the fields of a request are.
local kinds = {
  url = "string", method = "string", headers = "table", uri = "string", proxy = "string", scheme = "string",
  host = "string", path = "string", port = "text", query = "text", params = "text", maxredirects = "number",
  nredirects = "number", sink = "function", source = "function", step = "function", create = "function",
}

-- Whether a value is of a kind: text is also a number, a function also what can be called, and where these
-- are expected, or a number, false stands for nothing.
local function is_of(kind, value)
  local actual = type(value)
  if actual == kind then
    return true
  elseif kind == "string" or kind == "table" then
    return false
  elseif kind == "function" and (actual == "table" or actual == "userdata") then
    local meta = getmetatable(value)
    return type(meta) == "table" and meta.__call ~= nil
  end
  return value == false or kind == "text" and (actual == "string" or actual == "number")
end

-- Refuses a request that is wrong itself, at the position of whoever called the function that asks.
function request.check(given)
  if type(given) ~= "table" then
    error("bad argument #1 to 'request' (string or table expected, got " .. type(given) .. ")", 3)
  end
  for field, kind in pairs(kinds) do
    local value = given[field]
    if value ~= nil and not is_of(kind, value) then
      local expected = kind == "text" and "string" or kind
      error(("bad field '%s' in request (%s expected, got %s)"):format(field, expected, type(value)), 3)
    end
  end
  for name, value in pairs(given.headers or {}) do
    if type(value) ~= "string" and type(value) ~= "number" then
      error(("bad header '%s' in request (string expected, got %s)"):format(tostring(name), type(value)), 3)
    end
  end
end

-- Whether `settimeout` takes the value: text that is a number, too; false stands for no limit.
local function is_seconds(value)
  local number = tonumber(value)
  return not value or number ~= nil and number == number
end

local function is_agent(value)
  return value == nil or type(value) == "string" or type(value) == "number"
end

local function is_proxy(value)
  return not value or type(value) == "string"
end

local function is_port(value)
  return value == nil or is_of("text", value)
end

-- What the settings are that programs change in the modules, and what is said to be expected.
local settings = {
  { "http", "TIMEOUT", is_seconds, "number" },
  { "http", "CONTINUE_TIMEOUT", is_seconds, "number" },
  { "http", "USERAGENT", is_agent, "string" },
  { "http", "PROXY", is_proxy, "string" },
  { "https", "TIMEOUT", is_seconds, "number" },
  { "https", "PORT", is_port, "string" },
}

-- The same for settings. What nobody has loaded, nobody has changed.
function request.check_settings()
  local found = { http = modules["cosock.socket.http"], https = rawget(modules, "cosock.ssl.https") or {} }
  for _, setting in ipairs(settings) do
    local module, name, is_right, expected = unpack(setting)
    local value = found[module][name]
    if not is_right(value) then
      local got = value ~= value and "NaN" or type(value)
      error(("bad setting '%s.%s' (%s expected, got %s)"):format(module, name, expected, got), 3)
    end
  end
end

-- The same for the body of the simple form.
function request.check_body(body)
  local kind = type(body)
  if body ~= nil and kind ~= "string" and kind ~= "number" then
    error("bad argument #2 to 'request' (string expected, got " .. kind .. ")", 3)
  end
end

-- Fields of a request that say the same as its URL does.
local url_fields = {
  "url", "scheme", "authority", "userinfo", "user", "password", "host", "port", "path", "params", "query",
  "fragment",
}

-- A URL may have a query without a path, which `url.parse` takes for a part of the host.
local function parse(text, default)
  local from = text:match "^%w[%w+.-]*:()" or 1
  local rest = text:sub(from):gsub("^(//[^/?#]*)([?#])", "%1/%2")
  return url.parse(text:sub(1, from - 1) .. rest, default)
end
request.parse = parse

local function is_empty(text)
  return not text or text == ""
end

-- A host as it stands in front of a port.
function request.bracketed(host)
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

-- What the server is told of its user. On a scheme that `owns_password`, the request's `password` is no
-- business of the server's, nor the URL's one of the key's.
local function credentials_of(scheme, given, parsed)
  if scheme.owns_password then
    return parsed
  end
  local both = { user = given.user or parsed.user, password = given.password or parsed.password }
  for field, value in pairs(both) do
    if both.user and both.password and type(value) ~= "string" and type(value) ~= "number" then
      return nil, ("invalid %s (string expected, got %s)"):format(field, type(value))
    end
  end
  return both
end

-- What a server or proxy is told of its user; nil without one.
function request.authorization(parts)
  if parts.user and parts.password then
    return "Basic " .. mime.b64(url.unescape(parts.user) .. ":" .. url.unescape(parts.password))
  end
end

-- A proxy as a parsed URL; nil without one; nil and a reason when it is none.
local function proxy_of(http, text)
  if not text then
    return nil
  end
  local proxy = url.parse(text, { scheme = "http", port = request.PROXY_PORT })
  if not (proxy and proxy.host and http.schemes[proxy.scheme]) then
    return nil, "invalid proxy '" .. tostring(text) .. "'"
  end
  return proxy
end

local function headers_of(http, plan, given, proxy)
  local host = request.bracketed(plan.host)
  if tostring(plan.port) ~= tostring(http.schemes[plan.scheme].port) then
    host = host .. ":" .. plan.port
  end
  local headers = {
    host = host,
    ["user-agent"] = http.USERAGENT,
    connection = "close, TE",
    te = "trailers",
    authorization = request.authorization(plan.credentials),
    ["proxy-authorization"] = proxy and request.authorization(proxy),
  }
  for name, value in pairs(given.headers or {}) do
    headers[tostring(name):lower()] = value
  end
  if plan.source and not headers["content-length"] and not headers["transfer-encoding"] then
    headers["transfer-encoding"] = "chunked"
  end
  return headers
end

-- Sets where the plan connects to, with what, and what it asks for.
local function set_route(http, plan, given, proxy)
  local target = { path = plan.path, params = plan.params, query = plan.query }
  plan.connect_host, plan.connect_port = plan.host, plan.port
  local maker = http.schemes[plan.scheme]
  if proxy then
    target.scheme, target.host, target.port = plan.scheme, plan.host, plan.port
    plan.connect_host, plan.connect_port = proxy.host, proxy.port
    maker = http.schemes[proxy.scheme]
  end
  plan.create = given.create or maker.create(plan)
  plan.uri = given.uri or url.build(target)
end

-- Returns a table of all the fields of the request and its URL, and what follows from them; or nil and
-- a reason.
function request.plan(http, given)
  local default = { scheme = "http", path = "/" }
  local plan, err = default, nil
  if given.url then
    plan, err = parse(given.url, default)
    if not plan then
      return nil, err
    end
  end
  local in_url = { user = plan.user, password = plan.password }
  plan.user, plan.password = nil, nil
  for field, value in pairs(given) do
    plan[field] = value
  end
  plan.scheme = plan.scheme:lower()
  local scheme = http.schemes[plan.scheme]
  if not scheme then
    return nil, "unknown scheme '" .. plan.scheme .. "'"
  elseif is_empty(plan.host) then
    return nil, "invalid host '" .. tostring(plan.host) .. "'"
  end
  plan.credentials, err = credentials_of(scheme, given, in_url)
  if err then
    return nil, err
  end
  plan.port = is_empty(plan.port) and scheme.port or plan.port
  plan.method = is_empty(plan.method) and "GET" or plan.method
  plan.proxy = given.proxy or http.PROXY
  local proxy
  proxy, err = proxy_of(http, plan.proxy)
  if err then
    return nil, err
  end
  plan.is_users_object = not not given.create
  if scheme.tunnels and not plan.is_users_object then
    -- The object that the scheme makes sees to it.
    proxy = nil
  end
  plan.headers = headers_of(http, plan, given, proxy)
  set_route(http, plan, given, proxy)
  return plan
end

local function may_follow(plan, code)
  if plan.redirect == false or plan.source then
    return false
  end
  local limit = plan.maxredirects
  if limit == nil then
    limit = 5
  end
  return (plan.method == "GET" or plan.method == "HEAD")
    and (code == 301 or code == 302 or code == 303 or code == 307)
    and (not limit or (plan.nredirects or 0) < limit)
end

-- The absolute URL at which the answer to `plan` says to ask again, if that is to be done.
function request.redirect(http, plan, code, headers)
  local location = trim(headers.location or ""):gsub("%s", "%%20")
  if location == "" or not may_follow(plan, code) then
    return nil
  end
  local base = url.build {
    scheme = plan.scheme,
    host = plan.host,
    port = plan.port,
    path = plan.path,
    params = plan.params,
    query = plan.query,
  }
  -- Dots in a query are not those of a path.
  local path, rest = location:match "^([^?#]*)(.*)$"
  local target = path == "" and url.absolute(base, location) or url.absolute(base, path) .. rest
  local scheme = (parse(target).scheme or ""):lower()
  if not http.schemes[scheme] then
    return nil
  elseif scheme ~= plan.scheme and (plan.scheme == "https" or plan.is_users_object) then
    -- Not from https to anything less; and what the user made for one scheme does not speak another.
    return nil
  end
  return target
end

-- Whether what the user sent to the one may be sent to the other: the same host and port, or that of
-- https instead of http.
local function is_same_server(http, plan, target)
  local function port_of(parts)
    return tonumber(is_empty(parts.port) and http.schemes[parts.scheme:lower()].port or parts.port)
  end
  if plan.host:lower() ~= (target.host or ""):lower() then
    return false
  end
  local from, to = port_of(plan), port_of(target)
  return from == to or (from == http.schemes.http.port and to == http.schemes.https.port)
end

local private_headers = { authorization = true, cookie = true, host = true }

-- Whether what the user sent as a header may be sent to any server. What was meant for a proxy goes to it again.
local function is_for_all(plan, name)
  name = tostring(name):lower()
  if name == "proxy-authorization" then
    -- Where it is no header any more, the object has told it to a proxy of its own.
    return plan.proxy or not plan.headers[name]
  end
  return not private_headers[name]
end

-- A user or a password for a URL, in which the rest of one with such a character would be taken for the host. Escapes
-- stay: they are undone wherever it comes from.
local function escaped(text)
  return is_of("text", text) and text and string.gsub(text, "[/?#@:]", function(char)
    return ("%%%02X"):format(char:byte())
  end)
end

-- The request that asks at `target` for what `given`, of which `plan` was made, asked for.
function request.redirected(http, given, plan, target)
  local redirected = {}
  for field, value in pairs(given) do
    redirected[field] = value
  end
  local parsed = parse(target)
  if is_same_server(http, plan, parsed) then
    local credentials = plan.credentials
    parsed.user = parsed.user or escaped(credentials.user)
    parsed.password = parsed.password or escaped(credentials.password)
  elseif given.headers then
    redirected.headers = {}
    for name, value in pairs(given.headers) do
      if is_for_all(plan, name) then
        redirected.headers[name] = value
      end
    end
  end
  for _, field in ipairs(url_fields) do
    redirected[field] = nil
  end
  if http.schemes[plan.scheme].owns_password then
    redirected.password = given.password
  end
  redirected.uri = nil
  redirected.url = url.build(parsed)
  redirected.nredirects = (plan.nredirects or 0) + 1
  return redirected
end

return request
