require "copas"
