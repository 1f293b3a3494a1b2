-- LuaSocket's FTP module, as Debian has it, asyncified, against an FTP server. Arguments: its port, its directory.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local port, directory = tonumber((...)), (select(2, ...))
local ftp = cosock.asyncify "socket.ftp"
local ltn12 = cosock.asyncify "ltn12"
expect.equal(package.loaded["socket.ftp"], nil)
expect.equal(package.loaded["socket"], nil)

local function read(name)
  local file = assert(io.open(directory .. "/" .. name, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(directory .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

local large = network.bytes(700000)
write("small.txt", "a small file\n")
write("large.bin", large)

-- By URL, and in full; what comes is what is there.
expect.tasks(function()
  local base = "ftp://127.0.0.1:" .. port
  expect.equal((ftp.get(base .. "/small.txt;type=i")), "a small file\n")
  expect.equal(ftp.get(base .. "/large.bin;type=i") == large, true)
  local parts = {}
  expect.equal(ftp.get {
    host = "127.0.0.1",
    port = port,
    user = "user",
    password = "password",
    path = "large.bin",
    type = "i",
    sink = ltn12.sink.table(parts),
  }, 1)
  expect.equal(table.concat(parts) == large, true)

  -- Names that are not there, a password that is wrong, a server that is none.
  local got, err = ftp.get(base .. "/missing.txt")
  expect.equal(got, nil)
  expect.contains(err, "550")
  got, err = ftp.get("ftp://user:wrong@127.0.0.1:" .. port .. "/small.txt")
  expect.equal(got, nil)
  expect.contains(err, "530")
  local refusing, keeper = network.refusing_port()
  got, err = ftp.get("ftp://127.0.0.1:" .. refusing .. "/small.txt")
  expect.equal(got, nil)
  expect.equal(err, "connection refused")
  keeper:close()
end)

-- Writing, appending by a command of one's own, listing.
expect.tasks(function()
  local base = "ftp://user:password@127.0.0.1:" .. port
  expect.equal(ftp.put(base .. "/put.txt;type=i", "was put"), 7)
  expect.equal(read "put.txt", "was put")
  expect.equal(ftp.put {
    host = "127.0.0.1",
    port = port,
    user = "user",
    password = "password",
    path = "put.bin",
    type = "i",
    source = ltn12.source.string(large),
  }, #large)
  expect.equal(read "put.bin" == large, true)
  expect.equal(ftp.put {
    host = "127.0.0.1",
    port = port,
    user = "user",
    password = "password",
    command = "appe",
    path = "put.txt",
    type = "i",
    source = ltn12.source.string(", and more"),
  }, 10)
  expect.equal(read "put.txt", "was put, and more")
  local listing = {}
  expect.equal(ftp.get {
    host = "127.0.0.1",
    port = port,
    user = "user",
    password = "password",
    command = "nlst",
    path = "",
    sink = ltn12.sink.table(listing),
  }, 1)
  expect.contains(table.concat(listing), "put.bin")
  -- Nobody may write without a password.
  local done, err = ftp.put("ftp://127.0.0.1:" .. port .. "/forbidden.txt", "text")
  expect.equal(done, nil)
  expect.contains(err, "550")
end)

-- Several at once, while others run; one that is cancelled on its way closes its sockets.
expect.tasks(function()
  local over, turns, finished = 0, 0, false
  for number = 1, 5 do
    cosock.spawn(function()
      local got = ftp.get("ftp://127.0.0.1:" .. port .. "/large.bin;type=i")
      expect.equal(got == large, true)
      over = over + 1
    end, "client " .. number)
  end
  cosock.spawn(function()
    while not finished do
      turns = turns + 1
      socket.sleep(0)
    end
  end, "ticker")
  network.wait_until(function() return over == 5 end)
  finished = true
  expect.equal(turns > 5, true)
  local task = cosock.spawn(function()
    ftp.get("ftp://127.0.0.1:" .. port .. "/large.bin;type=i")
  end, "to be cancelled")
  socket.sleep(0.002)
  task:cancel()
end)

-- LuaSocket's modules are fields of their `socket`, which is ours.
expect.equal(socket.ftp, ftp)
expect.equal(cosock.asyncify "socket.tp", socket.tp)

world.finish()
