-- The filters of mime, low and high, give what LuaSocket's give, chunk for chunk.
require "cosock"
local expect = require "expect"
local ltn12 = require "ltn12"
local mime = require "mime"
local network = require "network"
local world = require "world"

expect.equal(require "mime.core", mime)

-- Calls `mime[name]` with the first list, of `n` values, and expects the second.
local function check(name, cases)
  for _, case in ipairs(cases) do
    local arguments, wanted = case[1], case[2]
    local got = expect.pack(mime[name]((table.unpack or unpack)(arguments, 1, arguments.n or #arguments)))
    wanted.n = 2
    expect.list(got, wanted, name .. " of " .. tostring(arguments[1]) .. ", " .. tostring(arguments[2]))
  end
end

check("b64", {
  { { "abc" }, { "YWJj" } },
  { { "ab" }, { "YWI=" } },
  { { "a" }, { "YQ==" } },
  { { "" }, {} },
  { {}, {} },
  { { nil, "a", n = 2 }, {} },
  { { "abc", "" }, { "YWJj", "" } },
  { { "ab", "" }, { "", "ab" } },
  { { "ab", "cd" }, { "YWJj", "d" } },
  { { "abcdefg", "hi" }, { "YWJjZGVmZ2hp", "" } },
  { { "\0\255\254" }, { "AP/+" } },
  { { "x", 5 }, { "", "x5" } },
})

check("unb64", {
  { { "YWJj" }, { "abc" } },
  { { "YWI=" }, { "ab" } },
  { { "YQ==" }, { "a" } },
  { { "YR==" }, { "a" } },
  { { "YQ" }, {} },
  { { "YWJjYQ" }, { "abc" } },
  { { "Y W\r\nJ j" }, { "abc" } },
  { { "!@#YWJj\0" }, { "abc" } },
  { { "YQ==YWJj" }, { "aabc" } },
  { { "YQ", "==YQ==" }, { "aa", "" } },
  { { "YWJjZA", "Q" }, { "abc", "ZAQ" } },
  { { "A-_A" }, {} },
  { { "====" }, { "\0" } },
  { { "Y=Q=" }, { "`\4" } },
  { { "YW=j" }, { "a" } },
  { { "", "" }, { "", "" } },
  { {}, {} },
})

check("qp", {
  { { "a=b" }, { "a=3Db" } },
  { { "\195\169\0\127~!", "" }, { "=C3=A9=00=7F~!", "" } },
  { { "a b", "" }, { "a", " b" } },
  { { "a b" }, { "a=20b=\r\n" } },
  { { "a " }, { "a=20=\r\n" } },
  { { "a ", "b c" }, { "a b", " c" } },
  { { "   x", "" }, { "  ", " x" } },
  { { "a \r\n" }, { "a=20\r\n" } },
  { { "a\t\r\nb", "" }, { "a=09\r\nb", "" } },
  { { "a  \r\n", "" }, { "a =20\r\n", "" } },
  { { "a\nb", "" }, { "a=0Ab", "" } },
  { { "a\rb", "" }, { "a=0Db", "" } },
  { { "a\r", "\nb" }, { "a\r\nb", "" } },
  { { "a\r" }, { "a=0D=\r\n" } },
  { { "\r\r\n", "" }, { "=0D\r\n", "" } },
  { { " \r\r\n", "" }, { " =0D\r\n", "" } },
  { { "a\r\nb", "", "=0A" }, { "a=0Ab", "" } },
  { { "a\r\n", nil, "<>", n = 3 }, { "a<>" } },
  { { "abc", "def", "X" }, { "abcdef", "" } },
  { { "", "" }, { "", "" } },
  { { "" }, {} },
  { {}, {} },
})

check("unqp", {
  { { "a=3Db=3db", "" }, { "a=b=b", "" } },
  { { "a=\r\nb", "" }, { "ab", "" } },
  { { "a =\r\n", "" }, { "a ", "" } },
  { { "a=\nb", "" }, { "a=\nb", "" } },
  { { "a=zz=3=3D", "" }, { "a=zz=3=3D", "" } },
  { { "==3D", "" }, { "==3D", "" } },
  { { "a=3", "" }, { "a", "=3" } },
  { { "a=3", "D" }, { "a=", "" } },
  { { "a=\r", "\nx" }, { "ax", "" } },
  { { "a=3" }, { "a" } },
  { { "a\r\nb", "" }, { "a\r\nb", "" } },
  { { "a\nb", "" }, { "ab", "" } },
  { { "a\rb", "" }, { "a", "" } },
  { { "x\0\195\169y", "" }, { "xy", "" } },
  { { "=E9=e9", "" }, { "\233\233", "" } },
  { { "\r" }, {} },
  { {}, {} },
})

-- Room and state are floats where the language has them.
local function float(number)
  return number + 0.0
end

check("wrp", {
  { { 10, "abc", 5 }, { "abc", float(7) } },
  { { 2, "abc", 5 }, { "ab\r\nc", float(4) } },
  { { 5, "abcdefghij", 5 }, { "abcde\r\nfghij", float(0) } },
  { { 5, "ab\r\ncd", 5 }, { "ab\r\ncd", float(3) } },
  { { 5, "ab\ncd", 5 }, { "ab\r\ncd", float(3) } },
  { { 5, "a\rb", 5 }, { "ab", float(3) } },
  { { 5, nil, 5, n = 3 }, { nil, float(5) } },
  { { 3, nil, 5, n = 3 }, { "\r\n", float(5) } },
  { { 0, "abc", 3 }, { "\r\nabc", float(0) } },
  { { 0, "\n", 5 }, { "\r\n", float(5) } },
  { { 5, "" }, { "", float(5) } },
  { { 5, "abcdefgh" }, { "abcde\r\nfgh", float(73) } },
  { { 1, "abc", 0 }, { "a\r\nb\r\nc", float(-1) } },
  { { "5", "abc", 5.9 }, { "abc", float(2) } },
  { { 1, "ab", -math.huge }, { "a\r\nb", float(-2147483649) } },
  { { -math.huge, "ab", 5 }, { "\r\nab", float(3) } },
})

check("qpwrp", {
  { { 10, "abc", 5 }, { "abc", float(7) } },
  { { 2, "abc", 5 }, { "a=\r\nbc", float(3) } },
  { { 5, "abcdefghij", 5 }, { "abcd=\r\nefgh=\r\nij", float(3) } },
  { { 5, "ab\r\ncd", 5 }, { "ab\r\ncd", float(3) } },
  { { 5, "a=20b=20c", 5 }, { "a=20=\r\nb=20=\r\nc", float(4) } },
  { { 4, "=3D=3D", 5 }, { "=3D=\r\n=3D", float(2) } },
  { { 3, "=3D", 5 }, { "=\r\n=3D", float(2) } },
  { { 3, nil, 5, n = 3 }, { "=\r\n", float(5) } },
  { { 5, nil, 5, n = 3 }, { nil, float(5) } },
  { { 1, "a", -math.huge }, { "=\r\na", float(-2147483649) } },
})

check("eol", {
  { { 0, "a\nb" }, { "a\r\nb", float(0) } },
  { { 0, "a\r\nb\n\rc" }, { "a\r\nb\r\nc", float(0) } },
  { { 0, "a\r" }, { "a\r\n", float(13) } },
  { { 13, "\nb" }, { "b", float(0) } },
  { { 13, "b\n" }, { "b\r\n", float(10) } },
  { { 13, "\r" }, { "\r\n", float(0) } },
  { { 10, "\r" }, { "", float(0) } },
  { { 0, "\r\r\n\n" }, { "\r\n\r\n\r\n\r\n", float(0) } },
  { { 0, "a\nb\r\n", "X" }, { "aXbX", float(0) } },
  { { 13, nil, n = 2 }, { nil, float(0) } },
  { { 13, "" }, { "", float(13) } },
  { { 65, "\n" }, { "\r\n", float(10) } },
})

check("dot", {
  { { 2, ".a\r\n.b\n.\r." }, { "..a\r\n..b\n.\r.", float(0) } },
  { { 0, "." }, { ".", float(0) } },
  { { 1, "\n." }, { "\n..", float(0) } },
  { { 0, "a\r\n" }, { "a\r\n", float(2) } },
  { { 0, "a\r" }, { "a\r", float(1) } },
  { { 2, ".." }, { "...", float(0) } },
  { { 0, nil, n = 2 }, { nil, float(2) } },
  { { 2, "" }, { "", float(2) } },
})

-- High filters. Whatever the chunks, the output is the same.
local function filtered(make, text, size)
  ltn12.BLOCKSIZE = size
  local parts = {}
  local into = ltn12.sink.table(parts)
  assert(ltn12.pump.all(ltn12.source.chain(ltn12.source.string(text), make()), into))
  ltn12.BLOCKSIZE = 2048
  return table.concat(parts)
end

local function made(name, ...)
  local arguments = expect.pack(...)
  return function()
    return mime[name]((table.unpack or unpack)(arguments, 1, arguments.n))
  end
end

local text = "line one = \r\n.dot\n\195\169 longer text that goes on and on, until it is longer than a line may be \r\n"
for _, case in ipairs {
  {
    made("encode", "base64"), text,
    "bGluZSBvbmUgPSANCi5kb3QKw6kgbG9uZ2VyIHRleHQgdGhhdCBnb2VzIG9uIGFuZCBvbiwgdW50aWwgaXQgaXMgbG9uZ2VyIHRoYW4gYSBs"
      .. "aW5lIG1heSBiZSANCg==",
  },
  {
    made("encode", "quoted-printable"), text,
    "line one =3D=20\r\n.dot=0A=C3=A9 longer text that goes on and on, until it is longer than a line may be=20\r\n",
  },
  {
    made("encode", "quoted-printable", "binary"), "a\r\nb",
    "a=0D=0Ab",
  },
  { made("decode", "base64"), "bGluZSBv\r\nbmUgPSANCg==", "line one = \r\n" },
  { made("decode", "quoted-printable"), "a =3D=\r\nb\r\n", "a =b\r\n" },
  { made("wrap", "text", 5), "line one", "line \r\none\r\n" },
  { made("wrap", 5), "line one", "line \r\none\r\n" },
  { made("wrap", "base64"), ("x"):rep(77), ("x"):rep(76) .. "\r\nx\r\n" },
  { made("wrap"), "a\nb", "a\r\nb\r\n" },
  { made("wrap", "quoted-printable"), ("x"):rep(77), ("x"):rep(75) .. "=\r\nxx=\r\n" },
  { made("normalize"), "a\nb\r\nc\rd\n\re", "a\r\nb\r\nc\r\nd\r\ne" },
  { made("normalize", "\n"), "a\nb\r\nc\rd\n\re", "a\nb\nc\nd\ne" },
  { made("stuff"), ".a\r\n.b\n.c\r\n..", "..a\r\n..b\n.c\r\n..." },
} do
  for _, size in ipairs { 1, 2, 3, 7, 2048 } do
    expect.equal(filtered(case[1], case[2], size), case[3], "in chunks of " .. size)
  end
end

-- There and back, for all bytes.
local bytes = network.bytes(3000)
for _, encoding in ipairs { "base64", "quoted-printable" } do
  for _, size in ipairs { 1, 1000, 2048 } do
    local function both()
      return ltn12.filter.chain(
        mime.encode(encoding, "binary"), mime.wrap(encoding), mime.decode(encoding)
      )
    end
    expect.equal(filtered(both, bytes, size), bytes, encoding)
  end
end

-- What is not there, and misuse.
for name, keys in pairs { encode = { "bogus", "text" }, decode = { "bogus" }, wrap = { "bogus" } } do
  for _, key in ipairs(keys) do
    expect.raises("unknown key (" .. key .. ")", mime[name], key)
  end
end
expect.raises("unknown key (default)", mime.encode)
for name, arguments in pairs {
  b64 = { {}, "", "bad argument #1 to 'b64' (string expected, got table)" },
  unb64 = { "", {}, "bad argument #2 to 'unb64' (string expected, got table)" },
  qp = { print, "", "bad argument #1 to 'qp' (string expected, got function)" },
  unqp = { "", true, "bad argument #2 to 'unqp' (string expected, got boolean)" },
  wrp = { nil, "", "bad argument #1 to 'wrp' (number expected, got nil)" },
  qpwrp = { 5, {}, "bad argument #2 to 'qpwrp' (string expected, got table)" },
  eol = { "x", "", "bad argument #1 to 'eol' (number expected, got string)" },
  dot = { 2, {}, "bad argument #2 to 'dot' (string expected, got table)" },
} do
  expect.raises(arguments[3], mime[name], arguments[1], arguments[2])
end

world.finish()
