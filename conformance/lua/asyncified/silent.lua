-- A module for asyncify/ that returns nothing. It counts its loads in a table that all of its copies see.
local library = require "table"
library.silent_loads = (library.silent_loads or 0) + 1
