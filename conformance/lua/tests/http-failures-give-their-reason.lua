-- Whatever ends a request returns nil and the reason, or raises what a function of the user's raised; no
-- descriptor stays open.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local ltn12 = require "ltn12"
local network = require "network"
local web = require "web"
local world = require "world"

local protect = cosock.socket.protect

-- Both forms: LuaSocket gives two values for each.
local function fails(reason, fields)
  if type(fields) == "string" then
    expect.list(expect.pack(http.request(fields)), { n = 2, nil, reason })
    fields = { url = fields }
  end
  expect.list(expect.pack(http.request(fields)), { n = 2, nil, reason })
end

web.test(function()
  local refusing, keeper = network.refusing_port()
  fails("connection refused", "http://127.0.0.1:" .. refusing .. "/")
  keeper:close()
  fails("host or service not provided, or not known", "http://no.such.host.invalid/")
  fails("invalid host 'nil'", "http:///path")
  fails("invalid host 'nil'", "http:path")
  fails("invalid host 'nil'", {})
  fails("invalid host ''", { url = "http://h/", host = "" })
  fails("invalid url", "")
  fails("unknown scheme 'foo'", "foo://h/")
  fails("unknown scheme 'localhost'", "localhost:80/")
  fails("invalid proxy 'x'", { url = "http://h/", proxy = "x" })
  fails("invalid proxy 'foo://h'", { url = "http://h/", proxy = "foo://h" })
  fails("no object today", {
    url = "http://h/",
    create = function()
      return nil, "no object today"
    end,
  })

  local function closing(sock)
    web.read(sock)
  end
  local port, stop = web.listen(closing)
  fails("closed", "http://127.0.0.1:" .. port .. "/")
  stop()

  -- Nothing comes, at each point where something has to.
  http.TIMEOUT = 0.02
  for _, part in ipairs {
    "", "HT", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxy", "HTTP/1.1 200 OK\r\n\r\nxy",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxy",
    "HTTP/1.1 100 Continue\r\n\r\n",
  } do
    port, stop = web.listen(function(sock)
      sock:send(part)
      network.drain(sock)
    end)
    fails("timeout", "http://127.0.0.1:" .. port .. "/")
    stop()
  end
  http.TIMEOUT = 60

  -- A step, sink or source of the user's ends the request with its reason, or with its error.
  local address
  address, _, stop = web.serve(function()
    return web.answer "hello"
  end)
  fails("no more", {
    url = address,
    sink = function()
      return nil, "no more"
    end,
  })
  fails("no step", {
    url = address,
    step = function()
      return nil, "no step"
    end,
  })
  fails("no source", { url = address, source = ltn12.source.error "no source" })

  local own, made = {}, nil
  local function raising()
    error(own)
  end
  local function refusing_all()
    return nil, "refused"
  end
  local function create()
    made = assert(cosock.socket.tcp())
    return made
  end
  -- Closed at once, not by the collector.
  for _, fields in ipairs { { source = refusing_all }, { sink = refusing_all }, { step = refusing_all } } do
    fields.url, fields.create = address, create
    fails("refused", fields)
    expect.equal(made:getfd(), -1)
  end
  for _, fields in ipairs {
    { source = raising },
    { sink = raising },
    { step = raising },
    { source = ltn12.source.string "x", step = raising },
  } do
    fields.url, fields.create = address, create
    local raised
    local task = cosock.spawn(function()
      http.request(fields)
    end, "raising", {
      onerror = function(err)
        raised = err
      end,
    })
    network.wait_until(function()
      return not task:is_alive()
    end)
    expect.equal(raised, own)
    expect.equal(made:getfd(), -1)
  end
  local done, err = protect(function()
    http.request {
      url = address,
      sink = function()
        cosock.socket.try(nil, "tried")
      end,
    }
  end)()
  expect.list({ n = 2, done, err }, { n = 2, nil, "tried" })
  stop()
end)

world.finish()
