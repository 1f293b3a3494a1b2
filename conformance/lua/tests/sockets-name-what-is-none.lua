-- A method that is called with something else than a socket says so by its own name and at its caller's place, also
-- when it is one that may wait.
local world = require "world"
local expect = require "expect"
local cosock = require "cosock"
local tcp, udp = cosock.socket.tcp, cosock.socket.udp

local calls = {
  tcp = { tcp, "accept bind close connect dirty getfd getpeername getsockname listen receive send setoption shutdown" },
  udp = { udp, "close dirty getfd getpeername getsockname receive receivefrom send sendto setpeername setsockname" },
  ssl = { cosock.ssl, "close dirty dohandshake getfd info receive send want" },
}
local none = { {}, { inner_sock = 5 }, { inner_sock = true }, { inner_sock = print }, 5, "text", print }

local function check(methods, name, in_task)
  local here = debug.getinfo(1, "S").short_src .. ":"
  local method = methods[name]
  for _, each in ipairs(none) do
    local raised = expect.raises("bad argument #1 to '" .. name .. "' (socket expected, got " .. type(each) .. ")",
      function() local _ = method(each, "127.0.0.1", 1) end)
    expect.equal(raised:sub(1, #here), here, name .. ": " .. raised)
  end
  -- Outside a task, one that may wait refuses that first.
  if in_task then
    expect.raises("a nil value", function() local _ = method({ inner_sock = {} }, "127.0.0.1", 1) end)
  end
end

local function check_all(in_task)
  for _, call in pairs(calls) do
    for name in call[2]:gmatch "%a+" do
      check(call[1], name, in_task)
    end
  end
end

check_all(false)
local done
cosock.spawn(function()
  check_all(true)
  done = true
end, "task")
cosock.run()
expect.equal(done, true)

-- An inner one that is given none says so at its caller's place too, also where it stands for one that may wait.
local server = cosock.socket.bind("127.0.0.1", 0)
local connected = cosock.socket.tcp()
cosock.spawn(function()
  expect.equal(connected:connect(server:getsockname()), 1)
end, "connects")
cosock.run()
local encrypted = cosock.ssl.wrap(connected, { mode = "client", protocol = "any" })
local inner = encrypted.inner_sock
for name in ("receive send dohandshake"):gmatch "%a+" do
  local info = debug.getinfo(1, "Sl")
  local here = info.short_src .. ":" .. info.currentline + 3 .. ":"
  local function call()
    local _ = inner[name]({})
  end
  local raised = expect.raises("bad argument #1 to '" .. name .. "' (socket expected, got table)", function()
    call()
  end)
  expect.equal(raised:sub(1, #here), here, name .. ": " .. raised)
end
encrypted:close()
server:close()

world.finish()
