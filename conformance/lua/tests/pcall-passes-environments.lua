-- On 5.1, `setfenv(0)` inside a protected call changes the globals of the coroutine that made the call, and
-- `getfenv(0)` tells them, also after waits and errors. (Elsewhere the language has neither, or its own pcall.)
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"

local setfenv, getfenv = setfenv, getfenv
cosock.install_pcall()

local function fresh()
  return setmetatable({}, { __index = _G })
end

if setfenv then
  local main = getfenv(0)
  for _, fails in ipairs { false, true } do
    for _, waits in ipairs { false, true } do
      expect.tasks(function()
        local first, second, third = fresh(), fresh(), fresh()
        setfenv(0, first)
        pcall(function()
          expect.equal(getfenv(0), first, "on entry")
          setfenv(0, second)
          if waits then
            cosock.socket.sleep(0)
          end
          expect.equal(getfenv(0), second)
          local ok = pcall(function()
            expect.equal(getfenv(0), second, "on the second entry")
            if waits then
              cosock.socket.sleep(0)
            end
            setfenv(0, third)
            if fails then
              error "of its own"
            end
          end)
          expect.equal(ok, not fails)
          expect.equal(getfenv(0), third, "after the inner call")
        end)
        expect.equal(getfenv(0), third, "after the outer call")
        -- They are the coroutine's alone.
        expect.equal(coroutine.wrap(function()
          setfenv(0, first)
          pcall(function()
            setfenv(0, second)
          end)
          return getfenv(0)
        end)(), second)
        expect.equal(getfenv(0), third)
      end)
    end
  end
  expect.equal(getfenv(0), main)
end

world.finish()
