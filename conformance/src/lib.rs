//! Support for driving Lua interpreters as subprocesses; links neither Lua nor cosock.
