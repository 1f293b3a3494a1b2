-- claim: mime encodes, decodes, wraps and normalizes, whole and in pieces
-- chapter: socket
-- source: LuaSocket's manual: mime
-- covers: mime._VERSION mime.b64 mime.decode mime.dot mime.encode mime.eol mime.normalize mime.qp
-- covers: mime.qpwrp mime.stuff mime.unb64 mime.unqp mime.wrap mime.wrp mime.decodet mime.encodet
-- covers: mime.wrapt
local trace = require "trace"
local mime = require "mime"

trace.values("version", mime._VERSION)
trace.values("tables", type(mime.decodet), type(mime.encodet), type(mime.wrapt))

for name, text in pairs { none = "", one = "a", two = "ab", three = "abc", four = "abcd", bytes = "\0\255\128" } do
  trace.call("b64." .. name, mime.b64, text)
  trace.call("b64.end." .. name, mime.b64, text, nil)
  trace.call("b64.there-and-back." .. name, function() return mime.unb64((mime.b64(text))) == text end)
end
trace.call("b64.nil", mime.b64, nil)
trace.call("b64.pieces", mime.b64, "ab", "cdef")
trace.call("unb64.breaks", mime.unb64, "YW\r\nJj\n")
trace.call("unb64.junk", mime.unb64, "Y*W=J?j")
trace.call("unb64.cut", mime.unb64, "YWJ")
trace.call("unb64.pieces", mime.unb64, "YW", "Jj")

for name, text in pairs {
  plain = "plain", equal = "a=b", high = "caf\195\169", tab = "a\tb", ["space-at-the-end"] = "a \r\nb",
  breaks = "a\r\nb", ["line-feed"] = "a\nb", long = ("x"):rep(100),
} do
  trace.call("qp." .. name, mime.qp, text)
  trace.call("qp.end." .. name, mime.qp, text, nil)
end
trace.call("qp.marker", mime.qp, "a\r\nb", nil, "=0D=0A")
trace.call("unqp", mime.unqp, "caf=C3=A9=\r\n!")
trace.call("unqp.lower-case", mime.unqp, "=c3=a9")
trace.call("unqp.junk", mime.unqp, "=ZZ=4")
trace.call("qpwrp", mime.qpwrp, 10, ("=41"):rep(6), 10)
trace.call("wrp", mime.wrp, 5, ("x"):rep(12), 5)
trace.call("wrp.end", mime.wrp, 3, nil, 5)
trace.call("eol", mime.eol, 0, "a\nb\rc\r\nd\n\re")
trace.call("eol.marker", mime.eol, 0, "a\nb", "|")
trace.call("eol.pieces", function()
  local first, state = mime.eol(0, "a\r")
  return first, (mime.eol(state, "\nb"))
end)
trace.call("dot", mime.dot, 2, ".a\r\n.b\r\n..")
trace.call("dot.later", mime.dot, 0, ".a")

-- A filter given pieces, then the end.
local function through(filter, ...)
  local pieces = {}
  for index = 1, select("#", ...) do
    pieces[#pieces + 1] = filter((select(index, ...)))
  end
  pieces[#pieces + 1] = filter(nil) or "(end)"
  return table.concat(pieces, "|")
end
trace.call("encode.base64", function() return through(mime.encode("base64"), "a", "bc", "d") end)
trace.call("encode.quoted", function() return through(mime.encode("quoted-printable"), "a=", " ") end)
trace.call("encode.binary", function() return through(mime.encode("quoted-printable", "binary"), "a\r\n") end)
trace.call("encode.unknown", mime.encode, "other")
trace.call("decode.base64", function() return through(mime.decode("base64"), "YW", "Jj") end)
trace.call("decode.quoted", function() return through(mime.decode("quoted-printable"), "=C", "3=A9") end)
trace.call("decode.unknown", mime.decode, "other")
trace.call("wrap", function() return through(mime.wrap("text", 5), ("x"):rep(7)) end)
trace.call("wrap.default", function() return #through(mime.wrap(), ("x"):rep(200)) end)
trace.call("wrap.base64", function() return #through(mime.wrap("base64"), ("x"):rep(200)) end)
trace.call("wrap.quoted", function() return through(mime.wrap("quoted-printable", 8), ("=41"):rep(5)) end)
trace.call("wrap.unknown", mime.wrap, "other")
trace.call("normalize", function() return through(mime.normalize(), "a\nb\r", "\nc") end)
trace.call("normalize.marker", function() return through(mime.normalize("|"), "a\nb") end)
trace.call("stuff", function() return through(mime.stuff(), ".a\r\n", ".b") end)
