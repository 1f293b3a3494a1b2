//! The stock interpreter of LuaJIT. Source: `luajit.c` of 2.1.

use super::{
    ArgTable, CollectAfterError, Dialect, ErrorStyle, Handler, Interrupt, Library, OptionSet,
    ReplStyle, Switch,
};
use crate::stdio::Output;

/// What it does where the versions differ.
pub(crate) const DIALECT: Dialect = Dialect {
    interpreter: "luajit",
    init_variables: &[c"=LUA_INIT"],
    init_before_options: false,
    version_after_init: true,
    version_output: Output::Standard,
    options: OptionSet {
        no_environment: Switch::Loose,
        dashed_arguments: true,
        names_bad_option: false,
    },
    arg: ArgTable::Negative,
    library: Library::Forget,
    errors: ErrorStyle {
        handler: Handler::TraceMetamethod,
        not_a_string: c"(error object is not a string)",
        collect: CollectAfterError::BeforeReport,
    },
    interrupt: Interrupt {
        restarts_calls: false,
        on_lines: false,
        level: 0,
    },
    repl: ReplStyle {
        expressions: false,
        equals: true,
        unfinished: b"'<eof>'",
        any_prompt: false,
        warns_of_locals: false,
    },
    usage_line: " [options]... [script [args]...].",
    // Without `-b`, which needs Lua files that are not built in.
    usage: "\
Available options are:
  -e chunk  Execute string 'chunk'.
  -l name   Require library 'name'.
  -j cmd    Perform LuaJIT control command.
  -O[opt]   Control LuaJIT optimizations.
  -i        Enter interactive mode after executing 'script'.
  -v        Show version information.
  -E        Ignore environment variables.
  --        Stop handling options.
  -         Execute stdin and stop handling options.
",
};
