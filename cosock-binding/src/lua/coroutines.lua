-- `resume` and `wrap` that pass cosock's own waits upward. Compiled when something first asks for them.

local _, native = ...
local library, resume_coroutine = native.coroutine, native.resume_coroutine
local raw_resume, raw_create, raw_status = library.resume, library.create, library.status
local yield = library.yield

-- Coroutines whose wait their resumer has handed on: only what it waits for may resume them.
local waiting = setmetatable({}, { __mode = "k" })

local function go_on(co, ...)
  waiting[co] = nil
  return resume_coroutine(co, ...)
end

-- While `co` waits, waits in its place: yields the token of a method, or the values of the protocol.
local function pass_waits(co, waits, ...)
  if waits then
    waiting[co] = true
    return pass_waits(co, go_on(co, yield(...)))
  end
  return ...
end

local function resume(co, ...)
  if type(co) ~= "thread" or raw_status(co) ~= "suspended" then
    return raw_resume(co, ...)
  elseif waiting[co] then
    return false, "cannot resume a coroutine that waits"
  end
  return pass_waits(co, resume_coroutine(co, ...))
end

local function results_or_raise(co, ok, ...)
  if ok then
    return ...
  end
  local err = ...
  if coroutine.close then
    coroutine.close(co)
  end
  if type(err) == "string" then
    error(err, 0)
  end
  error(err)
end

local function wrap(fn)
  local co = raw_create(fn)
  return function(...)
    return results_or_raise(co, resume(co, ...))
  end
end

return { resume = resume, wrap = wrap }
