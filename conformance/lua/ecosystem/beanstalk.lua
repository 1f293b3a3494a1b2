-- haricot through asyncify: workers wait for jobs, each on a connection of its own, that a producer puts, and a
-- task runs beside them. Argument: the port of a beanstalkd.
local cosock = require "cosock"
local socket = cosock.socket
local haricot = cosock.asyncify "haricot"

local port = tonumber((assert(..., "which port?")))
local count, workers = 60, 4

local function connect()
  return assert(haricot.new("127.0.0.1", port))
end

local function text_of(number)
  return number .. ":" .. ("x\r\n"):rep(number * 200)
end

local done, buried, turns, over = {}, 0, 0, 0

for _ = 1, workers do
  cosock.spawn(function()
    local client = connect()
    assert(client:watch "numbers")
    assert(client:ignore "default")
    while true do
      local fine, job = client:reserve()
      assert(fine, job)
      if job.data == "end" then
        assert(client:delete(job.id))
        break
      end
      local number = tonumber(job.data:match "^%d+")
      assert(job.data == text_of(number))
      done[number] = (done[number] or 0) + 1
      if number == 1 and done[1] == 1 then
        assert(client:release(job.id, 0, 0))
      elseif number == 2 then
        buried = buried + 1
        assert(client:bury(job.id, 0))
      else
        assert(client:delete(job.id))
      end
    end
    assert(client:disconnect())
    over = over + 1
  end, "worker")
end

cosock.spawn(function()
  local client = connect()
  assert(client:use "numbers")
  for number = 1, count do
    local fine, id = client:put(100, 0, 60, text_of(number))
    assert(fine and type(id) == "number", id)
    if number % 10 == 0 then
      socket.sleep(0.002)
    end
  end
  for _ = 1, workers do
    assert(client:put(200, 0, 60, "end"))
  end
  while over < workers do
    socket.sleep(0.005)
  end
  -- What was buried can be looked at, and goes when it is told to.
  local fine, job = client:peek_buried()
  assert(fine and job.data == text_of(2))
  assert(client:delete(job.id))
  local stated, stats = client:stats_tube "numbers"
  assert(stated and stats:find "total%-jobs: 64", stats)
  assert(client:watch "numbers")
  -- A wait that ends without a job.
  local begun = socket.gettime()
  local waited, none = client:reserve_with_timeout(1)
  assert(waited == true and none == nil)
  assert(socket.gettime() - begun >= 0.9)
  assert(client:disconnect())
  over = over + 1
end, "producer")

cosock.spawn(function()
  while over <= workers do
    turns = turns + 1
    socket.sleep(0.001)
  end
end, "beside")

cosock.run()
for number = 1, count do
  assert(done[number] == (number == 1 and 2 or 1), number)
end
assert(buried == 1)
-- A second in which every other task had its turns.
assert(turns > 200, turns)
print "ok"
