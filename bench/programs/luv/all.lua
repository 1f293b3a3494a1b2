-- A server that takes everything up to the end of the stream and says how many bytes that was.

local tasks = require "tasks_on_luv"

tasks.serve(function(client)
  local everything = client:all()
  client:send(#everything .. "\n")
  client:close()
end)
