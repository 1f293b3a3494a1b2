-- Tasks that ask the web server at PORT for pages, whose content is their path: ten at a time, for SECONDS of
-- processor time. http-client.lua SECONDS PORT

local cosock = require "cosock"
local http = require "cosock.socket.http"

local budget, port = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local clients = 10
local done = 0
local start = os.clock()

for client = 1, clients do
  cosock.spawn(function()
    local turn = 0
    while os.clock() - start < budget do
      turn = turn + 1
      local path = ("/%d/%d"):format(client, turn)
      local content, code = http.request(("http://127.0.0.1:%d%s"):format(port, path))
      assert(code == 200 and content == path)
      done = done + 1
    end
  end)
end
cosock.run()
print("done", done, os.clock() - start)
