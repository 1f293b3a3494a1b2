-- lua-memcached, which takes LuaSocket from the global of its old name: clients that wait, and some that
-- never do but defer, each a task, and one that runs beside them. Argument: the port of a memcached.
local cosock = require "cosock"
local socket = cosock.socket
_G.socket = socket
local memcached = cosock.asyncify "memcached"

local port = tonumber((assert(..., "which port?")))
local clients, count = 10, 40
local over, turns = 0, 0

local function defer()
  socket.sleep(0.001)
end

for number = 1, clients do
  cosock.spawn(function()
    -- Where nothing waits, a client takes whatever part of an answer is there; so its values are short.
    local is_deferring = number % 2 == 0
    local client = memcached.connect("127.0.0.1", port, is_deferring and defer or nil)
    local length = is_deferring and 1 or 500
    for id = 1, count do
      local key, value = ("key-%d-%d"):format(number, id), ("value\r\n"):rep(id * length):sub(1, id * length)
      assert(client:set(key, value, 0, id))
      local got, flags = client:get(key)
      assert(got == value and flags == id, key)
    end
    assert(client:set("count" .. number, "5"))
    assert(client:incr("count" .. number, 37) == 42)
    assert(client:add("count" .. number, "6") == false)
    local value, _, cas = client:gets("count" .. number)
    assert(value == "42" and client:cas("count" .. number, "43", cas) and not client:cas("count" .. number, "44", cas))
    local stats = client:stats()
    assert(stats.pid and stats.cmd_set > 0)
    local ended, err = client:quit()
    assert(ended == false and err == "closed", err)
    over = over + 1
  end, "client")
end

cosock.spawn(function()
  while over < clients do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
assert(turns > 5, turns)
print "ok"
