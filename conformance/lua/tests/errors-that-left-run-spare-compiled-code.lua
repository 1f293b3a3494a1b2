-- A program that catches what `run` raises goes on, compiled or not, when the task that failed is collected.
-- (LuaJIT once took its coroutine for the running one.)
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
expect.usual_collector()

local function share(first, second, third)
  local one, two, three, four = first, second, third, first + second
  return { one, two, three, four }
end

local function deep(left)
  if left == 0 then
    return 0
  end
  local a, b, c, d, e, f = left, left, left, left, left, left
  return 1 + deep(left - 1) + a - b + c - d + e - f
end

local function work(rounds)
  local kept = {}
  for round = 1, rounds do
    kept[round % 50 + 1] = share(round, round, round)
    assert(deep(5) == 5)
  end
  return kept
end

for _ = 1, 50 do
  work(200)
end
for _ = 1, 300 do
  cosock.spawn(function()
    error "on purpose"
  end)
  local fine, raised = pcall(cosock.run)
  for _ = 1, 20 do
    work(400)
  end
  expect.equal(fine, false)
  expect.contains(raised, "on purpose")
end
world.finish()
