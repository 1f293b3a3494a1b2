-- claim: both sides are told how a handshake ended, and why
-- chapter: tls
-- source: LuaSec's behaviour
-- covers: L3 L11 G34g G47 tls:dohandshake
local trace = require "trace"
local tls = require "trace_tls"

-- Both sides' results, the client's first.
local function claim(name, client, server, before)
  trace.task(name, function()
    local one, other = tls.wrapped(client, server)
    if before then
      before(one, other)
    end
    return tls.handshakes(one, other)
  end)
end

-- The same on each version of the protocol.
local function claims(name, client, server, before)
  for _, version in ipairs(tls.versions) do
    local function held(config)
      local copy = { protocol = version }
      for key, value in pairs(config) do
        copy[key] = key == "protocol" and version or value
      end
      return copy
    end
    claim(name .. "." .. version, held(client), held(server), before)
  end
end

-- What verifies
claims("good", tls.client(), tls.server())
claims("good.elliptic", tls.client(), tls.server({}, "server-ec"))
claims("good.chain", tls.client(), tls.server({}, "chain"))
local by_directory = tls.client { capath = tls.file "capath" }
by_directory.cafile = nil
claims("good.directory", by_directory, tls.server())
local trusting_nobody = tls.client()
trusting_nobody.cafile = nil
claims("good.both-identified", tls.identified(), tls.asking())
claims("not-asked-for", tls.identified(), tls.server())
claims("asked-for-and-absent", tls.client(), tls.server { verify = "peer", cafile = tls.file "ca.pem" })
claims("no-verify", { mode = "client", protocol = "any", verify = "none" }, tls.server({}, "self-signed"))
claims("no-verify.default", { mode = "client", protocol = "any" }, tls.server({}, "expired"))
claims("wrong-name", tls.client(), tls.server({}, "wrong-name"))
claims("twice", tls.client(), tls.server(), function(client, server)
  tls.handshakes(client, server)
end)

-- What does not
claims("unknown-authority", tls.client(), tls.server({}, "other"))
claims("no-authority", trusting_nobody, tls.server())
claims("self-signed", tls.client(), tls.server({}, "self-signed"))
claims("missing-intermediate", tls.client(), tls.server({}, "chain-leaf"))
claims("too-deep", tls.client { depth = 0 }, tls.server({}, "chain"))
claims("no-revocation-list", tls.client { verifyext = "crl_check" }, tls.server())
claims("no-revocation-list.chain", tls.client { verifyext = "crl_check_chain" }, tls.server())
claims("no-revocation-list.whole", tls.client { verifyext = { "crl_check", "crl_check_chain" } }, tls.server())
claims("expired", tls.client(), tls.server({}, "expired"))
claims("not-yet-valid", tls.client(), tls.server({}, "early"))
claims("client-certificate-as-server", tls.client(), tls.server({}, "client"))
claims(
  "client-certificate-as-server.ignored",
  tls.client { verifyext = "lsec_ignore_purpose" },
  tls.server({}, "client")
)
claims("goes-on", tls.client { verifyext = "lsec_continue" }, tls.server({}, "self-signed"))
claims("goes-on.expired", tls.client { verifyext = "lsec_continue" }, tls.server({}, "expired"))

-- What has nothing in common
claim("versions", tls.client { protocol = "tlsv1_2" }, tls.server { protocol = "tlsv1_3" })
claim("versions.other", tls.client { protocol = "tlsv1_3" }, tls.server { protocol = "tlsv1_2" })
-- At which of its steps OpenSSL forbids the old ones, and so what it says, depends on who has built it.
local function refused(name, client, server)
  trace.task(name, function()
    local ok, _, their_ok = tls.handshakes(tls.wrapped(client, server))
    return ok, their_ok
  end)
end
refused("versions.old", tls.client { protocol = "tlsv1" }, tls.server())
refused("versions.old-server", tls.client(), tls.server { protocol = "tlsv1_1" })
refused("versions.same-old", tls.client { protocol = "tlsv1" }, tls.server { protocol = "tlsv1" })
local none = { options = { "no_tlsv1", "no_tlsv1_1", "no_tlsv1_2", "no_tlsv1_3" } }
claim("versions.client-none", tls.client(none), tls.server())
claim("versions.one-left", tls.client { options = "no_tlsv1_3" }, tls.server())
claim("ciphers", tls.client { protocol = "tlsv1_2", ciphers = "AES128-SHA256" },
  tls.server { protocol = "tlsv1_2", ciphers = "AES256-SHA256" })
