-- socket.url.absolute resolves as RFC 2396 has it, and where LuaSocket does otherwise, as LuaSocket.
require "cosock"
local expect = require "expect"
local url = require "socket.url"
local world = require "world"

local function check(base, cases)
  for relative, wanted in pairs(cases) do
    expect.equal(url.absolute(base, relative), wanted, relative)
  end
end

-- The examples of RFC 2396, appendix C.
check("http://a/b/c/d;p?q", {
  ["g:h"] = "g:h", ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
  ["/g"] = "http://a/g", ["//g"] = "http://g", ["g?y"] = "http://a/b/c/g?y", ["#s"] = "http://a/b/c/d;p?q#s",
  ["g#s"] = "http://a/b/c/g#s", ["g?y#s"] = "http://a/b/c/g?y#s", ["g;x"] = "http://a/b/c/g;x",
  ["g;x?y#s"] = "http://a/b/c/g;x?y#s", ["."] = "http://a/b/c/", ["./"] = "http://a/b/c/",
  [".."] = "http://a/b/", ["../"] = "http://a/b/", ["../g"] = "http://a/b/g", ["../.."] = "http://a/",
  ["../../"] = "http://a/", ["../../g"] = "http://a/g", [""] = "http://a/b/c/d;p?q",
  ["../../../g"] = "http://a/g", ["../../../../g"] = "http://a/g", ["/./g"] = "http://a/g", ["/../g"] = "http://a/g",
  ["g."] = "http://a/b/c/g.", [".g"] = "http://a/b/c/.g", ["g.."] = "http://a/b/c/g..", ["..g"] = "http://a/b/c/..g",
  ["./../g"] = "http://a/b/g", ["./g/."] = "http://a/b/c/g/", ["g/./h"] = "http://a/b/c/g/h",
  ["g/../h"] = "http://a/b/c/h", ["g;x=1/./y"] = "http://a/b/c/g;x=1/y", ["g;x=1/../y"] = "http://a/b/c/y",
  ["?y"] = "http://a/b/c/d;p?y", [";x"] = "http://a/b/c/d;x", ["http:g"] = "http:g",
  ["a//b/../c"] = "http://a/b/c/a//c", ["...."] = "http://a/b/c/....",
  -- LuaSocket's own: dots count in a query and a fragment, too.
  ["g?y/./x"] = "http://a/b/c/g?y/x", ["g?y/../x"] = "http://a/b/c/x", ["g#s/./x"] = "http://a/b/c/g#s/x",
})

check("http://a", { ["g"] = "http://a/g", ["?y"] = "http://a?y", [""] = "http://a", [".."] = "http://a/" })
check("a/b", {
  ["g"] = "a/g", ["../g"] = "g", ["/g"] = "/g", ["//g"] = "//g", ["?y"] = "a/b?y", ["../../g"] = "../g",
})
check("a", { ["b"] = "/b" })
check("", { ["g"] = "g", ["./g"] = "./g", ["a/../b"] = "b", [""] = "" })

-- The base may be a parsed URL, whose host alone makes no authority for the result.
expect.equal(url.absolute(url.parse "http://h/a/b", "c"), "http://h/a/c")
expect.equal(url.absolute({ scheme = "http", host = "h", path = "/a/b" }, "c"), "http:/a/c")
expect.equal(url.absolute(nil, "c"), "c")
expect.equal(url.absolute("c", nil), "c")
expect.equal(url.absolute("c", false), "c")

world.finish()
