-- A body ends by its length, its last chunk or the end of the connection; some answers have none. One that is
-- cut off or in wrong chunks is an error with LuaSocket's words.
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local web = require "web"
local world = require "world"

local ok = "HTTP/1.1 200 OK\r\n"
local chunked = ok .. "Transfer-Encoding: chunked\r\n\r\n"
local large = network.bytes(200000)

-- What the server sends, and what the simple form returns: a text and a code, or nil and the reason.
local exchanges = {
  -- by length
  { web.answer "hello", "hello", 200 },
  { ok .. "Content-Length: 5\r\n\r\nhello, and more", "hello", 200 },
  { ok .. "Content-Length: 0\r\n\r\n", "", 200 },
  { ok .. "Content-Length: 50\r\n\r\nhello", nil, "closed" },
  { web.answer(large), large, 200 },
  -- by the end of the connection
  { "HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end", 200 },
  { ok .. "\r\n" .. large, large, 200 },
  { ok .. "Content-Length: what\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: 0x1\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: 1e0\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: nan\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: 1.5\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: 3, 3\r\n\r\nabc", "abc", 200 },
  { ok .. "Content-Length: -1\r\n\r\nabc", "", 200 },
  { ok .. "Content-Length: 99999999999999999999\r\n\r\nabc", nil, "closed" },
  -- in chunks
  { chunked .. "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", 200 },
  { chunked .. "5;extension=1\r\nhello\r\n0\r\n\r\n", "hello", 200 },
  { chunked .. "A\r\nhellohello\r\na\r\nhellohello\r\n000\r\n\r\n", "hellohellohellohello", 200 },
  { chunked .. "0\r\nTrailer: x\r\nOther: y\r\n\r\n", "", 200 },
  { chunked .. ("%x\r\n"):format(#large) .. large .. "\r\n0\r\n\r\n", large, 200 },
  { ok .. "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", 200 },
  { ok .. "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a", 200 },
  { ok .. "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", 200 },
  { ok .. "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n", "a", 200 },
  { ok .. "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na", "a", 200 },
  { chunked .. "A\r\nhell", nil, "closed" },
  { chunked .. "5\r\nhello\r\n", nil, "closed" },
  { chunked .. "5\r\nhello", nil, "closed" },
  { chunked .. "0\r\n", nil, "closed" },
  { chunked .. "zz\r\nhell\r\n0\r\n\r\n", nil, "invalid chunk size" },
  { chunked .. "-5\r\nhello\r\n0\r\n\r\n", nil, "invalid chunk size" },
  { chunked .. "\r\n\r\n", nil, "invalid chunk size" },
  { chunked .. "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", nil, "invalid chunk size" },
  { chunked .. "0\r\nno trailer\r\n\r\n", nil, "malformed reponse headers" },
  -- what could be read in two ways
  { ok .. "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabcdef", "abc", 200 },
  { ok .. "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcdef", nil, "conflicting content lengths" },
  { ok .. "Content-Length: 3, 4\r\n\r\nabcdef", nil, "conflicting content lengths" },
  { ok .. "Content-Length: 3\r\nContent-Length: x\r\n\r\nabcdef", nil, "conflicting content lengths" },
  { chunked .. "3\r\nabcXX\r\n0\r\n\r\n", nil, "invalid chunk" },
  { chunked .. "3\r\nabcdef\r\n3\r\nabc\r\n0\r\n\r\n", nil, "invalid chunk" },
  -- none
  { "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nxx", "", 204 },
  { "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "", 304 },
  { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw", "", 101 },
  -- interim answers
  { "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" .. web.answer "hello", "hello", 200 },
  { "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 \r\n\r\n" .. web.answer "hello", "hello", 200 },
  -- lines that end without a carriage return
  { "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", 200 },
  -- other status lines
  { "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no", 404 },
  { "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x", 200 },
  { "HTTP/1.1 abc\r\n\r\nx", nil, "HTTP/1.1 abc" },
  { "HTTP/x 200 OK\r\n\r\nx", nil, "HTTP/x 200 OK" },
  { "HTTP/1.1 200", nil, "closed" },
  { "", nil, "closed" },
  { "hi", nil, "closed" },
  { "a body of HTTP/0.9", "a body of HTTP/0.9", 200 },
  -- headers
  { ok .. "no colon\r\n\r\n", nil, "malformed reponse headers" },
  { ok .. "X: y", nil, "closed" },
  { ok .. "X: y\r\n", nil, "closed" },
}

-- In one piece, and byte by byte: no boundary between packets matters.
local function whole(bytes)
  return bytes
end

local function in_pieces(bytes)
  return #bytes < 1000 and function(sock)
    for place = 1, #bytes do
      sock:send(bytes:sub(place, place))
    end
  end or bytes
end

web.test(function()
  for _, way in ipairs { whole, in_pieces } do
    for number, exchange in ipairs(exchanges) do
      local bytes, text, code = exchange[1], exchange[2], exchange[3]
      local address, _, stop = web.serve(function()
        return way(bytes)
      end)
      local got, got_code = http.request(address)
      local what = number .. ": " .. bytes:sub(1, 100)
      expect.equal(got_code, code, what)
      expect.equal(got, text, what)
      stop()
    end
  end

  -- To HEAD there is no body, whatever the headers say.
  local address, requests, stop = web.serve(function()
    return ok .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
  end)
  local chunks = {}
  local done, code, headers =
    http.request { url = address, method = "HEAD", sink = ltn12.sink.table(chunks) }
  expect.equal(done, 1)
  expect.equal(code, 200)
  expect.equal(headers["content-length"], "5")
  expect.equal(#chunks, 0)
  expect.equal(requests[1].method, "HEAD")
  stop()
end)

world.finish()
