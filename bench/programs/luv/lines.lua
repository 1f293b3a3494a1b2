-- A server that counts the lines up to an empty one and says how many they were.

local tasks = require "tasks_on_luv"

tasks.serve(function(client)
  local count, bytes = 0, 0
  while true do
    local line = client:line()
    if not line then
      break
    end
    if line == "" then
      client:send(count .. " " .. bytes .. "\n")
      count, bytes = 0, 0
    else
      count, bytes = count + 1, bytes + #line
    end
  end
  client:close()
end, true)
