-- Not in order, but not random either: of the 362,880 ways to order nine keys, few turn up. This
-- makes sets of nine tables used as keys until an order comes a second time.
--
--   lua key_order_repeats.lua [rounds|forever]
local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 1
local keys = 9
local most = 20000 -- sets; that many random orders without a repeat would be a wonder

local function new_set()
  local set = {}
  for number = 1, keys do
    set[{}] = number
  end
  return set
end

local function order_of(set)
  local numbers = {}
  for _, number in pairs(set) do
    numbers[#numbers + 1] = number
  end
  return table.concat(numbers, " ")
end

local function first_repeat()
  local sets, seen = {}, {}
  for index = 1, most do
    -- All sets are kept, so that no two keys ever share an address.
    local set = new_set()
    sets[index] = set
    local order = order_of(set)
    if seen[order] then
      return seen[order], index, sets
    end
    seen[order] = index
  end
end

for _ = 1, rounds do
  local earlier, later, sets = first_repeat()
  assert(earlier, "no order came twice")
  print("sets " .. earlier .. " and " .. later .. " have the same order:")
  print(order_of(sets[earlier]))
  print(order_of(sets[later]))
end
