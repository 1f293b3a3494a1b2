//! The stock interpreter of Lua 5.3. Source: `lua.c` of 5.3.6.

use super::{
    ArgTable, CollectAfterError, Dialect, ErrorStyle, Handler, Interrupt, Library, OptionSet,
    ReplStyle, Switch,
};
use crate::stdio::Output;

/// What it does where the versions differ.
pub(crate) const DIALECT: Dialect = Dialect {
    interpreter: "lua5.3",
    init_variables: &[c"=LUA_INIT_5_3", c"=LUA_INIT"],
    init_before_options: false,
    version_after_init: false,
    version_output: Output::Standard,
    options: OptionSet {
        no_environment: Switch::Strict,
        dashed_arguments: false,
        names_bad_option: true,
    },
    arg: ArgTable::FromProgram,
    library: Library::Global,
    errors: ErrorStyle {
        handler: Handler::NameType,
        not_a_string: c"(error message not a string)",
        collect: CollectAfterError::Never,
    },
    interrupt: Interrupt {
        restarts_calls: true,
        on_lines: false,
        level: 1,
    },
    repl: ReplStyle {
        expressions: true,
        equals: true,
        unfinished: b"<eof>",
        any_prompt: false,
        warns_of_locals: false,
    },
    usage_line: " [options] [script [args]]",
    usage: "\
Available options are:
  -e stat  execute string 'stat'
  -i       enter interactive mode after executing 'script'
  -l name  require library 'name' into global 'name'
  -v       show version information
  -E       ignore environment variables
  --       stop handling options
  -        stop handling options and execute stdin
",
};
