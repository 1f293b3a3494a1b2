-- `resume` and `wrap` that pass cosock's own waits upward. Compiled when something first asks for them.

local _, native = ...
local library, resume_coroutine = native.coroutine, native.resume_coroutine
local raw_resume, raw_create, raw_status = library.resume, library.create, library.status
local yield, close = library.yield, library.close

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

-- Raises what the language's own function does of this argument, in the name of the one that replaces it.
local function refuse(name, raw, argument)
  local _, err = pcall(raw, argument)
  error("bad argument #1 to '" .. name .. "' " .. err:match("%(.*%)$"), 3)
end

local function resume(co, ...)
  if type(co) ~= "thread" then
    refuse("resume", raw_resume, co)
  elseif raw_status(co) ~= "suspended" then
    return raw_resume(co, ...)
  elseif waiting[co] then
    return false, "cannot resume a coroutine that waits"
  end
  return pass_waits(co, resume_coroutine(co, ...))
end

-- The level of the call of a wrapped function, which is left by a tail call: 5.1 counts that.
local caller = native.running and 3 or 2

local function results_or_raise(co, ok, ...)
  if ok then
    return ...
  end
  local err = ...
  if close and raw_status(co) == "dead" then
    -- What is raised while its variables are closed takes the place of its error.
    local closed, instead = close(co)
    err = closed and err or instead
  end
  error(err, caller)
end

local function wrap(fn)
  if type(fn) ~= "function" then
    refuse("wrap", raw_create, fn)
  end
  local co = raw_create(fn)
  return function(...)
    return results_or_raise(co, resume(co, ...))
  end
end

return { resume = resume, wrap = wrap }
