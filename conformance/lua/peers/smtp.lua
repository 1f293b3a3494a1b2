-- LuaSocket's SMTP module, as Debian has it, asyncified, against an SMTP server. Arguments: its port, its directory.
local world = require "world"
local expect = require "expect"
local network = require "network"
local cosock = require "cosock"
local socket = cosock.socket

local port, directory = tonumber((...)), (select(2, ...))
local smtp = cosock.asyncify "socket.smtp"
local mime, ltn12 = cosock.asyncify "mime", cosock.asyncify "ltn12"
expect.equal(package.loaded["socket.smtp"], nil)
expect.equal(package.loaded["socket"], nil)

local function received(number)
  local file = assert(io.open(directory .. "/" .. number, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function send(mail)
  mail.server, mail.port = mail.server or "127.0.0.1", mail.port or port
  mail.from = mail.from or "<sender@example.org>"
  mail.rcpt = mail.rcpt or "<one@example.org>"
  return smtp.send(mail)
end

-- A plain one, with what SMTP escapes; several recipients; a password.
expect.tasks(function()
  expect.equal(send {
    rcpt = { "<one@example.org>", "<two@example.org>" },
    source = smtp.message {
      headers = { subject = "plain", to = "one, two" },
      body = "first line\r\n.a dot\r\n..two dots\r\n.\r\nlast line",
    },
  }, 1)
  local text = received(1)
  expect.contains(text, "from sender@example.org\nto one@example.org\nto two@example.org\n\n")
  expect.contains(text:lower(), "subject: plain\r\n")
  expect.contains(text, "\r\n\r\nfirst line\r\n.a dot\r\n..two dots\r\n.\r\nlast line")

  expect.equal(send {
    user = "user",
    password = "password",
    source = smtp.message { headers = { subject = "with a password" }, body = "body" },
  }, 1)
  expect.contains(received(2):lower(), "subject: with a password")
end)

-- Several parts, one of them from a source that waits and through base64.
expect.tasks(function()
  local data = network.bytes(20000)
  local place = 1
  local source = function()
    socket.sleep(0)
    if place > #data then
      return nil
    end
    local part = data:sub(place, place + 1999)
    place = place + 2000
    return part
  end
  expect.equal(send {
    source = smtp.message {
      headers = { subject = "parts" },
      body = {
        preamble = "a preamble",
        [1] = { headers = { ["content-type"] = "text/plain" }, body = mime.eol(0, "a text\nof two lines") },
        [2] = {
          headers = { ["content-transfer-encoding"] = "BASE64" },
          body = ltn12.source.chain(source, ltn12.filter.chain(mime.encode("base64"), mime.wrap("base64"))),
        },
        epilogue = "an epilogue",
      },
    },
  }, 1)
  local text = received(3)
  expect.contains(text, "a preamble")
  expect.contains(text, "an epilogue")
  expect.contains(text, "a text\r\nof two lines")
  local encoded = mime.b64(data):sub(1, 76)
  expect.contains(text, encoded)
  local _, lines = text:gsub("\r\n[%w+/=]+", "")
  expect.equal(lines > 20000 * 4 / 3 / 76, true)
end)

-- What the server refuses, and a server that is none.
expect.tasks(function()
  local message = { headers = { subject = "refused" }, body = "body" }
  local sent, err = send { rcpt = "<nobody@example.org>", source = smtp.message(message) }
  expect.equal(sent, nil)
  expect.contains(err, "550 no such user")
  sent, err = send { user = "user", password = "wrong", source = smtp.message(message) }
  expect.equal(sent, nil)
  expect.contains(err, "535")
  local refusing, keeper = network.refusing_port()
  sent, err = send { port = refusing, source = smtp.message(message) }
  expect.equal(sent, nil)
  expect.equal(err, "connection refused")
  keeper:close()
  -- An error of a source is no message of the server, and what it waits for changes nothing.
  sent, err = send { source = function() socket.sleep(0) return nil, "the source failed" end }
  expect.equal(sent, nil)
  expect.equal(err, "the source failed")
end)

-- Ten at once.
expect.tasks(function()
  local sent = 0
  for number = 1, 10 do
    cosock.spawn(function()
      expect.equal(send {
        server = "localhost",
        source = smtp.message { headers = { subject = "number " .. number }, body = ("line\r\n"):rep(1000) },
      }, 1)
      sent = sent + 1
    end, "sender " .. number)
  end
  network.wait_until(function() return sent == 10 end)
end)

world.finish()
