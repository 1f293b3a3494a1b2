-- A server that answers a line with a number by so many blocks of 1 MiB, each by one write.

local tasks = require "tasks_on_luv"

local block = ("0123456789abcdef"):rep(65536)

tasks.serve(function(client)
  while true do
    local line = client:line()
    if not line then
      break
    end
    for _ = 1, tonumber(line) do
      assert(client:send(block))
    end
  end
  client:close()
end, true)
