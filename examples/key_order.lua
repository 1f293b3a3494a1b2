-- Tables as keys: the order in which next() finds them is neither that of insertion nor anything
-- else to build on. It follows from where each table happens to lie in memory.
--
--   lua key_order.lua [rounds|forever]
local rounds = arg[1] == "forever" and math.huge or tonumber(arg[1]) or 1
local keys = 10

local function address(key)
  local digits = tostring(key):match("0x(%x+)")
  return string.format("%.0f", tonumber(digits, 16))
end

for _ = 1, rounds do
  local inserted = {}
  for number = 1, keys do
    inserted[{}] = number
  end

  print("address", "inserted")
  for _ = 1, keys do
    local key, number = next(inserted)
    print(address(key), number)
    inserted[key] = nil
  end
end
