-- Runs Lua code in a process of its own, by the interpreter that runs the test.
local child = {}

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function interpreter()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return arg[first]
end

-- Returns what the code wrote to "stdout", "stderr" or "both", and its exit code. `environment` may set
-- more variables, such as { NAME = "value" }; what is in the file `input` comes to it through a pipe; `limit`
-- is what the shell's `ulimit` is told, such as "-n 64".
function child.run(code, stream, environment, input, limit)
  local redirections = { stdout = "2>/dev/null", stderr = "2>&1 >/dev/null", both = "2>&1" }
  local redirection = assert(redirections[stream or "both"])
  local command = quoted(interpreter()) .. " -e " .. quoted(code) .. " " .. redirection
  for name, value in pairs(environment or {}) do
    command = name .. "=" .. quoted(value) .. " " .. command
  end
  command = (input and "cat " .. quoted(input) .. " | " or "</dev/null ") .. command
  if limit then
    command = "ulimit " .. limit .. "; " .. command
  end
  local pipe = assert(io.popen(command .. "; echo \"code $?\""))
  local output = pipe:read "*a"
  pipe:close()
  local text, exit_code = output:match "^(.*)code (%d+)\n$"
  return text, tonumber(exit_code)
end

return child
