-- Builds methods that try, wait by the protocol, and try again; and wakers. Compiled when something first asks for it:
-- many programs never do.

local _, native = ...
local unpack = table.unpack or unpack
local wait, clock, time_limit = native.wait, native.clock, native.time_limit
local methods = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

local transform_fields = { "input", "blocked", "output", "error" }
local transform_names = {
  input = "input transformer",
  blocked = "blocked transformer",
  output = "output transformer",
  error = "error transformer",
}

local tls_words = { wantread = true, wantwrite = true }

local function make_transform(source)
  local transform = source
  if type(source) == "function" then
    transform = source()
  end
  if transform == nil then
    return {}
  end
  if type(transform) ~= "table" then
    error("transformer must be table or function that returns table", 3)
  end
  for _, field in ipairs(transform_fields) do
    local value = transform[field]
    if value ~= nil and type(value) ~= "function" then
      error(transform_names[field] .. " not a function", 3)
    end
  end
  return transform
end

-- Waits until `self` is ready for `kind`, at most until `limit`. Returns nil, or why it is not.
local function wait_for(self, kind, limit)
  local timeout = self.timeout
  if limit then
    local left, each = math.max(limit - clock(), 0), tonumber(timeout)
    if not each or each < 0 or each > left then
      timeout = left
    end
  end
  local recvr, sendr, err
  if kind == "recvr" then
    recvr, sendr, err = wait({ self }, {}, timeout)
  else
    recvr, sendr, err = wait({}, { self }, timeout)
  end
  local wakers = self.wakers
  if wakers then
    wakers[kind] = nil
  end
  if err then
    return err
  end
  local own, other = recvr, sendr
  if kind == "sendr" then
    own, other = sendr, recvr
  end
  if not own or #own ~= 1 then
    error("thread resumed without awaited socket or error (or too many sockets)", 0)
  end
  if other and #other > 0 then
    error("thread resumed with unexpected socket", 0)
  end
  return nil
end

-- Returns a builder of methods. `recvmethods[method][err]` says that on this error the method waits
-- to read, `sendmethods` that it waits to write.
function methods.passthroughbuilder(recvmethods, sendmethods)
  return function(method, transformsrc)
    return function(self, ...)
      local transform = make_transform(transformsrc)
      local args = pack(...)
      local limit = time_limit(self.inner_sock)
      if transform.input then
        args = pack(transform.input(unpack(args, 1, args.n)))
      end
      while true do
        local inner = self.inner_sock
        local results = pack(inner[method](inner, unpack(args, 1, args.n)))
        local status, err = results[1], results[2]
        if status then
          self.class = inner.class
        end
        if status or not err then
          if transform.output then
            return transform.output(unpack(results, 1, results.n))
          end
          return unpack(results, 1, results.n)
        end
        local kind
        if recvmethods[method] and recvmethods[method][err] then
          kind = "recvr"
        elseif sendmethods[method] and sendmethods[method][err] then
          kind = "sendr"
        end
        local failed = not kind
        if kind then
          if transform.blocked then
            args = pack(transform.blocked(unpack(results, 1, results.n)))
          end
          local why = wait_for(self, kind, limit)
          if why then
            -- With TLS these two have words of their own for a timeout.
            local is_data = method == "receive" or method == "send"
            local keeps = why == "timeout" and is_data and tls_words[err]
            results[2] = keeps and err or why
            failed = true
          end
        end
        if failed then
          if transform.error then
            return transform.error(self, unpack(results, 2, math.max(results.n, 2)))
          end
          return unpack(results, 1, math.max(results.n, 2))
        end
      end
    end
  end
end

-- Gives `socket` the methods by which the scheduler waits on it.
function methods.setuprealsocketwaker(socket, kinds)
  local known = {}
  for _, kind in ipairs(kinds or { "sendr", "recvr" }) do
    known[kind] = true
  end

  function socket:setwaker(kind, waker)
    if not known[kind] then
      error("unsupported wake kind: " .. tostring(kind), 2)
    end
    local wakers = self.wakers
    if not wakers then
      wakers = {}
      self.wakers = wakers
    end
    if waker and wakers[kind] then
      error(
        tostring(kind) .. " waker already set, sockets can only block one thread per waker kind",
        2
      )
    end
    wakers[kind] = waker
  end

  function socket:_wake(kind, ...)
    local wakers = self.wakers
    local waker = wakers and wakers[kind]
    if not waker then
      io.stderr:write("cosock: attempt to wake a socket that nothing waits on\n")
      return false
    end
    waker(...)
    wakers[kind] = nil
    return true
  end
end

return methods
