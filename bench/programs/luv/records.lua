-- A server that counts records of SIZE bytes up to one that is all dots, and says how many they were.
-- records.lua SIZE

local tasks = require "tasks_on_luv"

local size = assert(tonumber(arg[1]))
local last = ("."):rep(size)

tasks.serve(function(client)
  local count = 0
  while true do
    local record = client:bytes(size)
    if not record then
      break
    end
    if record == last then
      client:send(count .. "\n")
      count = 0
    else
      count = count + 1
    end
  end
  client:close()
end, true)
