-- What waits in Lua: methods called in a coroutine of the user's own, or on objects that speak the
-- protocol themselves. They yield their wait to whoever resumed them.

local modules, native, shims = ...
local wait = native.wait

-- TLS may want to write in order to read, and the other way round.
local reads = { timeout = true, wantread = true }
local writes = { timeout = true, wantwrite = true }
local build = modules["cosock.methods"].passthroughbuilder({
  receive = reads,
  accept = reads,
  receivefrom = reads,
  send = { wantread = true },
  dohandshake = reads,
}, {
  send = writes,
  sendto = writes,
  receive = { wantwrite = true },
  connect = { timeout = true, ["Operation already in progress"] = true },
  dohandshake = writes,
})

-- Collects what arrives before the pattern is complete: each byte once, the prefix first and counted.
local function receiving()
  local parts, pattern, missing = {}, nil, nil

  local function append(part)
    if type(part) == "string" and #part > 0 then
      parts[#parts + 1] = part
      if missing then
        missing = missing - #part
      end
    end
  end

  return {
    input = function(wanted, prefix)
      pattern = wanted
      local count = tonumber(wanted)
      if count then
        missing = math.floor(count)
      end
      append(type(prefix) == "string" and prefix or nil)
      return missing and math.max(missing, 0) or pattern
    end,
    blocked = function(_, _, part)
      append(part)
      return missing and math.max(missing, 0) or pattern
    end,
    output = function(part)
      append(part)
      return table.concat(parts)
    end,
    error = function(_, err, part)
      -- After a wait that timed out, this part was appended already.
      if err ~= "timeout" and err ~= "wantread" and err ~= "wantwrite" then
        append(part)
      end
      return nil, err, table.concat(parts)
    end,
  }
end

-- Goes on after the last byte that was sent.
local function sending()
  local data, first, last
  return {
    input = function(bytes, from, to)
      data, first, last = bytes, from, to
      return bytes, from, to
    end,
    blocked = function(_, _, sent)
      -- An inner socket of others that does not tell how much it took has taken nothing.
      if type(sent) == "number" then
        first = sent + 1
      end
      return data, first, last
    end,
    output = function(sent)
      return sent, nil, nil
    end,
  }
end

shims.receive = build("receive", receiving)
shims.receive_datagram = build("receive")
shims.receivefrom = build("receivefrom")
shims.send = build("send", sending)
shims.send_datagram = build("send")
shims.sendto = build("sendto")
shims.connect = build("connect")
shims.dohandshake = build("dohandshake")

-- An accepted inner socket becomes an object like any other. One of others may block unless it is told not to, which
-- would hold up every task.
shims.accept = build("accept", {
  output = function(inner)
    if inner.settimeout then
      inner:settimeout(0)
    end
    return setmetatable({ inner_sock = inner, class = "tcp{client}" }, getmetatable(native.tcp()))
  end,
})

function shims.sleep(seconds)
  wait(nil, nil, seconds)
end

-- Not by `self:receive()`: what a program has put there has called this, and would do its part twice.
local receive_message = native.receive_message
function shims.channel_receive(self)
  while true do
    local link = self.link
    if #link.queue > 0 then
      return receive_message(self)
    elseif link.closed then
      return nil, "closed"
    end
    local _, _, err = wait({ self }, nil, self.timeout)
    if err then
      return nil, err
    end
  end
end
