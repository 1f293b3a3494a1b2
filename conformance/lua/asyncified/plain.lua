-- A module for asyncify/ that needs no sockets.
return { null = {} }
