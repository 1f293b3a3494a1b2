-- A server that returns every line. echo.lua [TIMEOUT]

local tasks = require "tasks_on_luv"

tasks.serve(function(client)
  while true do
    local line = client:line()
    if not line then
      break
    end
    client:send(line .. "\n")
  end
  client:close()
end, true, tonumber(arg[1]))
