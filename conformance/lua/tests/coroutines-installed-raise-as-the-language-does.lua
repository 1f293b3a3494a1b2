-- Errors of the resume and wrap that cosock installs have the text and the position that the language's own would
-- give them: for wrong arguments, of functions that fail, of coroutines that are dead or run, and of variables that
-- are closed.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

local raw = { resume = coroutine.resume, wrap = coroutine.wrap, close = coroutine.close }
cosock.install_coroutine()
local installed = { resume = coroutine.resume, wrap = coroutine.wrap, close = coroutine.close }

-- What `library` raises or returns, by what is done with it. Never by a tail call, which would hide the caller.
local cases = {}

function cases.resume_nothing(library)
  local result = library.resume(nil)
  return result
end

function cases.resume_a_number(library)
  local result = library.resume(3)
  return result
end

function cases.wrap_nothing(library)
  local result = library.wrap(nil)
  return result
end

function cases.wrap_a_table(library)
  local result = library.wrap {}
  return result
end

for name, value in pairs { text = "x", number = 42, nothing = false, truth = true } do
  cases["fails_with_" .. name] = function(library)
    local fn = library.wrap(function() error(value) end)
    local result = fn()
    return result
  end
end

function cases.fails_without_position(library)
  local fn = library.wrap(function() error("x", 0) end)
  local result = fn()
  return result
end

function cases.fails_in_a_for(library)
  local turns = 0
  for each in library.wrap(function()
    coroutine.yield(1)
    error "x"
  end) do
    turns = turns + each
  end
  return turns
end

function cases.is_dead(library)
  local fn = library.wrap(function() error "x" end)
  pcall(fn)
  local result = fn()
  return result
end

function cases.has_returned(library)
  local fn = library.wrap(function() end)
  fn()
  local result = fn()
  return result
end

function cases.calls_itself(library)
  local fn
  fn = library.wrap(function() fn() end)
  local result = fn()
  return result
end

function cases.resumes_itself(library)
  local co
  co = coroutine.create(function() return library.resume(co) end)
  local ok, done, err = library.resume(co)
  return tostring(ok) .. tostring(done) .. tostring(err)
end

-- A syntax of 5.4 and later: a variable that is closed with an error of its own. Nil before.
local load_text = loadstring or load
cases.closes = load_text [[
  local library = ...
  local fn = library.wrap(function()
    local _ <close> = setmetatable({}, { __close = function() error("closed", 0) end })
    error "x"
  end)
  local result = fn()
  return result
]]

-- What their own wrap says of one that calls itself, that it is dead, is not so.
if expect.version == "5.2" or expect.version == "5.3" then
  expect.contains(select(2, pcall(cases.calls_itself, installed)), "cannot resume non-suspended coroutine")
  cases.calls_itself = nil
end

for name, case in pairs(cases) do
  local wanted, got = expect.pack(pcall(case, raw)), expect.pack(pcall(case, installed))
  -- In place of the name, for a function that is in no library any more.
  for _, results in ipairs { wanted, got } do
    if type(results[2]) == "string" then
      results[2] = results[2]:gsub("'%?'", "'" .. name:match("^%a+") .. "'")
    end
  end
  expect.list(got, wanted, name)
end

-- What waits on behalf of its wrap is not closed by who calls it meanwhile.
local reached, err
cosock.spawn(function()
  local fn = coroutine.wrap(function()
    cosock.socket.sleep(0.02)
    reached = true
  end)
  cosock.spawn(function()
    local _
    _, err = pcall(fn)
  end, "meddler")
  fn()
end, "waits")
cosock.run()
expect.contains(err, "cannot resume a coroutine that waits")
expect.equal(reached, true)

world.finish()
