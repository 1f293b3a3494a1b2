-- With VERIFY, requests that say nothing of TLS trust what the system trusts, and look at the name: of hosts, of
-- addresses, and after redirects.
local child = require "child"
local expect = require "expect"
local secure = require "secure"
local world = require "world"

-- Prints what requests for servers of the tests' authority return, by the name in the URL and the certificate.
local code = [[
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local secure = require "secure"
local web = require "web"
https.VERIFY = true
web.test(function()
  for _, name in ipairs { "server", "wrong-name" } do
    local address, _, stop = web.pages({
      ["/"] = web.answer "verified",
      ["/redirect"] = web.answer("", "Location: /\r\n", "302 Found"),
    }, secure.server(nil, name))
    for _, request in ipairs { https.request, http.request } do
      for _, host in ipairs { "localhost", "127.0.0.1" } do
        -- Twice, for contexts are shared.
        for _, path in ipairs { "/", "/redirect" } do
          local text, err = request((address:gsub("127.0.0.1", host)) .. path)
          print(name, host, text or err)
        end
      end
    end
    stop()
  end
end)
]]

local function results(authority)
  local environment = { SSL_CERT_FILE = secure.file(authority), SSL_CERT_DIR = secure.file "missing" }
  return child.run(code, "both", environment)
end

local function expected(by_name)
  local lines = {}
  for _, name in ipairs { "server", "wrong-name" } do
    for _ = 1, 2 do
      for _, host in ipairs { "localhost", "localhost", "127.0.0.1", "127.0.0.1" } do
        lines[#lines + 1] = name .. "\t" .. host .. "\t" .. by_name[name] .. "\n"
      end
    end
  end
  return table.concat(lines)
end

local rejected = "certificate verify failed"
expect.list({ results "ca.pem" }, { expected { server = "verified", ["wrong-name"] = rejected }, 0 })
expect.list({ results "other-ca.pem" }, { expected { server = rejected, ["wrong-name"] = rejected }, 0 })

world.finish()
