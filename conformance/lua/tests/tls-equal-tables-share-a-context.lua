-- `wrap` gives equal tables one context, so that a server which hands it a table resumes sessions; a table that
-- differs in anything, or whose files have changed, gets another, and so does one with a function, and a server
-- that verifies.
local world = require "world"
local expect = require "expect"
local secure = require "secure"
local cosock = require "cosock"
local ssl = cosock.ssl

local listener = assert(cosock.socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()

-- Connects with a context that remembers sessions, to a server with this table: tells whether the server knew
-- the session, and the fingerprint of its certificate.
local function connect(client_context, server_config)
  local tx, rx = cosock.channel.new()
  cosock.spawn(function()
    local server = assert(ssl.wrap(assert(listener:accept()), server_config))
    assert(server:dohandshake())
    assert(server:send "x")
    server:receive(1)
    server:close()
    tx:send(true)
  end, "server")
  local tcp = assert(cosock.socket.tcp())
  assert(tcp:connect("127.0.0.1", port))
  local client = assert(ssl.wrap(tcp, client_context))
  assert(client:dohandshake())
  expect.equal(client:receive(1), "x")
  local resumed, certificate = client:info "resumed", client:getpeercertificate()
  client:close()
  rx:receive()
  return resumed, certificate:digest "sha256"
end

local function remembering()
  return assert(ssl.newcontext(secure.client { sessions = true }))
end

-- The place of a text among all that a function holds, or nil.
local function find_text(text, value, seen)
  seen = seen or {}
  if type(value) == "string" then
    return value:find(text, 1, true) and value
  elseif seen[value] or type(value) ~= "table" and type(value) ~= "function" then
    return nil
  end
  seen[value] = true
  local found
  if type(value) == "table" then
    for key, element in next, value do
      found = found or find_text(text, key, seen) or find_text(text, element, seen)
    end
    return found
  end
  local place = 1
  while not found do
    local name, held = debug.getupvalue(value, place)
    if not name then
      return nil
    end
    found, place = find_text(text, held, seen), place + 1
  end
  return found
end

-- Whether two connections of a new client, to servers with these tables, find the same context.
local function shared(first, second)
  local client = remembering()
  expect.equal(connect(client, first), false)
  return (connect(client, second))
end

local function copy(from, to)
  local source = assert(io.open(from, "rb"))
  local target = assert(io.open(to, "wb"))
  target:write(source:read "*a")
  source:close()
  target:close()
end

cosock.spawn(function()
  -- Files that are only just written are read each time; the tests' own may be.
  local started = cosock.socket.gettime()
  while not shared(secure.server(), secure.server()) do
    assert(cosock.socket.gettime() - started < 20, "equal tables never share")
    cosock.socket.sleep(0.05)
  end
  local config = secure.server()
  expect.equal(shared(config, config), true, "one table")
  expect.equal(shared(secure.server { options = { "no_sslv3" } }, secure.server { options = { "no_sslv3" } }), true)
  expect.equal(shared(secure.server { ignored = print }, secure.server()), true, "not a field")
  expect.equal(shared(secure.server { alpn = false }, secure.server()), true, "false is absent")
  local listed = { certificates = { secure.server() }, mode = "server", protocol = "any" }
  expect.equal(shared(listed, listed), true, "a list of identities")

  -- What is kept to compare tables with does not tell a password.
  local password = "sec" .. "ret"
  local protected = secure.server { key = secure.file "encrypted.key", password = password }
  expect.equal(shared(protected, protected), true, "with a password")
  expect.equal(find_text(password, ssl.wrap), nil)
  assert(find_text("verify_host", ssl.wrap), "its fields are found")

  local others = {
    "options", { "no_ticket", "no_sslv3" },
    "ciphers", "HIGH",
    "depth", 3,
    "password", "unused",
    "alpn", { "a", "b" },
    "verify", { "none" },
    "curveslist", "P-256",
    "certificates", { secure.server() },
  }
  for place = 1, #others, 2 do
    local field, value = others[place], others[place + 1]
    expect.equal(shared(secure.server(), secure.server { [field] = value }), false, field)
  end
  -- What a list ends with is not what another begins with.
  expect.equal(shared(secure.server { alpn = { "ab", "c" } }, secure.server { alpn = { "a", "bc" } }), false)
  -- A session that is resumed is not verified again.
  local verifying = secure.server { verify = "peer", cafile = secure.file "ca.pem" }
  expect.equal(shared(verifying, verifying), false, "verify")
  -- What is looked up when it is needed may have changed since.
  local looking = secure.server { capath = secure.file "capath" }
  expect.equal(shared(looking, looking), false, "capath")
  local function choose()
    return "a"
  end
  local asks = secure.server { alpn = choose }
  expect.equal(shared(asks, asks), false, "a function")
  local strange = setmetatable(secure.server(), { __index = function() end })
  expect.equal(shared(strange, strange), false, "a metatable")
  expect.equal(shared(ssl.newcontext(secure.server()), ssl.newcontext(secure.server())), false, "contexts")

  -- Files that change under their names.
  local key, certificate = os.tmpname(), os.tmpname()
  copy(secure.file "server.key", key)
  copy(secure.file "server.pem", certificate)
  local own = secure.server { key = key, certificate = certificate }
  local _, first = connect(remembering(), own)
  started = cosock.socket.gettime()
  while not shared(own, own) do
    assert(cosock.socket.gettime() - started < 20, "files never settle")
    cosock.socket.sleep(0.05)
  end
  copy(secure.file "other.key", key)
  copy(secure.file "other.pem", certificate)
  local client = assert(ssl.newcontext(secure.client { verify = "none" }))
  local _, second = connect(client, own)
  assert(first ~= second, "the new certificate at once")
  assert(os.remove(key) and os.remove(certificate))
  listener:close()
end, "test")
cosock.run()

world.finish()
