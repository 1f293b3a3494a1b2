-- claim: lists and elements that cannot be waited on are refused
-- chapter: waits
-- source: the rock's behaviour
-- covers: W9 W10 W11 W12 W22
local trace = require "trace"
local cosock = require "cosock"
local socket = cosock.socket

local elements = {
  { "table", {} }, { "number", 5 }, { "boolean", true }, { "text", "text" },
  { "function", print }, { "userdata", io.stdout }, { "inner-socket", socket.tcp().inner_sock },
  { "without-_wake", nil },
}
for _, way in ipairs { "yield", "select" } do
  local wait = way == "yield" and coroutine.yield or socket.select
  for _, element in ipairs(elements) do
    local name, value = element[1], element[2]
    trace.task(way .. ".element." .. name, function()
      if name == "without-_wake" then
        local client, peer = trace.pair()
        peer:send("data")
        value = { inner_sock = client.inner_sock, setwaker = function() end }
      end
      return wait({ value }, nil, 0.02)
    end)
  end
  for _, list in ipairs { { "number", 5 }, { "text", "text" }, { "true", true }, { "function", print } } do
    trace.task(way .. ".list." .. list[1], function() return wait(list[2], nil, 0.02) end)
  end
  trace.task(way .. ".list.false", function() return wait(false, nil, 0.02) end)
  for _, timeout in ipairs { { "text", "text" }, { "true", true }, { "table", {} } } do
    trace.task(way .. ".timeout." .. timeout[1], function() return wait({}, nil, timeout[2]) end)
  end
  trace.task(way .. ".setwaker-raises", function()
    local object = { setwaker = function() error("in setwaker", 0) end }
    return wait({ object }, nil, 0.02)
  end)
end
