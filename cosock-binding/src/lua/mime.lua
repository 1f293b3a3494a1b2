-- mime, LuaSocket's module: filters for what mails and HTTP carry. What works on bytes is native.

local modules, _, mime = ...
local socket, ltn12 = modules["cosock.socket"], modules["ltn12"]
local cycle = ltn12.filter.cycle

mime._VERSION = "MIME 1.0.3"

local encodings, decodings, wrappings = {}, {}, {}
mime.encodet, mime.decodet, mime.wrapt = encodings, decodings, wrappings

function encodings.base64()
  return cycle(mime.b64, "")
end

encodings["quoted-printable"] = function(mode)
  return cycle(mime.qp, "", mode == "binary" and "=0D=0A" or "\r\n")
end

function decodings.base64()
  return cycle(mime.unb64, "")
end

decodings["quoted-printable"] = function()
  return cycle(mime.unqp, "")
end

function wrappings.text(length)
  length = length or 76
  return cycle(mime.wrp, length, length)
end

wrappings.base64, wrappings.default = wrappings.text, wrappings.text

wrappings["quoted-printable"] = function()
  return cycle(mime.qpwrp, 76, 76)
end

mime.encode = socket.choose(encodings)
mime.decode = socket.choose(decodings)
mime.wrap = socket.choose(wrappings)

-- Makes all ends of lines `marker`, CRLF unless told.
function mime.normalize(marker)
  return cycle(mime.eol, 0, marker)
end

-- Doubles dots at the beginning of lines, for SMTP.
function mime.stuff()
  return cycle(mime.dot, 2)
end

return mime
