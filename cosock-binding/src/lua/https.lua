-- cosock.ssl.https: LuaSec's HTTPS client over cosock's sockets.
--
-- `https.request` is `http.request` for https, with the fields of a TLS context in the request. As LuaSec
-- has it, nothing is verified unless the request asks for it. One line makes a whole program verify every
-- server, its name included, against the system's certificates:
--
--   require("cosock.ssl.https").VERIFY = true
--
-- This holds for https URLs given to `cosock.socket.http` and for redirects, too. A request that sets
-- `verify`, `verify_host`, `cafile` or `capath` itself keeps what it sets.
--
-- A request's `password` is that of its `key`, and a function may be: what the server is told of its user
-- stands in the URL alone.
--
-- Beyond LuaSec: redirects are followed, with the request's TLS fields, but never to http; `proxy` and
-- `http.PROXY` lead through CONNECT; the request's table is left as it was.

local modules = ...
local ssl = modules["cosock.ssl"]
if not ssl then
  return nil
end
local socket, http, url = modules["cosock.socket"], modules["cosock.socket.http"], modules["socket.url"]
local request, connection = modules["cosock.http.request"], modules["cosock.http.connection"]

local https = {
  _VERSION = "1.2.0",
  _COPYRIGHT = ssl._COPYRIGHT,
  PORT = 443,
  TIMEOUT = 60,
  VERIFY = false,
}

local defaults = {
  protocol = "any",
  options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" },
  verify = "none",
}

-- The fields of a TLS context, as `params` has them or by default.
local function context_fields(params)
  local fields = {}
  for field, value in pairs(params) do
    fields[field] = value
  end
  if https.VERIFY then
    fields.verify = fields.verify or "peer"
  end
  if https.VERIFY and fields.verify ~= "none" then
    if fields.verify_host == nil then
      fields.verify_host = true
    end
    if not fields.cafile and not fields.capath then
      fields.cafile = "system"
    end
  end
  for field, value in pairs(defaults) do
    if fields[field] == nil then
      fields[field] = value
    end
  end
  fields.mode = "client"
  -- To a context, what is false is wrong: a request says by it that it does not want VERIFY's.
  fields.verify_host = fields.verify_host or nil
  return fields
end

-- Fields of requests, and of what `http.request` makes of them, that are none of a context.
local request_fields = {}
for _, field in ipairs {
  "url", "scheme", "authority", "userinfo", "user", "password", "host", "port", "path", "params", "query",
  "fragment", "uri", "method", "headers", "source", "sink", "step", "target", "proxy", "redirect",
  "maxredirects", "nredirects", "create", "connect_host", "connect_port", "is_users_object",
  "credentials",
} do
  request_fields[field] = true
end

-- Whether a request asks of TLS nothing of its own. A field that nobody knows may be a context's.
local function is_usual(params)
  for field in pairs(params) do
    if not request_fields[field] then
      return false
    end
  end
  return true
end

-- The contexts of usual requests, without and with VERIFY: to read the system's certificates takes long.
local usual = {}

-- Whether a host is an address, which is no name to tell the server.
local function is_address(host)
  return host:find ":" ~= nil or host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil
end

-- The context of a connection to this host; or nil and the reason.
local function context_of(params, host)
  -- What to look for in a certificate is part of a context, but for the name that the server is told.
  if is_usual(params) and not (https.VERIFY and is_address(host)) then
    local kind = https.VERIFY and "verified" or "trusting"
    local context, err = usual[kind], nil
    if not context then
      context, err = ssl.newcontext(context_fields {})
      usual[kind] = context
    end
    return context, err
  end
  local fields = context_fields(params)
  if fields.verify_host == true then
    fields.verify_host = host
  end
  return ssl.newcontext(fields)
end

-- Reads the head of an answer. Returns its status line.
local function receive_head(sock)
  local next_line = connection.header_lines(sock)
  local status, err = next_line()
  local line = status
  while line and line ~= "" do
    line, err = next_line()
  end
  if not line then
    return nil, err
  end
  return status
end

local function code_of(status)
  return tonumber(status:match "^HTTP/%d+%.%d+ (%d%d%d)")
end

