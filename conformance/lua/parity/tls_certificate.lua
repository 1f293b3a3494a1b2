-- claim: a certificate tells all of itself
-- chapter: tls
-- source: LuaSec's documentation
-- covers: L14 cosock.ssl.loadcertificate certificate:digest certificate:extensions
-- covers: certificate:issued certificate:issuer certificate:notafter certificate:notbefore certificate:pem
-- covers: certificate:pubkey certificate:serial certificate:getsignaturename certificate:setencode
-- covers: certificate:subject certificate:validat
local trace = require "trace"
local tls = require "trace_tls"
local ssl = tls.ssl

local function load(name)
  local file = assert(io.open(tls.file(name .. ".pem")))
  local pem = file:read "*a"
  file:close()
  return assert(ssl.loadcertificate(pem)), pem
end

local server, pem = load "server"
local ca, other, client, expired = load "ca", load "other", load "client", load "expired"

trace.values("loads", type(server), (tostring(server):gsub("0x%x+", "?")))
trace.call("loads.junk", ssl.loadcertificate, "junk")
trace.call("loads.empty", ssl.loadcertificate, "")
trace.call("loads.text-before", function()
  return type((ssl.loadcertificate("some text\n" .. pem)))
end)
trace.call("loads.cut", ssl.loadcertificate, pem:sub(1, 300))
trace.values("subject", server:subject())
trace.values("issuer", server:issuer())
trace.values("subject.authority", ca:subject())
trace.values("extensions", server:extensions())
trace.values("extensions.none", client:extensions())
trace.values("extensions.wildcard", (load "wrong-name"):extensions())
trace.values("times", server:notbefore():gsub("%d", "0"))
trace.values("times.end", server:notafter():gsub("%d", "0"))
trace.values("valid", server:validat(os.time()), expired:validat(os.time()), server:validat(0))
trace.call("valid.nothing", server.validat, server)
trace.call("valid.text", server.validat, server, "junk")
trace.values("digest", #server:digest(), #server:digest "sha1", #server:digest "sha256", #server:digest "sha512")
trace.values("digest.same", server:digest() == server:digest "sha1")
trace.call("digest.unknown", server.digest, server, "md5")
trace.call("digest.upper-case", server.digest, server, "SHA256")
trace.call("digest.table", server.digest, server, {})
trace.values("pem", server:pem() == pem)
local function key(certificate)
  local text, kind, bits = certificate:pubkey()
  return text:match "^[^\n]+", kind, bits
end
trace.values("key", key(server))
trace.values("key.elliptic", key(ca))
trace.values("serial", server:serial(), ca:serial())
trace.values("signature", server:getsignaturename())
trace.values("issued", ca:issued(server))
trace.values("issued.by-another", other:issued(server))
trace.values("issued.expired", ca:issued(expired))
trace.values("issued.itself", ca:issued(ca))
trace.call("issued.nothing", ca.issued, ca)
trace.call("issued.text", ca.issued, ca, "junk")
trace.values("encode", server:setencode "utf8", server:setencode "ai5", server:setencode "junk")
trace.values("equal", server == load "server", server:digest() == (load "server"):digest())
