-- pgmoon through asyncify: several tasks ask a database at once, each on a connection of its own; one waits for what
-- another one notifies of, and a last one runs beside them. Argument: the port of a PostgreSQL server, where the user
-- `tester` needs no password.
local cosock = require "cosock"
local socket = cosock.socket
local pgmoon = cosock.asyncify "pgmoon"

local port = assert(..., "which port?")
local count, clients = 200, 5

local function connect()
  local client = pgmoon.new { host = "127.0.0.1", port = port, user = "tester", database = "postgres" }
  assert(client:connect())
  return client
end

local results, turns, over = {}, 0, 0
local is_listening, heard = false, nil

for number = 1, clients do
  cosock.spawn(function()
    local client = connect()
    local name = "numbers" .. number
    assert(client:query("drop table if exists " .. name))
    assert(client:query("create table " .. name .. " (id integer, word text)"))
    for id = 1, count do
      local done = assert(client:query(("insert into %s values (%d, %s)"):format(
        name, id, client:escape_literal(("it's "):rep(id)))))
      assert(done.affected_rows == 1)
    end
    local rows = assert(client:query("select * from " .. name .. " order by id"))
    assert(#rows == count)
    for id, row in ipairs(rows) do
      assert(row.id == id and row.word == ("it's "):rep(id))
    end
    local nothing, err = client:query("select * from nowhere")
    assert(nothing == nil and err:find 'relation "nowhere" does not exist', err)
    -- After an error the connection goes on.
    local sums = assert(client:query("select sum(id) as sum from " .. name .. "; select 1 as one"))
    assert(sums[1][1].sum == count * (count + 1) / 2 and sums[2][1].one == 1)
    -- Larger than what goes in one piece.
    local large = assert(client:query("select repeat('abc', 1000000) as large"))
    assert(large[1].large == ("abc"):rep(1000000))
    assert(client:query("drop table " .. name))
    client:disconnect()
    results[number] = true
    over = over + 1
  end, "client")
end

cosock.spawn(function()
  local client = connect()
  assert(client:query("listen news"))
  is_listening = true
  heard = assert(client:wait_for_notification())
  -- A timeout, in milliseconds, that passes while a query sleeps.
  client:settimeout(100)
  local slept, err = client:query("select pg_sleep(1)")
  assert(slept == nil and err:find "timeout", err)
  client:disconnect()
  over = over + 1
end, "listener")

cosock.spawn(function()
  local client = connect()
  while not is_listening do
    socket.sleep(0.005)
  end
  -- A query that takes its time holds nobody up.
  local before = turns
  assert(client:query("select pg_sleep(0.3)"))
  assert(turns > before + 20, turns - before)
  assert(client:query("notify news, 'of today'"))
  client:disconnect()
  over = over + 1
end, "teller")

cosock.spawn(function()
  while over < clients + 2 do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
for number = 1, clients do
  assert(results[number], number)
end
assert(heard.channel == "news" and heard.payload == "of today")
print "ok"
