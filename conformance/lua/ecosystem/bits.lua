-- Answers `require "bit"` where nothing else does: libraries that were written for LuaJIT take their bit
-- operations from there.
if pcall(require, "bit") then
  return
end

package.preload.bit = function()
  local plain = rawget(_G, "bit32")
  if not plain then
    plain = assert(load [[
      return {
        band = function(a, b) return a & b end,
        bor = function(a, b) return a | b end,
        bxor = function(a, b) return a ~ b end,
        bnot = function(a) return ~a & 0xffffffff end,
        lshift = function(a, n) return a << n & 0xffffffff end,
        rshift = function(a, n) return (a & 0xffffffff) >> n end,
        lrotate = function(a, n)
          a = a & 0xffffffff
          return (a << n | a >> (32 - n)) & 0xffffffff
        end,
      }
    ]])()
  end

  -- Of as many arguments as there are, as in LuaJIT.
  local function folded(operation)
    return function(first, ...)
      for place = 1, select("#", ...) do
        first = operation(first, (select(place, ...)))
      end
      return first
    end
  end

  return {
    band = folded(plain.band), bor = folded(plain.bor), bxor = folded(plain.bxor), bnot = plain.bnot,
    lshift = plain.lshift, rshift = plain.rshift, rol = plain.lrotate,
    tohex = function(number) return ("%08x"):format(number) end,
  }
end
