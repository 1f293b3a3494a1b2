-- cosock.socket.http: LuaSocket's HTTP client over cosock's sockets.
--
-- `http.request(url [, body])` returns the text, the code, the headers and the status line;
-- `http.request{...}` returns 1 in place of the text, which its sink gets. Both return nil and the reason
-- when they fail, and nothing stays open. Sources, sinks, steps and `create` are the user's and may wait.
--
-- Beyond LuaSocket: https URLs go through a proxy by CONNECT; a redirect to another server takes no
-- Authorization, Cookie or Host header along, and none leads from https to http; a line break in a header
-- or URL is refused; `expect: 100-continue` waits for the answer.

local modules, native = ...
local socket, ltn12 = modules["cosock.socket"], modules["ltn12"]
local unpack = table.unpack or unpack
local connection, request = modules["cosock.http.connection"], modules["cosock.http.request"]

local http = {
  -- Seconds for each wait.
  TIMEOUT = 60,
  -- Seconds that a request which expects "100-continue" waits for it before it sends its body anyway.
  CONTINUE_TIMEOUT = 1,
  USERAGENT = socket._VERSION,
}

-- By scheme: the port unless the URL has one, and what makes from the request the function that makes
-- the connection's object. To what `tunnels`, a proxy leads by CONNECT. Where it `owns_password`, a
-- request's field of this name is for that object; what the server is told stands in the URL.
http.schemes = {
  http = {
    port = 80,
    create = function()
      return socket.tcp
    end,
  },
  https = {
    port = 443,
    tunnels = true,
    owns_password = true,
    create = function(plan)
      local https = modules["cosock.ssl.https"]
      if not https then
        return function()
          return nil, "this cosock was built without TLS"
        end
      end
      return https.tcp(plan)
    end,
  },
}

-- A connection to a server, whose methods raise for `socket.protect`, as this function does.
function http.open(host, port, create)
  request.check_settings()
  local open = modules["cosock.http.raising"]
  local opened, wrong = open(host, port or 80, create or socket.tcp, http.TIMEOUT)
  if wrong then
    error("bad argument #3 to 'open' (" .. wrong .. ")", 2)
  end
  return opened
end

-- Sends the request. Returns true, or false when the server answers before it wants the body, or nil and
-- the reason.
local function send(conn, plan)
  local done, err = conn:sendrequestline(plan.method, plan.uri)
  if done then
    done, err = conn:sendheaders(plan.headers)
  end
  if not done or not plan.source then
    return done, err
  end
  local expected = plan.headers.expect
  if expected and expected:lower() == "100-continue" then
    local answered
    answered, err = conn:awaitcontinue(http.CONTINUE_TIMEOUT, http.TIMEOUT)
    if answered == nil then
      return nil, err
    elseif answered then
      return false
    end
  end
  return conn:sendbody(plan.headers, plan.source, plan.step)
end

-- Reads up to the status line of the answer itself; sends the body when it is asked for.
local function receive_status(conn, plan, body_sent)
  local code, status = conn:receivestatusline()
  local count = 0
  while connection.is_interim(code) do
    count = count + 1
    if count > connection.MOST_INTERIM then
      return nil, "too many interim answers"
    end
    local done, err = conn:receiveheaders()
    if done and code == 100 and not body_sent then
      body_sent = true
      done, err = conn:sendbody(plan.headers, plan.source, plan.step)
    end
    if not done then
      return nil, err
    end
    code, status = conn:receivestatusline()
  end
  return code, status
end

local function has_body(plan, code)
  return plan.method ~= "HEAD" and code ~= 204 and code ~= 304 and (code < 100 or code >= 200)
end

-- Returns the code, the headers, the status line and, instead of a body, the URL to ask at next.
local function converse(conn, plan)
  local sent, err = send(conn, plan)
  if sent == nil then
    return nil, err
  end
  local code, status = receive_status(conn, plan, sent)
  if code == nil then
    return nil, status
  elseif code == false then
    sent, err = conn:receive09body(status, plan.sink, plan.step)
    if not sent then
      return nil, err
    end
    return 200
  end
  local headers
  headers, err = conn:receiveheaders()
  if not headers then
    return nil, err
  end
  local target = request.redirect(http, plan, code, headers)
  if not target and has_body(plan, code) then
    local done
    done, err = conn:receivebody(headers, plan.sink, plan.step)
    if not done then
      return nil, err
    end
  end
  return code, headers, status, target
end

-- Follows redirects. `open` has the connection while there is one; and `wrong`, what must be raised where the
-- request was made.
local function perform(given, open)
  local location
  while true do
    local plan, err = request.plan(http, given)
    if not plan then
      return nil, err
    end
    local wrong
    open.conn, err, wrong =
      connection.open(plan.connect_host, plan.connect_port, plan.create, http.TIMEOUT, plan.headers)
    if wrong then
      open.wrong = "bad field 'create' in request (" .. wrong .. ")"
    end
    if not open.conn then
      return nil, err
    end
    local code, headers, status, target = converse(open.conn, plan)
    open.conn:close()
    open.conn = nil
    if not code then
      return nil, headers
    elseif not target then
      if headers then
        headers.location = headers.location or location
        return 1, code, headers, status
      end
      return 1, code
    end
    location = headers.location
    given = request.redirected(http, given, plan, target)
  end
end

local function settle(open, ok, ...)
  if ok then
    return ...
  end
  if open.conn then
    open.conn:close()
  end
  error((...), 0)
end

-- Errors that the user's functions raise go on; the connection is closed before.
local function run(given, open)
  return settle(open, native.pcall(perform, given, open))
end

-- A request as `http.request` takes it, for a URL and a body; its `target` collects the answer.
function http.genericform(target, body)
  local chunks = {}
  local given = { url = target, sink = ltn12.sink.table(chunks), target = chunks }
  if body then
    body = tostring(body)
    given.method = "POST"
    given.source = ltn12.source.string(body)
    given.headers = {
      ["content-length"] = #body,
      ["content-type"] = "application/x-www-form-urlencoded",
    }
  end
  return given
end

local function text_of(chunks, done, ...)
  if not done then
    return nil, ...
  end
  local code, headers, status = ...
  return table.concat(chunks), code, headers, status
end

local function pack(...)
  return { n = select("#", ...), ... }
end

function http.request(given, body)
  request.check_settings()
  if type(given) == "string" then
    request.check_body(body)
    given = http.genericform(given, body)
    return text_of(given.target, run(given, {}))
  end
  request.check(given)
  local open = {}
  local results = pack(run(given, open))
  if open.wrong then
    error(open.wrong, 2)
  end
  return unpack(results, 1, results.n)
end

return http
