-- A server of one line for each connection.

local tasks = require "tasks_on_luv"

tasks.serve(function(client)
  local line = client:line()
  if line then
    client:send(line .. "\n")
  end
  client:close()
end)
