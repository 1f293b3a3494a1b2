-- Redirects are followed as LuaSocket follows them: for GET and HEAD, relative ones too, five at most. What was
-- meant for one server is not sent to another.
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local mime = require "mime"
local network = require "network"
local web = require "web"
local world = require "world"

local function to(location, status)
  return web.answer("redirected", "Location: " .. location .. "\r\n", status or "302 Found")
end

web.test(function()
  local pages = {
    ["/end"] = web.answer "end",
    ["/dir/end"] = web.answer "end of dir",
    ["/dir/relative"] = to "end",
    ["/dir/up"] = to "../end",
    ["/dir/root"] = to "/end",
    ["/dir/query"] = to "?again",
    ["/spaced"] = to " /with space ",
    ["/with%20space"] = web.answer "with space",
    ["/dots"] = to "/end?from=/a/../b",
    ["/loop"] = to "/loop",
    ["/nowhere"] = web.answer("no location", nil, "302 Found"),
    ["/empty"] = to "",
    ["/other-scheme"] = to "ftp://127.0.0.1/",
    ["/refused"] = to "http://127.0.0.1:1/",
    ["/no-host"] = to "http:///x",
  }
  for _, code in ipairs { 300, 301, 302, 303, 304, 305, 306, 307, 308 } do
    pages["/" .. code] = to("/end", code .. " Code")
  end
  local address, requests, stop = web.pages(pages)

  for _, code in ipairs { 301, 302, 303, 307 } do
    local text, got, headers = http.request(address .. "/" .. code)
    expect.equal(text, "end")
    expect.equal(got, 200)
    expect.equal(headers.location, "/end")
  end
  for _, code in ipairs { 300, 305, 306, 308 } do
    local text, got, headers, status = http.request(address .. "/" .. code)
    expect.list({ text, got, headers.location, status }, {
      "redirected", code, "/end", "HTTP/1.1 " .. code .. " Code",
    })
  end

  for path, text in pairs {
    ["/dir/relative"] = "end of dir", ["/dir/up"] = "end", ["/dir/root"] = "end", ["/spaced"] = "with space",
  } do
    expect.equal(http.request(address .. path), text, path)
  end
  expect.equal(http.request(address .. "/dots"), "end")
  expect.equal(requests[#requests].target, "/end?from=/a/../b")
  for _, path in ipairs { "/nowhere", "/empty", "/other-scheme" } do
    expect.equal(select(2, http.request(address .. path)), 302, path)
  end
  expect.list(expect.pack(http.request(address .. "/refused")), { n = 2, nil, "connection refused" })
  expect.list(expect.pack(http.request(address .. "/no-host")), { n = 2, nil, "invalid host 'nil'" })

  -- A scheme has no case.
  pages["/capitals"] = to(address:gsub("^http", "HTTP") .. "/end")
  expect.equal((http.request(address .. "/capitals")), "end")

  -- The limit, after which the redirect itself is the answer.
  local function count(fields)
    local before = #requests
    fields.url = address .. "/loop"
    local _, code = http.request(fields)
    expect.equal(code, 302)
    return #requests - before
  end
  expect.equal(count {}, 6)
  expect.equal(count { maxredirects = 0 }, 1)
  expect.equal(count { maxredirects = 2 }, 3)
  expect.equal(count { redirect = false }, 1)
  expect.equal(count { method = "POST" }, 1)
  expect.equal(count { source = ltn12.source.string "x" }, 1)
  expect.equal(select(2, http.request(address .. "/loop", "posted")), 302)

  -- HEAD stays HEAD, and what the request has goes along.
  local chunks, steps = {}, 0
  local done, code = http.request {
    url = address .. "/301",
    headers = { ["X-Own"] = "1" },
    sink = ltn12.sink.table(chunks),
    step = function(source, sink)
      steps = steps + 1
      return ltn12.pump.step(source, sink)
    end,
  }
  expect.list({ done, code, table.concat(chunks) }, { 1, 200, "end" })
  expect.equal(requests[#requests].headers["x-own"], "1")
  expect.equal(steps > 0, true)
  expect.equal(http.request { url = address .. "/301", method = "HEAD" }, 1)
  expect.equal(requests[#requests].line, "HEAD /end HTTP/1.1")

  -- The caller's table stays as it was.
  local fields = { url = address .. "/301" }
  http.request(fields)
  expect.equal(next(fields), "url")
  expect.equal(next(fields, "url"), nil)

  -- To the same server go its user and all headers; to another none that are about the first.
  local elsewhere, others, stop_elsewhere = web.serve(function()
    return web.answer "elsewhere"
  end)
  pages["/away"] = to(elsewhere .. "/")
  pages["/away-with-user"] = to(elsewhere:gsub("//", "//v:w@") .. "/")
  local private = { Authorization = "secret", Cookie = "c=1", Host = "name", ["Proxy-Authorization"] = "p", ["X-Own"] = "1" }
  expect.equal(http.request { url = address .. "/301", headers = private }, 1)
  for name, value in pairs(private) do
    expect.equal(requests[#requests].headers[name:lower()], value)
  end
  expect.equal(http.request { url = address .. "/away", headers = private }, 1)
  expect.list(others[1].lines, {
    "Host: " .. elsewhere:match "//(.*)", "Connection: close, TE", "TE: trailers", "User-Agent: " .. http.USERAGENT,
    "x-own: 1",
  })
  local with_user = address:gsub("//", "//u:p@")
  http.request(with_user .. "/301")
  expect.equal(requests[#requests].headers.authorization, "Basic dTpw")
  -- Whatever characters they are of, they lead nowhere else; where there is but a user, nobody is told.
  for _, case in ipairs {
    { "a@b", "p", "a@b:p" }, { "u", "p@127.0.0.2/w", "u:p@127.0.0.2/w" }, { "localhost", "1/?#x", "localhost:1/?#x" },
    { "u:v", ":w:", "u:v::w:" }, { "%40%", "%2f%%4", "@%:/%%4" }, { 5, 6, "5:6" }, { "u", "", "u:" },
  } do
    local user, password, told = case[1], case[2], case[3]
    expect.equal(http.request { url = address .. "/301", user = user, password = password }, 1, told)
    expect.equal(requests[#requests].target, "/end", told)
    expect.equal(requests[#requests].headers.authorization, "Basic " .. mime.b64(told), told)
  end
  expect.equal(http.request { url = address .. "/301", user = {} }, 1)
  expect.equal(requests[#requests].headers.authorization, nil)
  http.request(with_user .. "/away")
  expect.equal(others[2].headers.authorization, nil)
  http.request { url = address .. "/away", user = "u", password = "p" }
  expect.equal(others[3].headers.authorization, nil)
  http.request(with_user .. "/away-with-user")
  expect.equal(others[4].headers.authorization, "Basic djp3")
  stop_elsewhere()

  -- The body of a redirect is not waited for.
  pages["/endless"] = function(sock)
    sock:send "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 1000000\r\n\r\n"
    network.drain(sock)
  end
  expect.equal(http.request(address .. "/endless"), "end")
  stop()
end)

world.finish()
