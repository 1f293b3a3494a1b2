-- Coroutines on luv, as its users write them: a stream whose reads wait, and a queue of tasks that run in
-- the loop's next turn.

local uv = require "luv"

local tasks = {}

-- What runs next, and a handle that keeps the loop turning while there is any.
local ready, count = {}, 0
local idle = uv.new_idle()

local function run_ready()
  local now, last = ready, count
  ready, count = {}, 0
  for place = 1, last do
    local ok, problem = coroutine.resume(now[place])
    if not ok then
      error(problem, 0)
    end
  end
  if count == 0 then
    idle:stop()
  end
end

-- Lets `task`, a coroutine, go on in the next turn.
function tasks.wake(task)
  if count == 0 then
    idle:start(run_ready)
  end
  count = count + 1
  ready[count] = task
end

function tasks.spawn(body)
  tasks.wake(coroutine.create(body))
end

-- A task that only lets others run needs no timer.
function tasks.sleep(seconds)
  local task = coroutine.running()
  if seconds == 0 then
    tasks.wake(task)
    return coroutine.yield()
  end
  local timer = uv.new_timer()
  timer:start(math.floor(seconds * 1000), 0, function()
    timer:close()
    assert(coroutine.resume(task))
  end)
  coroutine.yield()
end

local channel = {}
channel.__index = channel

function tasks.channel()
  return setmetatable({ first = 1, last = 0 }, channel)
end

function channel:send(value)
  local last = self.last + 1
  self.last = last
  self[last] = value
  local waiting = self.waiting
  if waiting then
    self.waiting = nil
    tasks.wake(waiting)
  end
end

function channel:receive()
  if self.first > self.last then
    self.waiting = coroutine.running()
    coroutine.yield()
  end
  local first = self.first
  local value = self[first]
  self[first] = nil
  self.first = first + 1
  return value
end

local stream = {}
stream.__index = stream

-- A stream on `handle`, with a timeout in seconds for each wait, if there is one.
function tasks.stream(handle, timeout)
  local self = setmetatable({ handle = handle, rest = "", place = 1 }, stream)
  if timeout then
    self.timeout = math.floor(timeout * 1000)
    self.timer = uv.new_timer()
  end
  local function go_on()
    local waiting = self.waiting
    if waiting then
      self.waiting = nil
      if self.timer then
        self.timer:stop()
      end
      assert(coroutine.resume(waiting))
    end
  end
  self.expired = function()
    self.finished = "timeout"
    go_on()
  end
  handle:read_start(function(problem, chunk)
    if chunk then
      if self.chunk then
        self.chunk = self.chunk .. chunk
      else
        self.chunk = chunk
      end
    else
      self.finished = problem or "closed"
    end
    go_on()
  end)
  return self
end

-- The next bytes that arrive, or nil at the end.
function stream:chunk_of_any_size()
  if not self.chunk and not self.finished then
    self.waiting = coroutine.running()
    if self.timer then
      self.timer:start(self.timeout, 0, self.expired)
    end
    coroutine.yield()
  end
  local chunk = self.chunk
  self.chunk = nil
  return chunk
end

-- Moves on to bytes that hold more than `rest` from `place` on; false at the end.
local function more(self)
  local chunk = self:chunk_of_any_size()
  if not chunk then
    return false
  end
  if self.place > #self.rest then
    self.rest = chunk
  else
    self.rest = self.rest:sub(self.place) .. chunk
  end
  self.place = 1
  return true
end

function stream:line()
  while true do
    local place = self.place
    local newline = self.rest:find("\n", place, true)
    if newline then
      self.place = newline + 1
      return self.rest:sub(place, newline - 1)
    end
    if not more(self) then
      return nil
    end
  end
end

function stream:bytes(size)
  local place = self.place
  if #self.rest - place + 1 >= size then
    self.place = place + size
    return self.rest:sub(place, place + size - 1)
  end
  -- The parts are joined once, however many they are.
  local parts, have = { self.rest:sub(place) }, #self.rest - place + 1
  while have < size do
    local chunk = self:chunk_of_any_size()
    if not chunk then
      return nil
    end
    parts[#parts + 1] = chunk
    have = have + #chunk
  end
  local whole = table.concat(parts)
  self.rest, self.place = whole, size + 1
  return whole:sub(1, size)
end

function stream:all()
  local parts = { self.rest:sub(self.place) }
  local chunk = self:chunk_of_any_size()
  while chunk do
    parts[#parts + 1] = chunk
    chunk = self:chunk_of_any_size()
  end
  return table.concat(parts)
end

-- Sends without waiting where the socket has room, and waits for the rest.
function stream:send(data)
  local sent = self.handle:try_write(data) or 0
  if sent < #data then
    local task = coroutine.running()
    self.handle:write(data:sub(sent + 1), function(problem)
      assert(coroutine.resume(task, not problem))
    end)
    return coroutine.yield()
  end
  return true
end

function stream:close()
  if self.timer then
    self.timer:close()
  end
  self.handle:close()
end

-- Serves each connection by `body`, and says where; does not return.
function tasks.serve(body, nodelay, timeout)
  local listener = uv.new_tcp()
  listener:bind("127.0.0.1", 0)
  listener:listen(128, function(problem)
    assert(not problem, problem)
    local handle = uv.new_tcp()
    listener:accept(handle)
    if nodelay then
      handle:nodelay(true)
    end
    local client = tasks.stream(handle, timeout)
    assert(coroutine.resume(coroutine.create(body), client))
  end)
  print("ready", listener:getsockname().port)
  io.stdout:flush()
  uv.run()
end

return tasks
