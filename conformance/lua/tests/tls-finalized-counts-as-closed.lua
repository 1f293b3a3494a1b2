-- A finalizer that reaches a TLS object which Lua has finalized before finds it closed: every method answers as it
-- does after `close`. A context or certificate that is finalized, or whose `__gc` was called by hand, is none
-- any more: an error says so, and connections made of it go on.
local world = require "world"
local expect = require "expect"
local network = require "network"
local secure = require "secure"
local cosock = require "cosock"
local socket, ssl = cosock.socket, cosock.ssl

-- An object whose finalizer runs after those of what it has got since.
local function with_finalizer(finalize)
  if newproxy then
    local object, proxy = {}, newproxy(true)
    getmetatable(proxy).__gc = function() finalize(object) end
    object.proxy = proxy
    return object
  end
  return setmetatable({}, { __gc = finalize })
end

local function texts(results)
  local list = {}
  for place = 1, results.n do
    list[place] = tostring(results[place])
  end
  return table.concat(list, " ")
end

local calls = {
  { "close" }, { "dohandshake" }, { "receive" }, { "receive", 5, "pre" }, { "send", "x" }, { "dirty" }, { "want" },
  { "getfd" }, { "getfamily" }, { "getsockname" }, { "getpeername" }, { "settimeout", 1 }, { "gettimeout" },
  { "getoption", "keepalive" }, { "setoption", "keepalive", true }, { "shutdown" },
  { "info" }, { "info", "cipher" }, { "getalpn" }, { "getsniname" }, { "sni", "name" }, { "getfinished" },
  { "getpeerfinished" }, { "getpeercertificate" }, { "getpeercertificate", 2 }, { "getpeerchain" },
  { "getlocalcertificate" }, { "getlocalchain" }, { "getpeerverification" },
  { "exportkeyingmaterial", "label", 10 }, { "setdane", "name" }, { "settlsa", 3, 1, 1, ("x"):rep(32) },
  { "setfd", -1 }, { "close" },
}

-- What each method answers, errors included: in the object, and in the inner one itself.
local function answers(object)
  local list = { tostring(object.inner_sock.class), tostring(object.class) }
  for _, target in ipairs { object.inner_sock, object } do
    for _, call in ipairs(calls) do
      local results = expect.pack(pcall(target[call[1]], target, call[2], call[3], call[4], call[5]))
      list[#list + 1] = call[1] .. ": " .. texts(results)
    end
  end
  return table.concat(list, "\n")
end

-- Connections in several states; what else each needs stays with it.
local makers = {
  fresh = function()
    return assert(ssl.wrap(assert(socket.tcp()), secure.client()))
  end,
  ["before the handshake"] = function(owner)
    local client, peer = network.pair()
    owner.peer = peer
    return assert(ssl.wrap(client, secure.client()))
  end,
  client = function(owner)
    local client, server = secure.pair()
    owner.peer = server
    return client
  end,
  server = function(owner)
    local client, server = secure.pair()
    owner.peer = client
    return server
  end,
}

local finalized, expected = {}, {}

-- Apart, so that nothing of it stays on the stack.
local function make(name, maker)
  local kept = maker {}
  kept:close()
  expected[name] = answers(kept)
  local owner = with_finalizer(function(owner)
    finalized[name] = answers(owner.conn)
  end)
  owner.conn = maker(owner)
end

-- What is done with a certificate that is none any more.
local methods = {
  "pem", "subject", "issuer", "extensions", "notbefore", "notafter", "serial", "digest", "pubkey", "getsignaturename",
  "setencode", "validat", "issued",
}

local function check_certificate(certificate)
  expect.equal(tostring(certificate), "X509 certificate: (nil)")
  for _, name in ipairs(methods) do
    expect.raises("SSL:Certificate expected", certificate[name], certificate, 1)
  end
end

local function check_context(context)
  expect.contains(tostring(context), "SSL context: 0x")
  expect.raises("SSL:Context expected", context.setverifyext, context, "lsec_continue")
  expect.raises("invalid context", ssl.wrap, assert(socket.tcp()), context)
end

local checked = {}

local function make_others()
  local owner = with_finalizer(function(owner)
    checked.certificate = expect.pack(pcall(check_certificate, owner.certificate))
    checked.chain = expect.pack(pcall(check_certificate, owner.chain[1]))
    checked.context = expect.pack(pcall(check_context, owner.context))
  end)
  local client, server = secure.pair()
  owner.certificate, owner.chain = client:getpeercertificate(), client:getpeerchain()
  owner.context = assert(ssl.newcontext(secure.server()))
  client:close()
  server:close()
end

cosock.spawn(function()
  for name, maker in pairs(makers) do
    make(name, maker)
  end
  make_others()

  -- By hand: `__gc` of a certificate may be called as often as one likes.
  local client, server = secure.pair()
  local certificate, same = client:getpeercertificate(), client:getpeercertificate()
  local pem = certificate:pem()
  local meta = getmetatable(certificate)
  for _ = 1, 2 do
    meta.__gc(certificate)
    check_certificate(certificate)
    expect.raises("SSL:Certificate expected", same.issued, same, certificate)
  end
  expect.equal(same:pem(), pem)
  expect.equal(client:getpeercertificate():pem(), pem)
  for _, wrong in ipairs { 5, "text", {}, print, io.stdout, client.inner_sock } do
    meta.__gc(wrong)
  end
  meta.__gc()
  -- Of contexts and connections nobody has it.
  for _, hidden in ipairs { assert(ssl.newcontext(secure.client())), client.inner_sock } do
    expect.equal(getmetatable(hidden), false)
  end
  client:close()
  server:close()

  -- Connections outlive the context that they are made of, and those it knows by name.
  local function pair_of_forgotten()
    local one, other = secure.wrapped(assert(ssl.newcontext(secure.client())), assert(ssl.newcontext(secure.server())))
    one:sni "name"
    other:sni({ name = assert(ssl.newcontext(secure.server({ alpn = function() return "x" end }, "server-ec"))) }, true)
    return one, other
  end
  local one, other = pair_of_forgotten()
  collectgarbage()
  collectgarbage()
  local own, theirs = secure.handshakes(one, other)
  assert(own[1], own[2])
  assert(theirs[1], theirs[2])
  one:send "line\n"
  expect.equal(other:receive(), "line")
  one:close()
  other:close()
end, "makes")
cosock.run()
for _ = 1, 4 do
  collectgarbage()
end

for name in pairs(makers) do
  expect.equal(finalized[name], expected[name], name)
end
for name, results in pairs(checked) do
  expect.equal(results[1], true, name .. ": " .. tostring(results[2]))
end
expect.equal(checked.context ~= nil, true)

world.finish()
