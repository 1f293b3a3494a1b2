-- Says "ready", then waits for a client that never comes; tests/interrupt.rs presses Ctrl-C.
local cosock = require "cosock"
local socket = require "cosock.socket"

io.stdout:setvbuf("line")

cosock.spawn(function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  print("ready")
  listener:accept()
end, "server")

cosock.run()
