-- socket.url takes URLs apart and puts them together as LuaSocket's does, lenient as that is.
require "cosock"
local expect = require "expect"
local url = require "socket.url"
local world = require "world"

local function show(fields)
  local parts = {}
  for field, value in pairs(fields) do
    parts[#parts + 1] = field .. "=" .. tostring(value)
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

-- A URL, its fields, and what is built from them where that is not the URL itself.
for _, case in ipairs {
  {
    "http://u:p@h:80/a/b;par?q#f",
    "authority=u:p@h:80 fragment=f host=h params=par password=p path=/a/b port=80 query=q scheme=http user=u userinfo=u:p",
  },
  { "http://[::1]:80/x", "authority=[::1]:80 host=::1 path=/x port=80 scheme=http" },
  { "http://[::1]/x", "authority=[::1] host=::1 path=/x scheme=http" },
  {
    "http://u:p@[::1%eth0]:9/",
    "authority=u:p@[::1%eth0]:9 host=::1%eth0 password=p path=/ port=9 scheme=http user=u userinfo=u:p",
  },
  { "//h/p", "authority=h host=h path=/p" },
  { "/a/b", "path=/a/b" },
  { "a", "path=a" },
  { "#f", "fragment=f" },
  { "?q", "query=q" },
  { ";p", "params=p" },
  { "http:", "scheme=http" },
  { "http:/a", "path=/a scheme=http" },
  { "http://", "authority= scheme=http" },
  { "http:///a", "authority= path=/a scheme=http" },
  { "http://@h", "authority=@h host=h scheme=http user= userinfo=" },
  { "http://:p@h", "authority=:p@h host=h password=p scheme=http user= userinfo=:p" },
  { "http://u@h", "authority=u@h host=h scheme=http user=u userinfo=u" },
  { "http://u:@h", "authority=u:@h host=h password= scheme=http user=u userinfo=u:" },
  { "http://a:b:c@h", "authority=a:b:c@h host=h password=c scheme=http user=a:b userinfo=a:b:c" },
  { "http://a@b@c/", "authority=a@b@c host=b@c path=/ scheme=http user=a userinfo=a" },
  { "http://h:", "authority=h: host=h port= scheme=http" },
  { "http://h:80a/", "authority=h:80a host=h path=/ port=80a scheme=http" },
  { "http://h:80:90/", "authority=h:80:90 host=h:80 path=/ port=90 scheme=http", "http://[h:80]:90/" },
  { "http://[::1", "authority=[::1 host=[: port=1 scheme=http", "http://[[:]:1" },
  { "HTTP://H/", "authority=H host=H path=/ scheme=HTTP" },
  { "1a:b", "path=b scheme=1a" },
  { "a b://c", "path=a b://c" },
  { "x:y:z", "path=y:z scheme=x" },
  { "mailto:a@b", "path=a@b scheme=mailto" },
  { "scheme+x.y-z://h", "authority=h host=h scheme=scheme+x.y-z" },
  { "http://h/p?q;x#y;z?w", "authority=h fragment=y;z?w host=h path=/p query=q;x scheme=http" },
  { "http://h/a;b;c?d?e", "authority=h host=h params=b;c path=/a query=d?e scheme=http" },
  -- What is not split off the host by a slash is part of it.
  { "http://h?q#f", "authority=h?q#f host=h?q#f scheme=http" },
} do
  local text, fields, built = case[1], case[2], case[3] or case[1]
  local parsed = url.parse(text)
  expect.equal(show(parsed), fields, text)
  expect.equal(url.build(parsed), built, text)
end

-- Fields come from a default where the URL has none; the default stays as it was.
local default = { scheme = "http", path = "/", port = 5, other = true }
expect.equal(show(url.parse("x", default)), "other=true path=x port=5 scheme=http")
expect.equal(show(url.parse("//h", default)), "authority=h host=h other=true path=/ port=5 scheme=http")
expect.equal(show(url.parse("//h:6", default)), "authority=h:6 host=h other=true path=/ port=6 scheme=http")
expect.equal(show(default), "other=true path=/ port=5 scheme=http")

expect.list(expect.pack(url.parse("", default)), { n = 2, nil, "invalid url" })
expect.list(expect.pack(url.parse(nil, default)), { n = 2, nil, "invalid url" })
expect.list(expect.pack(url.parse(false, default)), { n = 2, nil, "invalid url" })
expect.equal(show(url.parse(1)), "path=1")

-- The parts of an authority go before the whole.
for _, case in ipairs {
  { "", {} },
  { "p", { path = "p" } },
  { "s:", { scheme = "s" } },
  { "//auth", { authority = "auth" } },
  { "//h", { authority = "auth", host = "h" } },
  { "//[::1]:8", { host = "::1", port = 8 } },
  { "//5", { host = 5 } },
  { "//h:", { host = "h", port = "" } },
  { "//ui@h", { host = "h", userinfo = "ui" } },
  { "//u@h", { host = "h", userinfo = "ui", user = "u" } },
  { "//u:p@h", { host = "h", user = "u", password = "p" } },
  { "//h", { host = "h", password = "p" } },
  { "///x", { host = "", path = "/x" } },
  { "?1", { query = 1 } },
} do
  expect.equal(url.build(case[2]), case[1])
end

-- Escapes. LuaSocket escapes with small letters, but segments of paths with capital ones.
for _, case in ipairs {
  { "abc_XYZ09", "abc_XYZ09" },
  { "a b/c?d=\195\169&", "a%20b%2fc%3fd%3d%c3%a9%26" },
  { "~-.!*'()%+\0\255", "%7e%2d%2e%21%2a%27%28%29%25%2b%00%ff" },
  { "", "" },
} do
  expect.list(expect.pack(url.escape(case[1])), { n = 1, case[2] })
  expect.list(expect.pack(url.unescape(case[2])), { n = 1, case[1] })
end
for escaped, text in pairs { ["%"] = "%", ["%4"] = "%4", ["%zz"] = "%zz", ["%4g%41"] = "%4gA", ["a+b"] = "a+b" } do
  expect.equal(url.unescape(escaped), text)
end
expect.equal(url.escape(12.5), "12%2e5")

-- Paths.
for _, case in ipairs {
  { "", {}, "" },
  { "/", { is_absolute = 1, is_directory = 1 }, "/" },
  { "a", { "a" }, "a" },
  { "/a/b", { "a", "b", is_absolute = 1 }, "/a/b" },
  { "a/b/", { "a", "b", is_directory = 1 }, "a/b/" },
  { "a//b", { "a", "b" }, "a/b" },
  { "//", { is_absolute = 1, is_directory = 1 }, "/" },
  { "/a%20b/c%2fd", { "a b", "c/d", is_absolute = 1 }, "/a%20b/c%2Fd" },
} do
  local segments = url.parse_path(case[1])
  expect.equal(show(segments), show(case[2]), case[1])
  expect.equal(url.build_path(segments), case[3], case[1])
end
expect.equal(show(url.parse_path(nil)), "")
expect.equal(url.build_path { "-_.!~*'():@&=+$,", ";?\195\169" }, "-_.!~*'():@&=+$,/%3B%3F%C3%A9")
expect.equal(url.build_path({ "a b", "c/d" }, true), "a b/c/d")
expect.equal(url.build_path { "users", 42, "50%" }, "users/42/50%25")

-- Misuse names the function, at the caller's position.
for _, name in ipairs { "escape", "unescape", "parse" } do
  local wrong = {}
  local raised = expect.raises("bad argument #1 to '" .. name .. "' (string expected, got table)", function()
    local result = url[name](wrong)
    return result
  end)
  expect.contains(raised, "url-parse-and-build.lua:")
end

world.finish()
