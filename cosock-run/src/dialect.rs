//! How the stock interpreters differ from each other, as one table per version.

#[cfg(feature = "lua51")]
mod lua51;
#[cfg(feature = "lua52")]
mod lua52;
#[cfg(feature = "lua53")]
mod lua53;
#[cfg(feature = "lua54")]
mod lua54;
#[cfg(feature = "lua55")]
mod lua55;
#[cfg(feature = "luajit")]
mod luajit;

#[cfg(feature = "lua51")]
pub(crate) use lua51::DIALECT;
#[cfg(feature = "lua52")]
pub(crate) use lua52::DIALECT;
#[cfg(feature = "lua53")]
pub(crate) use lua53::DIALECT;
#[cfg(feature = "lua54")]
pub(crate) use lua54::DIALECT;
#[cfg(feature = "lua55")]
pub(crate) use lua55::DIALECT;
#[cfg(feature = "luajit")]
pub(crate) use luajit::DIALECT;

use std::ffi::CStr;

use crate::stdio::Output;

/// What one version of the interpreter does where the versions differ.
pub(crate) struct Dialect {
    /// What the stock interpreter is called.
    pub(crate) interpreter: &'static str,
    /// Start-up variables, the first that is set counts; each behind `=`, as its chunk is named.
    pub(crate) init_variables: &'static [&'static CStr],
    /// The start-up variable runs before a bad option is reported.
    pub(crate) init_before_options: bool,
    /// `-v` prints after the start-up variable has run, not before.
    pub(crate) version_after_init: bool,
    /// Where the version goes.
    pub(crate) version_output: Output,
    /// How options are read.
    pub(crate) options: OptionSet,
    /// The table `arg`.
    pub(crate) arg: ArgTable,
    /// What `-l` does with the module.
    pub(crate) library: Library,
    /// How errors turn into text.
    pub(crate) errors: ErrorStyle,
    /// How Ctrl-C arrives.
    pub(crate) interrupt: Interrupt,
    /// How the interactive mode reads.
    pub(crate) repl: ReplStyle,
    /// What follows the program's name in the first line of the usage.
    pub(crate) usage_line: &'static str,
    /// The other lines.
    pub(crate) usage: &'static str,
}

/// How strictly options are read. Those that one version alone has are in the `options` module.
pub(crate) struct OptionSet {
    /// `-E`.
    pub(crate) no_environment: Switch,
    /// The argument of `-e` and `-l`, when it is a word of its own, may begin with `-`.
    pub(crate) dashed_arguments: bool,
    /// A bad option is named before the usage.
    pub(crate) names_bad_option: bool,
}

/// How an option without argument is recognised.
#[derive(PartialEq, Eq)]
#[allow(dead_code, reason = "each version uses one")]
pub(crate) enum Switch {
    /// It is unknown.
    Absent,
    /// What follows the letter is not looked at.
    Loose,
    /// Nothing may follow the letter.
    Strict,
}

/// When the table `arg` is made, what its index 0 is, and what the script gets from it.
#[derive(PartialEq, Eq)]
#[allow(dead_code, reason = "each version uses one")]
pub(crate) enum ArgTable {
    /// Made for a script only, which gets the command line whatever became of the table.
    WithScript,
    /// Made at the start. Without a script, index 0 is the program. The script gets the table's
    /// items, and something else in its place is an error.
    FromProgram,
    /// Made at the start. Without a script, every index is negative. The script gets the table's
    /// items, or nothing when it is no table.
    Negative,
}

/// What `-l` does with the module that it required.
#[derive(PartialEq, Eq)]
#[allow(dead_code, reason = "each version uses one")]
pub(crate) enum Library {
    /// Nothing.
    Forget,
    /// It becomes the global of the same name.
    Global,
    /// The same, where `-l name=module` chooses the name and `-l name-suffix` leaves the suffix out.
    NamedGlobal,
}

/// How an error object becomes the text that is shown.
pub(crate) struct ErrorStyle {
    /// What the message handler does.
    pub(crate) handler: Handler,
    /// Shown for an object that is still no string.
    pub(crate) not_a_string: &'static CStr,
    /// When to collect garbage, which runs finalisers of what the error left behind.
    pub(crate) collect: CollectAfterError,
}

/// What the message handler does with an error object that is no string; strings get a traceback.
#[derive(PartialEq, Eq)]
#[allow(dead_code, reason = "each version uses one")]
pub(crate) enum Handler {
    /// Keeps it. The traceback comes from the global `debug.traceback`, which a program may replace.
    KeepObject,
    /// Takes what its `__tostring` gives, or a fixed text; no traceback.
    AnyMetamethod,
    /// Takes the string that its `__tostring` gives without a traceback, or names its type with one.
    NameType,
    /// Takes what its `__tostring` gives, with a traceback if that is a string, or keeps it.
    TraceMetamethod,
}

/// When a full collection follows an error.
#[derive(PartialEq, Eq)]
#[allow(dead_code, reason = "each version uses one")]
pub(crate) enum CollectAfterError {
    /// As soon as a call has failed.
    BeforeReport,
    /// When the message has been shown.
    AfterReport,
    /// Not at all.
    Never,
}

/// How Ctrl-C arrives at the running chunk.
pub(crate) struct Interrupt {
    /// System calls go on after the signal (`signal`) instead of failing with EINTR (`sigaction`).
    pub(crate) restarts_calls: bool,
    /// The hook also fires on a new line.
    pub(crate) on_lines: bool,
    /// The call level whose position precedes "interrupted!".
    pub(crate) level: i32,
}

/// How the interactive mode reads and shows.
pub(crate) struct ReplStyle {
    /// A line is tried as an expression first.
    pub(crate) expressions: bool,
    /// `=` in front makes a line an expression.
    pub(crate) equals: bool,
    /// Ends the message of an error that more input may cure.
    pub(crate) unfinished: &'static [u8],
    /// A prompt may be any value, which `tostring` turns into text, instead of a string.
    pub(crate) any_prompt: bool,
    /// A line that begins with `local` is warned of.
    pub(crate) warns_of_locals: bool,
}
