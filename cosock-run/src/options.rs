//! The command line, read before any Lua runs.

use std::ffi::CStr;

use crate::dialect::{DIALECT, Switch};
use crate::stdio::{self, Output};

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The options that no stock interpreter has are there.
    own: bool,
    /// Index of the script's name among the arguments.
    pub(crate) script: Option<usize>,
    /// `-i`: go on interactively.
    pub(crate) interactive: bool,
    /// `-v`, or `-i` that implies it: print the version.
    pub(crate) version: bool,
    /// `-e` is there, so that without a script nothing else is run.
    pub(crate) execute: bool,
    /// `-E`: environment variables are not looked at.
    pub(crate) no_environment: bool,
    /// `-h` or `--help`: show the usage and nothing else.
    pub(crate) help: bool,
    /// The first word is `doctor`: run that instead of a script.
    pub(crate) doctor: bool,
    /// What to do before the script, in this order.
    pub(crate) steps: Vec<Step>,
    /// The first argument that makes no sense. What follows it was not read.
    pub(crate) refusal: Option<Refusal>,
}

/// Something to do before the script.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `-e`: run this text.
    Execute(&'static CStr),
    /// `-l`: require this library.
    Require(&'static CStr),
    /// `-W`: turn warnings on.
    #[cfg(any(feature = "lua54", feature = "lua55"))]
    Warn,
    /// `-j`: call a function of LuaJIT's `jit` library, or start a `jit.*` module.
    #[cfg(feature = "luajit")]
    Jit(&'static CStr),
    /// `-O`: choose optimisations.
    #[cfg(feature = "luajit")]
    Optimise(&'static CStr),
    /// `--install-coroutine`.
    InstallCoroutine,
    /// `--install-pcall`.
    InstallPcall,
}

/// Why an argument was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// There is no such option.
    Unknown(&'static CStr),
    /// The option's argument is missing.
    NeedsArgument(&'static CStr),
    /// `-b` of LuaJIT, which is made of Lua files that are not built in.
    #[cfg(feature = "luajit")]
    Bytecode,
}

/// Reads the command line, whose first item is the program. `own` options are those of the runner.
pub(crate) fn parse(arguments: &[&'static CStr], own: bool) -> Options {
    let mut options = Options {
        own,
        ..Options::default()
    };
    if own && arguments.get(1) == Some(&c"doctor") {
        options.doctor = true;
        return options;
    }
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        match argument.to_bytes() {
            b"--" => {
                options.script = Some(index + 1).filter(|&script| script < arguments.len());
                break;
            }
            [b'-', _, ..] => match options.read(argument, arguments.get(index + 1).copied()) {
                Ok(words) => index += words,
                Err(refusal) => {
                    options.refusal = Some(refusal);
                    break;
                }
            },
            _ => {
                options.script = Some(index);
                break;
            }
        }
    }
    options
}

impl Options {
    /// Reads one option; `next` is what may be its argument. Returns how many words it took.
    fn read(
        &mut self,
        option: &'static CStr,
        next: Option<&'static CStr>,
    ) -> Result<usize, Refusal> {
        let rest = option_argument(option);
        let attached = !rest.is_empty();
        let mut words = 1;
        // The argument of an option that needs one.
        let mut needed = || {
            if attached {
                return Ok(rest);
            }
            words = 2;
            next.filter(|next| {
                DIALECT.options.dashed_arguments || !next.to_bytes().starts_with(b"-")
            })
            .ok_or(Refusal::NeedsArgument(option))
        };
        match option.to_bytes()[1] {
            b'e' => {
                self.steps.push(Step::Execute(needed()?));
                self.execute = true;
            }
            b'l' => self.steps.push(Step::Require(needed()?)),
            b'i' if !attached => (self.interactive, self.version) = (true, true),
            b'v' if !attached => self.version = true,
            b'E' if match DIALECT.options.no_environment {
                Switch::Absent => false,
                Switch::Loose => true,
                Switch::Strict => !attached,
            } =>
            {
                self.no_environment = true;
            }
            #[cfg(any(feature = "lua54", feature = "lua55"))]
            b'W' if !attached => self.steps.push(Step::Warn),
            #[cfg(feature = "luajit")]
            b'j' => self.steps.push(Step::Jit(needed()?)),
            #[cfg(feature = "luajit")]
            b'O' => self.steps.push(Step::Optimise(rest)),
            #[cfg(feature = "luajit")]
            b'b' => return Err(Refusal::Bytecode),
            b'h' | b'-' if !self.own => return Err(Refusal::Unknown(option)),
            b'h' if !attached => self.help = true,
            b'-' if rest == c"help" => self.help = true,
            b'-' if rest == c"install-coroutine" => self.steps.push(Step::InstallCoroutine),
            b'-' if rest == c"install-pcall" => self.steps.push(Step::InstallPcall),
            _ => return Err(Refusal::Unknown(option)),
        }
        Ok(words)
    }

    /// Shows all options.
    pub(crate) fn show_usage(&self, output: Output, program: &CStr) {
        let own = if self.own { OWN_USAGE } else { "" };
        let parts: [&[u8]; 6] = [
            b"usage: ",
            program.to_bytes(),
            DIALECT.usage_line.as_bytes(),
            b"\n",
            DIALECT.usage.as_bytes(),
            own.as_bytes(),
        ];
        stdio::write(output, &parts);
        stdio::flush(output);
    }
}

impl Refusal {
    /// Shows what is wrong and what there is.
    pub(crate) fn show(self, options: &Options, program: &CStr) {
        match self {
            #[cfg(feature = "luajit")]
            Refusal::Bytecode => {
                let reason = c"bytecode cannot be saved or listed here (-b); use luajit itself";
                return crate::messages::show(Some(program), reason);
            }
            _ if !DIALECT.options.names_bad_option => {}
            Refusal::Unknown(option) => {
                let parts = [
                    program.to_bytes(),
                    b": unrecognized option '",
                    option.to_bytes(),
                    b"'\n",
                ];
                stdio::write(Output::Error, &parts);
            }
            Refusal::NeedsArgument(option) => {
                let parts = [
                    program.to_bytes(),
                    b": '",
                    option.to_bytes(),
                    b"' needs argument\n",
                ];
                stdio::write(Output::Error, &parts);
            }
        }
        options.show_usage(Output::Error, program);
    }
}

/// The options that no stock interpreter has.
const OWN_USAGE: &str = "\
cosock is built in:
  doctor [lua]  first word: tells what a program gets that requires cosock, here and in lua
  --install-coroutine  first make coroutine.wrap and resume pass cosock's waits on
  --install-pcall      first make pcall and xpcall let waits pass, as only 5.1 does not
  -h, --help           show this help and exit
";

/// What follows the option's letter.
fn option_argument(option: &'static CStr) -> &'static CStr {
    // An option is a dash and a letter at least.
    &option[2..]
}
