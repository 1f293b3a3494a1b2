-- Programs that make more than there is memory for.

local child = require "child"
local expect = require "expect"

local scarce = {}

local head = [[
local cosock = require "cosock"
local socket = cosock.socket
local ballast = ("."):rep(2 ^ 22)
]]

local tail = [[
cosock.spawn(function()
  local sender, receiver = cosock.channel.new()
  cosock.spawn(function()
    assert(receiver:receive() == "more")
    print("another goes on")
    os.exit(0, false)
  end, "another")
  local ok, err = pcall(make_without_end)
  ballast = nil
  collectgarbage()
  let_go()
  print(ok, err)
  sender:send("more")
end, "endless")
cosock.run()
]]

-- Runs `code`, which defines the functions `make_without_end` and `let_go`, in a task of interpreters that have from
-- `least` to `most` KiB of memory, in steps of `step`. The first must end with Lua's error, and another task go on.
function scarce.run(code, least, most, step)
  for memory = least, most, step do
    local output, exit = child.run(head .. code .. tail, "both", nil, nil, "-v " .. memory)
    expect.equal(output, "false\tnot enough memory\nanother goes on\n", memory .. " KiB")
    expect.equal(exit, 0)
  end
end

return scarce
