require "cosock"
