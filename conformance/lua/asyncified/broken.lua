-- A module for asyncify/ that cannot be loaded.
error("broken", 0)
