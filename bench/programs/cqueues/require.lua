require "cqueues"
require "cqueues.socket"
