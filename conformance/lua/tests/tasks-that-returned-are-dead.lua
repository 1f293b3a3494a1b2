-- The coroutine of a task that has returned is dead, whatever it returned, to whoever kept it. A handle tells
-- of its own task, whenever the first is asked.
local cosock = require "cosock"
local expect = require "expect"
local world = require "world"

local kept = {}
for count = 0, 3 do
  cosock.spawn(function()
    kept[#kept + 1] = coroutine.running()
    return (table.unpack or unpack)({ 1, 2, 3 }, 1, count)
  end)
end
cosock.run()
expect.equal(#kept, 4)
for _, co in ipairs(kept) do
  expect.equal(coroutine.status(co), "dead")
  local ok, message = coroutine.resume(co, "again")
  expect.equal(ok, false)
  expect.equal(message, "cannot resume dead coroutine")
end

-- None was asked while these were spawned; then some end, and others take their places.
local handles = {}
for place = 1, 6 do
  handles[place] = cosock.spawn(function()
    cosock.socket.sleep(place % 2 == 0 and 0 or 60)
  end)
end
cosock.spawn(function()
  for _ = 1, 3 do
    cosock.socket.sleep(0)
  end
  for place, handle in ipairs(handles) do
    expect.equal(handle:is_alive(), place % 2 == 1, place)
  end
  local later = {}
  for place = 1, 3 do
    later[place] = cosock.spawn(function()
      cosock.socket.sleep(place == 2 and 0 or 60)
    end)
    expect.equal(later[place]:is_alive(), true)
  end
  later[1]:cancel()
  for _ = 1, 3 do
    cosock.socket.sleep(0)
  end
  for place, alive in ipairs({ false, false, true }) do
    expect.equal(later[place]:is_alive(), alive, place)
  end
  expect.equal(handles[2]:is_alive(), false)
  expect.equal(handles[1]:is_alive(), true)
  later[3]:cancel()
  for _, handle in ipairs(handles) do
    handle:cancel()
    expect.equal(handle:is_alive(), false)
  end
end)
cosock.run()

world.finish()
