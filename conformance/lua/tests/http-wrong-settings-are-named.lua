-- A setting of the modules that is wrong, and a `create` that makes no socket, raise an error that names them, at the
-- position of whoever asked.
local cosock = require "cosock"
local http = require "cosock.socket.http"
local expect = require "expect"
local web = require "web"
local world = require "world"

local https = cosock.ssl and require "cosock.ssl.https"
local here = "http-wrong-settings-are-named.lua:"

-- Ways to ask; the results are kept so that no tail call hides the position.
local function request(given)
  return function()
    local results = expect.pack(http.request(given))
    return results
  end
end

local function open()
  local conn = http.open("127.0.0.1", 1)
  return conn
end

local ways = { request "http://127.0.0.1:1/", request { url = "http://127.0.0.1:1/" }, open }
if https then
  ways[#ways + 1] = function()
    local done = https.request "https://127.0.0.1:1/"
    return done
  end
end

local function refuses(name, module, field, expected, values)
  local before = module[field]
  for _, value in ipairs(values) do
    module[field] = value
    local got = value ~= value and "NaN" or type(value)
    for _, ask in ipairs(ways) do
      local raised = expect.raises(("bad setting '%s.%s' (%s expected, got %s)"):format(name, field, expected, got), ask)
      expect.contains(raised, here)
    end
  end
  module[field] = before
end

local nan = 0 / 0
refuses("http", http, "PROXY", "string", { {}, true, print, 5 })
refuses("http", http, "USERAGENT", "string", { {}, true, false, print })
refuses("http", http, "TIMEOUT", "number", { {}, true, "x", print, nan })
refuses("http", http, "CONTINUE_TIMEOUT", "number", { {}, true, "x", nan })
if https then
  refuses("https", https, "TIMEOUT", "number", { {}, true, "x", print, nan })
  refuses("https", https, "PORT", "string", { {}, true, print })
end

-- What `create` makes: nothing else than a socket, and what has its methods.
local function nameless() end
local wrong = {
  { 1, "number" }, { true, "boolean" }, { "socket", "string" }, { nameless, "function" },
  { {}, "table without 'settimeout'" }, { { settimeout = nameless }, "table without 'connect'" },
  { io.stdout, "userdata without 'settimeout'" },
}

web.test(function()
  local address, requests, stop = web.serve(function()
    return web.answer "there"
  end)
  for _, case in ipairs(wrong) do
    local value, got = case[1], "(socket expected as its result, got " .. case[2] .. ")"
    local function create()
      cosock.socket.sleep(0)
      return value
    end
    local raised
    for name, ask in pairs {
      ["bad field 'create' in request"] = request { url = address, create = create },
      ["bad argument #3 to 'open'"] = function()
        local conn = http.open("127.0.0.1", 1, create)
        return conn
      end,
    } do
      local task = cosock.spawn(ask, "asking", {
        onerror = function(err)
          raised = err
        end,
      })
      raised = nil
      while task:is_alive() do
        cosock.socket.sleep(0)
      end
      expect.contains(raised, here)
      expect.contains(raised, name .. " " .. got)
    end
  end

  -- What settings may be.
  for field, values in pairs {
    TIMEOUT = { false, "20", -1, 20 },
    CONTINUE_TIMEOUT = { false, "20", 1 },
    PROXY = { address, false },
    USERAGENT = { 5, "me" },
  } do
    local before = http[field]
    for _, value in ipairs(values) do
      http[field] = value
      expect.equal(http.request(address), "there")
    end
    http[field] = nil
    expect.equal(http.request(address), "there")
    expect.equal(requests[#requests].headers["user-agent"], field ~= "USERAGENT" and http.USERAGENT or nil)
    http[field] = before
  end
  stop()
end)

world.finish()