-- Asks the proxy on the other end of `sock` to lead on to the server of this name.
local function open_tunnel(sock, name, authorization)
  local lines = { "CONNECT " .. name .. " HTTP/1.1", "Host: " .. name }
  if authorization then
    lines[#lines + 1] = "Proxy-Authorization: " .. authorization
  end
  local sent, err = sock:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
  if not sent then
    return nil, err
  end
  local status
  local count = 0
  repeat
    if count > connection.MOST_INTERIM then
      return nil, "too many interim answers"
    end
    status, err = receive_head(sock)
    if not status then
      return nil, err
    end
    count = count + 1
  until not connection.is_interim(code_of(status))
  if not status:find "^HTTP/%d+%.%d+ 2%d%d" then
    return nil, "proxy refused: " .. status
  end
  return 1
end

-- Connects a TCP socket to the server, by way of the proxy if there is one. What this is told as the
-- `authorization` goes before its URL's.
local function connect(sock, proxy, host, port, authorization)
  sock:settimeout(https.TIMEOUT)
  if not proxy then
    return sock:connect(host, port)
  elseif proxy.scheme ~= "http" then
    return nil, "unsupported proxy scheme '" .. proxy.scheme .. "'"
  end
  local name = request.bracketed(host) .. ":" .. port
  if name:find "[%c%s]" then
    -- It would write lines of its own.
    return nil, "invalid host '" .. name:match "[^%c%s]*" .. "'"
  end
  if tostring(authorization):find "[\r\n]" then
    return nil, 'line break in the header "proxy-authorization"'
  end
  local done, err = sock:connect(proxy.host, proxy.port)
  if done then
    done, err = open_tunnel(sock, name, authorization or request.authorization(proxy))
  end
  return done, err
end

-- Makes a TLS object of a connected socket. Returns nil, the reason and what to close when that fails.
local function encrypt(sock, context, host)
  local conn, err = ssl.wrap(sock, context)
  if not conn then
    return nil, err, sock
  end
  conn:settimeout(https.TIMEOUT)
  if not is_address(host) then
    conn:sni(host)
  end
  local done
  done, err = conn:dohandshake()
  if not done then
    return nil, err, conn
  end
  return conn
end

-- What `create` gives to a request: connects, then is the TLS object in all but its identity.
local methods = {}

local meta = {
  __index = function(self, name)
    local value = methods[name]
    if value == nil then
      value = self.sock[name]
      if type(value) == "function" then
        local method = value
        value = function(object, ...)
          return method(object.sock, ...)
        end
      end
    end
    return value
  end,
}

function methods:connect(host, port)
  local proxy = self.params.proxy
  proxy = proxy and url.parse(proxy, { scheme = "http", port = request.PROXY_PORT })
  -- First, for it may raise, and then nothing must be open.
  local context, done, err
  context, err = context_of(self.params, host)
  if context then
    done, err = connect(self.sock, proxy, host, port, self.proxy_authorization)
  end
  if not done then
    self.sock:close()
    return nil, err
  end
  local conn, reason, failed = encrypt(self.sock, context, host)
  if not conn then
    failed:close()
    return nil, reason
  end
  self.sock = conn
  return 1
end

-- A function that makes the object of a connection with these TLS fields, for `create` of a request;
-- `proxy` among them leads through one.
function https.tcp(params)
  params = params or {}
  return function()
    local sock, err = socket.tcp()
    if not sock then
      return nil, err
    end
    return setmetatable({ sock = sock, params = params, has_proxy = not not params.proxy }, meta)
  end
end

-- A request for https on this module's port, made from one as `http.request` takes it.
local function secured(given)
  local copy = {}
  for field, value in pairs(given) do
    copy[field] = value
  end
  local parsed = given.url and request.parse(given.url, { port = https.PORT })
  if parsed then
    parsed.scheme = "https"
    copy.url = url.build(parsed)
  end
  copy.scheme = "https"
  return copy
end

-- Returns the text, or 1 when `given` is a table, the code, the headers and the status line; on failure
-- nil, the reason, nil and nil.
function https.request(given, body)
  local chunks
  request.check_settings()
  if type(given) == "string" then
    request.check_body(body)
    given = http.genericform(given, body)
    chunks = given.target
  else
    request.check(given)
  end
  if given.create then
    return nil, "create function not permitted"
  end
  local done, code, headers, status = http.request(secured(given))
  if done and chunks then
    done = table.concat(chunks)
  end
  return done, code, headers, status
end

return https
