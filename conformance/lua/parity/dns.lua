-- claim: names and addresses are looked up, in tasks and outside
-- chapter: socket
-- source: LuaSocket's manual: dns
-- covers: S14 S15 S16 S17 cosock.socket.dns cosock.socket.dns.toip cosock.socket.dns.tohostname
-- covers: cosock.socket.dns.getaddrinfo cosock.socket.dns.getnameinfo cosock.socket.dns.gethostname
local trace = require "trace"
local cosock = require "cosock"
local dns = cosock.socket.dns

local function ask(suffix, call)
  local function claim(name, fn, ...)
    call(name .. suffix, fn, ...)
  end
  claim("toip.address", dns.toip, "127.0.0.1")
  claim("toip.empty", dns.toip, "")
  claim("toip.v6-address", dns.toip, "::1")
  claim("toip.unknown", dns.toip, "no such host")
  claim("toip.localhost", function() return (dns.toip("localhost")) end)
  claim("tohostname.unknown", dns.tohostname, "no such host")
  claim("tohostname.loopback", function() return (dns.tohostname("127.0.0.1")) end)
  claim("getaddrinfo.address", dns.getaddrinfo, "127.0.0.1")
  claim("getaddrinfo.v6-address", dns.getaddrinfo, "::1")
  claim("getaddrinfo.number", dns.getaddrinfo, 5)
  claim("getaddrinfo.unknown", dns.getaddrinfo, "no such host")
  claim("getnameinfo.service", dns.getnameinfo, nil, "80")
  claim("getnameinfo.host-and-service", dns.getnameinfo, "127.0.0.1", "80")
  claim("getnameinfo.host", dns.getnameinfo, "127.0.0.1")
  claim("getnameinfo.unknown", dns.getnameinfo, "no such host")
  claim("getnameinfo.unknown-service", dns.getnameinfo, "127.0.0.1", "no-such-service")
  claim("gethostname", function() return type(dns.gethostname()), select("#", dns.gethostname()) end)
end

ask("", trace.call)
ask(".in-a-task", function(claim, fn, ...)
  local args, count = { ... }, select("#", ...)
  trace.task(claim, function()
    return fn((unpack or table.unpack)(args, 1, count))
  end)
end)

for _, name in ipairs { "toip", "tohostname", "getaddrinfo" } do
  trace.call(name .. ".nothing", dns[name])
  trace.call(name .. ".nil", dns[name], nil)
  trace.call(name .. ".table", dns[name], {})
end
trace.call("getnameinfo.nothing", dns.getnameinfo)
trace.call("getnameinfo.table", dns.getnameinfo, {})
