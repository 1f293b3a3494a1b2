-- A small web server: answers each request of a connection by its path.

local tasks = require "tasks_on_luv"

local function answer(path)
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " .. #path .. "\r\n\r\n" .. path
end

tasks.serve(function(client)
  while true do
    local request = client:line()
    if not request then
      break
    end
    local header
    repeat
      header = client:line()
    until not header or header == "\r"
    client:send(answer(request:match("^GET (%S+) HTTP/1%.1\r$")))
  end
  client:close()
end, true)
