-- A source is sent by its content-length or in chunks; its errors end the request, and a body that was cut off
-- does not look complete. A request that expects 100-continue sends its body when it is asked for it.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local web = require "web"
local world = require "world"

web.test(function()
  local address, requests, stop = web.serve(function()
    return web.answer "ok"
  end)

  local function upload(fields)
    fields.url, fields.method = address, fields.method or "PUT"
    local done, code = http.request(fields)
    expect.equal(done, 1, code)
    return requests[#requests]
  end

  local request = upload { source = ltn12.source.string "data", headers = { ["Content-Length"] = 4 } }
  expect.equal(request.line, "PUT / HTTP/1.1")
  expect.equal(request.body, "data")
  expect.equal(request.headers["transfer-encoding"], nil)

  local pieces = { "first", "", "the second" }
  request = upload { source = ltn12.source.table(pieces) }
  expect.equal(request.headers["transfer-encoding"], "chunked")
  expect.equal(request.headers["content-length"], nil)
  -- An empty chunk would have ended the body.
  expect.list(request.chunks, { "first", "the second" })

  request = upload { source = ltn12.source.empty() }
  expect.equal(request.body, "")

  request = upload { source = ltn12.source.string "x", headers = { ["Transfer-Encoding"] = "chunked" } }
  expect.list(request.chunks, { "x" })

  local large = network.bytes(300000)
  expect.equal(upload({ source = ltn12.source.string(large) }).body, large)
  expect.equal(upload({ source = ltn12.source.string(large), headers = { ["content-length"] = #large } }).body, large)

  -- Numbers are sent as their text.
  local function counting(fields)
    local count = 0
    fields.source = function()
      count = count + 1
      return count < 3 and count or nil
    end
    return upload(fields)
  end
  expect.list(counting({}).chunks, { "1", "2" })
  expect.equal(counting({ headers = { ["content-length"] = 2 } }).body, "12")

  -- A method of any name may have a body, and the step is the user's.
  local steps = 0
  request = upload {
    method = "REPORT",
    source = ltn12.source.table { "a", "b" },
    step = function(source, sink)
      steps = steps + 1
      return ltn12.pump.step(source, sink)
    end,
  }
  expect.equal(request.body, "ab")
  expect.equal(steps >= 3, true)
  stop()

  -- What the server sees of a source that fails.
  local seen
  local port
  port, stop = web.listen(function(sock)
    web.read_head(sock)
    seen = network.drain(sock)
  end)
  address = "http://127.0.0.1:" .. port
  local function failing()
    local count = 0
    return function()
      count = count + 1
      if count == 1 then
        return "begun"
      end
      return nil, "the source failed"
    end
  end
  expect.list(expect.pack(http.request { url = address, source = failing() }), { n = 2, nil, "the source failed" })
  network.wait_until(function()
    return seen
  end)
  expect.equal(seen, "5\r\nbegun\r\n")

  -- Anything else is no chunk, whatever the length and whoever sends it.
  local made
  local function create()
    made = assert(cosock.socket.tcp())
    return made
  end
  for _, wrong in ipairs { {}, true, print } do
    for _, headers in ipairs { {}, { ["content-length"] = 4 } } do
      local function source()
        return wrong
      end
      local reason = "bad chunk from 'source' (string expected, got " .. type(wrong) .. ")"
      local given = { url = address, source = source, headers = headers, create = create }
      expect.list(expect.pack(http.request(given)), { n = 2, nil, reason })
      expect.equal(made:getfd(), -1)
      local conn = http.open("127.0.0.1", port)
      local done, err = cosock.socket.protect(conn.sendbody)(conn, headers, source)
      expect.list({ n = 2, done, err }, { n = 2, nil, reason })
      expect.equal(conn.c:getfd(), -1)
    end
  end
  stop()

  -- The server asks for the body before it comes, answers without, or does neither.
  local function expecting(handle)
    local own_port, own_stop = web.listen(handle)
    local chunks, pulled = {}, false
    local done, code = http.request {
      url = "http://127.0.0.1:" .. own_port,
      method = "PUT",
      headers = { expect = "100-continue", ["content-length"] = 4 },
      source = ltn12.source.chain(ltn12.source.string "body", function(chunk)
        pulled = pulled or chunk ~= nil
        return chunk
      end),
      sink = ltn12.sink.table(chunks),
    }
    own_stop()
    return done, code, table.concat(chunks), pulled
  end

  http.CONTINUE_TIMEOUT = 20
  local order = {}
  local done, code, text = expecting(function(sock)
    web.read_head(sock)
    sock:settimeout(0.05)
    local _, err = sock:receive(1)
    order[1] = err
    sock:settimeout(nil)
    sock:send "HTTP/1.1 100 Continue\r\n\r\n"
    order[2] = sock:receive(4)
    sock:send(web.answer "thanks")
  end)
  expect.list({ n = 3, done, code, text }, { n = 3, 1, 200, "thanks" })
  expect.list(order, { "timeout", "body" })

  local pulled
  done, code, text, pulled = expecting(function(sock)
    web.read_head(sock)
    sock:send(web.answer("too large", nil, "413 Content Too Large"))
  end)
  expect.list({ n = 4, done, code, text, pulled }, { n = 4, 1, 413, "too large", false })

  http.CONTINUE_TIMEOUT = 0.05
  done, code, text = expecting(function(sock)
    web.read_head(sock)
    local body = sock:receive(4)
    sock:send(web.answer(body:upper()))
  end)
  expect.list({ n = 3, done, code, text }, { n = 3, 1, 200, "BODY" })

  -- Half of the status line comes within the time to wait, the rest after the body.
  done, code, text = expecting(function(sock)
    web.read_head(sock)
    sock:send "HTT"
    local body = sock:receive(4)
    cosock.socket.sleep(0.01)
    sock:send("P/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" .. body)
  end)
  expect.list({ n = 3, done, code, text }, { n = 3, 1, 200, "body" })
end)

world.finish()
