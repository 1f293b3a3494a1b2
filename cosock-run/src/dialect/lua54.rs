//! The stock interpreter of Lua 5.4. Source: `lua.c` of 5.4.8.

use super::{
    ArgTable, CollectAfterError, Dialect, ErrorStyle, Handler, Interrupt, Library, OptionSet,
    ReplStyle, Switch,
};
use crate::stdio::Output;

/// What it does where the versions differ.
pub(crate) const DIALECT: Dialect = Dialect {
    interpreter: "lua5.4",
    init_variables: &[c"=LUA_INIT_5_4", c"=LUA_INIT"],
    init_before_options: false,
    version_after_init: false,
    version_output: Output::Standard,
    options: OptionSet {
        no_environment: Switch::Strict,
        dashed_arguments: false,
        names_bad_option: true,
    },
    arg: ArgTable::FromProgram,
    library: Library::NamedGlobal,
    errors: ErrorStyle {
        handler: Handler::NameType,
        not_a_string: c"(error message not a string)",
        collect: CollectAfterError::Never,
    },
    interrupt: Interrupt {
        restarts_calls: false,
        on_lines: true,
        level: 1,
    },
    repl: ReplStyle {
        expressions: true,
        equals: true,
        unfinished: b"<eof>",
        any_prompt: true,
        warns_of_locals: false,
    },
    usage_line: " [options] [script [args]]",
    usage: "\
Available options are:
  -e stat   execute string 'stat'
  -i        enter interactive mode after executing 'script'
  -l mod    require library 'mod' into global 'mod'
  -l g=mod  require library 'mod' into global 'g'
  -v        show version information
  -E        ignore environment variables
  -W        turn warnings on
  --        stop handling options
  -         stop handling options and execute stdin
",
};
