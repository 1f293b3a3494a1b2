rockspec_format = "3.0"
package = "cosock"
version = "0.3.0-1"
source = {
  -- `luarocks make` builds the folder that it is called in.
  url = "file://.",
}
description = {
  summary = "Coroutines over sockets, as a native module",
  detailed = [[
    Runs many coroutines over sockets, TLS and HTTP: code reads as if every call blocked, and each call
    that would block lets another coroutine run. A drop-in replacement for the rock of this name that is
    written in Lua; it needs neither LuaSocket nor LuaSec. Building it takes a Rust toolchain.
  ]],
  license = "MIT OR Apache-2.0",
}
dependencies = {
  "lua >= 5.1, < 5.6",
}
build = {
  type = "command",
  build_command = "ci/build --rock $(LUA)",
  install = {
    -- One library, which answers `require` of cosock and of every module below it: cosock.socket,
    -- cosock.socket.tcp, cosock.socket.udp, cosock.socket.internals, cosock.socket.http, cosock.channel,
    -- cosock.timers, cosock.asyncify, cosock.ssl and cosock.ssl.https.
    lib = {
      cosock = "target/rock/cosock.so",
    },
  },
}
