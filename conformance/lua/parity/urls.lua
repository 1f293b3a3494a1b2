-- claim: socket.url takes URLs apart, puts them together and makes them absolute
-- chapter: socket
-- source: LuaSocket's manual: url
-- covers: socket.url.absolute socket.url.build socket.url.build_path socket.url.escape
-- covers: socket.url._VERSION socket.url.parse socket.url.parse_path socket.url.unescape
local trace = require "trace"
local url = require "socket.url"

trace.values("version", url._VERSION)

local whole = "http://user:secret@host.example:8080/a/b;p?q=1#f"
for name, text in pairs {
  whole = whole, ["no-scheme"] = "//host/path", path = "/only/path", ["no-path"] = "http://host",
  query = "http://host?q", fragment = "#part", ["user-alone"] = "ftp://user@host/", mail = "mailto:a@b",
  v6 = "http://[::1]:80/", ["empty-port"] = "http://host:/", empty = "", spaces = "http://h/a b",
} do
  trace.call("parse." .. name, url.parse, text)
end
trace.call("parse.with-defaults", url.parse, "//host", { scheme = "http", port = 80 })
trace.call("parse.nil", url.parse, nil)

trace.call("build.again", function() return url.build(url.parse(whole)) end)
trace.call("build.parts", url.build, { scheme = "http", host = "h", port = 1, path = "/p", query = "q" })
trace.call("build.user", url.build, { scheme = "ftp", host = "h", user = "u", password = "p" })
trace.call("build.nothing", url.build, {})

-- RFC 3986's own base.
local base = "http://a/b/c/d;p?q"
for _, relative in ipairs {
  "g", "./g", "g/", "/g", "//g", "?y", "g?y", "#s", "g#s", ";x", "g;x", ".", "./", "..", "../", "../g", "../..",
  "../../g", "../../../g", "/./g", "/../g", "g.", "..g", "./../g", "./g/.", "g/./h", "g/../h", "http://x/y",
} do
  trace.call("absolute." .. relative, url.absolute, base, relative)
end
trace.call("absolute.of-tables", url.absolute, url.parse(base), "g")

trace.call("escape", url.escape, "a b/ü?&=~-_.!*'()%")
trace.call("escape.all-bytes", function()
  local bytes = {}
  for byte = 0, 255 do
    bytes[#bytes + 1] = string.char(byte)
  end
  local escaped = url.escape(table.concat(bytes))
  return #escaped, url.unescape(escaped) == table.concat(bytes)
end)
trace.call("unescape", url.unescape, "a%20b%2fc%zz%4")
trace.call("parse_path", url.parse_path, "/a/b%20c/d/")
trace.call("parse_path.relative", url.parse_path, "a//b")
trace.call("parse_path.empty", url.parse_path, "")
trace.call("build_path", url.build_path, { "a", "b c", "d", is_absolute = 1, is_directory = 1 })
trace.call("build_path.plain", url.build_path, { "a", "b" })
trace.call("build_path.unsafe", url.build_path, { "a/b", "c" }, true)