claim("ciphersuites", tls.client { protocol = "tlsv1_3", ciphersuites = "TLS_AES_128_GCM_SHA256" },
  tls.server { protocol = "tlsv1_3", ciphersuites = "TLS_AES_256_GCM_SHA384" })
claim("no-certificate", tls.client(), tls.server({}, false))
claims("no-certificate", tls.client(), tls.server({}, false))
claim("curves", tls.client { protocol = "tlsv1_3", curveslist = "X25519" },
  tls.server { protocol = "tlsv1_3", curveslist = "P-256" })
claim("curves.old", tls.client { protocol = "tlsv1_2", curveslist = "X25519" },
  tls.server { protocol = "tlsv1_2", curveslist = "P-256" })
claim("curves.one-in-common", tls.client { curveslist = "X25519:P-384" }, tls.server { curve = "secp384r1" })

-- What clients show
claims("client-without-certificate", tls.client(), tls.asking())
claims("client-of-unknown-authority", tls.identified({}, "other"), tls.asking())
claims("client-with-server-certificate", tls.identified({}, "server"), tls.asking())
claims("client-expired", tls.identified({}, "expired"), tls.asking { verifyext = "lsec_ignore_purpose" })
claims("client-verified-once", tls.identified(), tls.asking { verify = { "peer", "client_once" } })

-- The client's first read, where TLS 1.3 lets its handshake succeed.
local function first_reads(name, client, server)
  trace.task(name, function()
    local one, other = tls.wrapped(client, server)
    local ok, err = tls.handshakes(one, other)
    one:settimeout(5)
    local data, why, part = one:receive()
    local data_again, why_again, part_again = one:receive()
    return ok, err, data, why, part, data_again, why_again, part_again
  end)
end

first_reads("then-reads.without-certificate", tls.client(), tls.asking())
first_reads("then-reads.unknown-authority", tls.identified({}, "other"), tls.asking())

-- What is no TLS
local function against_plain(name, config, act)
  trace.task(name, function()
    local client, peer = trace.pair()
    if config.mode == "server" then
      client, peer = peer, client
    end
    local object = assert(require("cosock").ssl.wrap(client, config))
    act(peer)
    local ok, err = object:dohandshake()
    return ok, err
  end)
end

for _, mode in ipairs { "client", "server" } do
  local config = tls[mode]()
  against_plain(mode .. ".plain-text", config, function(peer)
    peer:send "220 mail.example ESMTP ready\r\n"
  end)
  against_plain(mode .. ".noise", config, function(peer)
    peer:send(("\255\254\0\1"):rep(64))
  end)
  against_plain(mode .. ".request", config, function(peer)
    peer:send "GET / HTTP/1.0\r\n\r\n"
  end)
  against_plain(mode .. ".half-a-record", config, function(peer)
    peer:send "\22\3\1\2\0\1"
    peer:close()
  end)
  against_plain(mode .. ".alert", config, function(peer)
    peer:send "\21\3\3\0\2\2\40"
  end)
  against_plain(mode .. ".warning", config, function(peer)
    peer:send "\21\3\3\0\2\1\0"
    peer:close()
  end)
end
against_plain("server.closed", tls.server(), function(peer)
  peer:close()
end)
against_plain("client.closed", tls.client(), function(peer)
  trace.settle()
  peer:close()
end)
against_plain("client.shut-down", tls.client(), function(peer)
  (peer.inner_sock or peer):shutdown "send"
end)

-- Timeouts
for _, mode in ipairs { "client", "server" } do
  for _, timeout in ipairs { 0, 0.01 } do
    trace.task(mode .. ".timeout-" .. timeout, function()
      local client, server = tls.wrapped()
      local object = mode == "client" and client or server
      object:settimeout(timeout)
      local first, err = object:dohandshake()
      local again, err_again = object:dohandshake()
      object:settimeout(nil)
      local ok, last, their_ok, their_err = tls.handshakes(client, server)
      return first, err, again, err_again, ok, last, their_ok, their_err
    end)
  end
end
