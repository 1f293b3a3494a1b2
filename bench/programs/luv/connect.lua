-- Clients that connect to PORT, send a line, wait for it to come back, and close: ten at a time, for
-- SECONDS of processor time. connect.lua SECONDS PORT

local uv = require "luv"
local tasks = require "tasks_on_luv"

local budget, port = assert(tonumber(arg[1])), assert(tonumber(arg[2]))
local clients = 10
local done = 0
local start = os.clock()

local function connect()
  local task = coroutine.running()
  local handle = uv.new_tcp()
  handle:connect("127.0.0.1", port, function(problem)
    assert(coroutine.resume(task, problem))
  end)
  assert(not coroutine.yield())
  return tasks.stream(handle)
end

for client = 1, clients do
  tasks.spawn(function()
    local greeting = ("client %d"):format(client)
    while os.clock() - start < budget do
      local connection = connect()
      assert(connection:send(greeting .. "\n"))
      assert(connection:line() == greeting)
      connection:close()
      done = done + 1
    end
  end)
end
uv.run()
print("done", done, os.clock() - start)
