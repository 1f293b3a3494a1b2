-- A module for asyncify/: it requires LuaSocket when it is called, so that it loads where there is none.
return {
  socket = function()
    return require "socket"
  end,
}
