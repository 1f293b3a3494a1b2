-- The `password` of an https request is that of its key, and no server is told it, not after a redirect
-- either; the password in a URL is the server's, and opens no key. For http, the fields `user` and
-- `password` are what the server is told.
local http = require "cosock.socket.http"
local https = require "cosock.ssl.https"
local expect = require "expect"
local secure = require "secure"
local web = require "web"
local world = require "world"

local b64 = require("mime").b64

web.test(function()
  local pages = { ["/end"] = web.answer "end", ["/moved"] = web.answer("", "Location: end\r\n", "302 Found") }
  local address, requests, stop = web.pages(pages, secure.server())
  local plain, plain_requests, stop_plain = web.pages(pages)
  local called

  -- Asks as the owner of an encrypted key. Returns what the request does, and what the server was told last.
  local function ask(request, user, password, path)
    local done, code = request {
      url = address:gsub("//", "//" .. user) .. (path or "/end"),
      key = secure.file "encrypted.key", certificate = secure.file "server.pem", password = password,
    }
    return done, code, requests[#requests] and requests[#requests].headers.authorization
  end
  local function secret()
    called = true
    return "secret"
  end

  for _, request in ipairs { https.request, http.request } do
    for _, user in ipairs { "", "alice@" } do
      for _, path in ipairs { "/end", "/moved" } do
        expect.list(expect.pack(ask(request, user, "secret", path)), { n = 3, 1, 200 })
        called = false
        expect.list(expect.pack(ask(request, user, secret, path)), { n = 3, 1, 200 })
        expect.equal(called, true)
      end
    end
    for _, path in ipairs { "/end", "/moved" } do
      expect.list(expect.pack(ask(request, "alice:other@", "secret", path)), { n = 3, 1, 200, "Basic " .. b64 "alice:other" })
    end
    local done, err = ask(request, "alice:secret@")
    expect.equal(done, nil)
    expect.contains(err, "a password is needed")
  end

  local told = http.request { url = plain .. "/end", user = "alice", password = "secret" }
  expect.list({ told, plain_requests[1].headers.authorization }, { 1, "Basic " .. b64 "alice:secret" })
  told = http.request { url = plain:gsub("//", "//alice@") .. "/end", password = "secret" }
  expect.list({ told, plain_requests[2].headers.authorization }, { 1, "Basic " .. b64 "alice:secret" })
  expect.list(expect.pack(http.request { url = plain:gsub("//", "//alice@"), password = secret }), {
    n = 2, nil, "invalid password (string expected, got function)",
  })
  stop()
  stop_plain()
end)

world.finish()
