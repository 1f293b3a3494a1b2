//! The stock interpreter of Lua 5.1. Source: `lua.c` of 5.1.5.

use super::{
    ArgTable, CollectAfterError, Dialect, ErrorStyle, Handler, Interrupt, Library, OptionSet,
    ReplStyle, Switch,
};
use crate::stdio::Output;

/// What it does where the versions differ.
pub(crate) const DIALECT: Dialect = Dialect {
    interpreter: "lua5.1",
    init_variables: &[c"=LUA_INIT"],
    init_before_options: true,
    version_after_init: true,
    version_output: Output::Error,
    options: OptionSet {
        no_environment: Switch::Absent,
        dashed_arguments: true,
        names_bad_option: false,
    },
    arg: ArgTable::WithScript,
    library: Library::Forget,
    errors: ErrorStyle {
        handler: Handler::KeepObject,
        not_a_string: c"(error object is not a string)",
        collect: CollectAfterError::BeforeReport,
    },
    interrupt: Interrupt {
        restarts_calls: true,
        on_lines: false,
        level: 1,
    },
    repl: ReplStyle {
        expressions: false,
        equals: true,
        unfinished: b"'<eof>'",
        any_prompt: false,
        warns_of_locals: false,
    },
    usage_line: " [options] [script [args]].",
    usage: "\
Available options are:
  -e stat  execute string 'stat'
  -l name  require library 'name'
  -i       enter interactive mode after executing 'script'
  -v       show version information
  --       stop handling options
  -        execute stdin and stop handling options
",
};
