-- socket.url, LuaSocket's module: takes URLs apart, puts them together and resolves relative ones.
--
-- The `url` crate cannot serve here: programs rely on the fields and the leniency of LuaSocket's parser,
-- which takes URLs apart without judging or changing them.

local url = { _VERSION = "URL 1.0.3" }

-- Refuses what no text or number is at the position of whoever called the function that asks.
local function check(value, name)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" then
    error(("bad argument #1 to '%s' (string expected, got %s)"):format(name, kind), 3)
  end
end

-- Here and in the host, a number stands for its text: it has no methods.
local function escaper(kept, digits)
  return function(text)
    return (string.gsub(text, "[^" .. kept .. "]", function(char)
      return digits:format(char:byte())
    end))
  end
end

local escape_all = escaper("A-Za-z0-9_", "%%%02x")
-- What a segment of a path may hold as it is (RFC 2396, section 3.3).
local escape_segment = escaper("A-Za-z0-9_%-.!~*'():@&=+$,", "%%%02X")

function url.escape(text)
  check(text, "escape")
  return escape_all(text)
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

function url.unescape(text)
  check(text, "unescape")
  return unescape(tostring(text))
end

-- Cuts the match of `pattern` out of `text`; returns the rest and the capture, or nil without a match.
local function cut(text, pattern)
  local first, last, capture = text:find(pattern)
  if not first then
    return text, nil
  end
  return text:sub(1, first - 1) .. text:sub(last + 1), capture
end

local function parse_authority(parsed)
  local host = parsed.authority
  local userinfo, port
  host, userinfo = cut(host, "^([^@]*)@")
  host, port = cut(host, ":([^:%]]*)$")
  parsed.userinfo = userinfo or parsed.userinfo
  parsed.port = port or parsed.port
  if host ~= "" then
    parsed.host = host:match("^%[(.+)%]$") or host
  end
  if parsed.userinfo then
    local user, password = cut(parsed.userinfo, ":([^:]*)$")
    parsed.user, parsed.password = user, password or parsed.password
  end
end

-- Takes a URL apart; fields that it lacks come from `default`. Returns nil and a reason for an empty one.
function url.parse(text, default)
  local parsed = {}
  for field, value in pairs(default or parsed) do
    parsed[field] = value
  end
  if not text or text == "" then
    return nil, "invalid url"
  end
  check(text, "parse")
  local rest, part = tostring(text), nil
  for _, step in ipairs {
    { "scheme", "^(%w[%w+.-]*):" },
    { "authority", "^//([^/]*)" },
    { "fragment", "#(.*)$" },
    { "query", "%?(.*)$" },
    { "params", ";(.*)$" },
  } do
    local field, pattern = step[1], step[2]
    rest, part = cut(rest, pattern)
    parsed[field] = part or parsed[field]
  end
  if rest ~= "" then
    parsed.path = rest
  end
  if parsed.authority then
    parse_authority(parsed)
  end
  return parsed
end

local function build_authority(parsed)
  local host = parsed.host
  if not host then
    return parsed.authority
  end
  local authority = string.find(host, ":", 1, true) and "[" .. host .. "]" or host
  if parsed.port then
    authority = authority .. ":" .. parsed.port
  end
  local userinfo = parsed.userinfo
  if parsed.user then
    userinfo = parsed.user
    if parsed.password then
      userinfo = userinfo .. ":" .. parsed.password
    end
  end
  return userinfo and userinfo .. "@" .. authority or authority
end

-- Puts together what `parse` takes apart. The parts of the authority are preferred to `authority`.
function url.build(parsed)
  local built = parsed.path or ""
  if parsed.params then
    built = built .. ";" .. parsed.params
  end
  if parsed.query then
    built = built .. "?" .. parsed.query
  end
  if parsed.fragment then
    built = built .. "#" .. parsed.fragment
  end
  local authority = build_authority(parsed)
  if authority then
    built = "//" .. authority .. built
  end
  return parsed.scheme and parsed.scheme .. ":" .. built or built
end

-- Replaces until nothing is left to replace. Matches overlap, so that takes several turns, but few.
local function replace_all(text, pattern, by)
  local count
  repeat
    text, count = text:gsub(pattern, by)
  until count == 0
  return text
end

-- Splits at slashes. A segment and the ".." after it go when another segment follows.
local function resolved_segments(text)
  local segments, count = {}, 0
  local place = 1
  while place do
    local slash = text:find("/", place, true)
    local segment = text:sub(place, (slash or 0) - 1)
    local is_last = not slash or slash == #text
    if segment == ".." and not is_last and count > 0 and segments[count] ~= "" then
      segments[count] = nil
      count = count - 1
    else
      count = count + 1
      segments[count] = segment
    end
    place = slash and slash + 1
  end
  return segments, count
end

-- Takes the segments "." and ".." out of a path or URL, as LuaSocket does. In one pass: a server may send
-- as many as it likes.
local function remove_dots(text)
  -- An empty segment stays one: it is none that ".." could remove.
  text = replace_all(text, "//", "/\1/")
  text = replace_all(text, "/%./", "/")
  local segments, count = resolved_segments(text)
  local last = segments[count] == "" and count - 1 or count
  if segments[last] == ".." and last > 1 and segments[last - 1] ~= "" then
    count = last - 1
    segments[count] = ""
  end
  if count > 1 and (segments[count] == ".." or segments[count] == ".") then
    segments[count] = ""
  end
  -- What would lead above the root.
  local first = 1
  while segments[1] == "" and segments[first + 1] == ".." and first + 1 < count do
    first = first + 1
  end
  segments[first] = segments[1]
  return (table.concat(segments, "/", first, count):gsub("\1", ""))
end

-- The path that `relative` leads to from the document at `base`.
local function resolve_path(base, relative)
  if relative:sub(1, 1) == "/" then
    return remove_dots(relative)
  end
  local directory = base:match("^.*/") or "/"
  return remove_dots(directory .. relative)
end

-- What `relative` means in the document at `base`, a URL or what `parse` makes of one.
function url.absolute(base, relative)
  local from = base
  if type(base) == "table" then
    base = url.build(from)
  else
    from = url.parse(base)
  end
  local to = url.parse(relative)
  if not from then
    return remove_dots(relative)
  elseif not to then
    return remove_dots(base)
  elseif to.scheme then
    return remove_dots(relative)
  end
  to.scheme = from.scheme
  if not to.authority then
    to.authority = from.authority
    if to.path then
      to.path = resolve_path(from.path or "", to.path)
    else
      to.path = from.path
      if not to.params then
        to.params = from.params
        to.query = to.query or from.query
      end
    end
  end
  return remove_dots(url.build(to))
end

-- Splits a path into its segments, unescaped; `is_absolute` and `is_directory` are 1 where they hold.
function url.parse_path(path)
  local segments = {}
  path = tostring(path or "")
  for segment in path:gmatch("[^/]+") do
    segments[#segments + 1] = unescape(segment)
  end
  if path:sub(1, 1) == "/" then
    segments.is_absolute = 1
  end
  if path:sub(-1) == "/" then
    segments.is_directory = 1
  end
  return segments
end

-- Joins segments into a path; escapes them unless told that it is `unsafe` to.
function url.build_path(segments, unsafe)
  local parts = {}
  for place, segment in ipairs(segments) do
    parts[place] = unsafe and segment or escape_segment(segment)
  end
  local path = table.concat(parts, "/")
  if segments.is_directory and #parts > 0 then
    path = path .. "/"
  end
  return segments.is_absolute and "/" .. path or path
end

return url
