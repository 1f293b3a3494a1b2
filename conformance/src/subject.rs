//! What a script is run on: ours in two shapes, or the reference.

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::interpreter::Lua;
use crate::module;

/// An implementation of cosock, and the way into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Our module in the stock interpreter.
    Module,
    /// Our runner, with Lua built in.
    Runner,
    /// The rock over LuaSocket, in the stock interpreter: in the directory that [`REFERENCE`]
    /// names, else where the interpreter finds it.
    Reference,
    /// Any other cosock, in the stock interpreter: in the directory that [`CANDIDATE`] names, as Lua
    /// files, as `cosock.so`, or as `<version>/cosock.so`.
    Candidate,
}

/// Names the directory of [`Subject::Reference`].
pub const REFERENCE: &str = "COSOCK_REFERENCE";

/// Names the directory of [`Subject::Candidate`].
pub const CANDIDATE: &str = "COSOCK_CANDIDATE";

impl Subject {
    /// Every subject.
    pub const ALL: [Subject; 4] = [
        Subject::Module,
        Subject::Runner,
        Subject::Reference,
        Subject::Candidate,
    ];

    /// What people and scripts call it; a script finds it in the variable `COSOCK_SUBJECT`.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Module => "module",
            Subject::Runner => "runner",
            Subject::Reference => "reference",
            Subject::Candidate => "candidate",
        }
    }

    /// Whether the tests of this run cover it: `COSOCK_TEST_SUBJECT="module reference"` chooses,
    /// unset means what is ours.
    ///
    /// # Panics
    ///
    /// If the variable names a subject that does not exist.
    pub fn is_selected(self) -> bool {
        let Ok(wanted) = env::var("COSOCK_TEST_SUBJECT") else {
            return self.is_ours();
        };
        for name in wanted.split_whitespace() {
            assert!(
                Subject::ALL.iter().any(|subject| subject.name() == name),
                "COSOCK_TEST_SUBJECT names \"{name}\", which is no subject"
            );
        }
        wanted.split_whitespace().any(|name| name == self.name())
    }

    /// Whether it is our implementation.
    pub fn is_ours(self) -> bool {
        matches!(self, Subject::Module | Subject::Runner)
    }

    /// A command that runs `script`, in the script's own directory.
    ///
    /// # Panics
    ///
    /// As [`Subject::command`].
    pub fn script(self, lua: Lua, script: &Path) -> Command {
        let mut command = self.command(lua);
        command
            .current_dir(script.parent().expect("a script lies in a directory"))
            .arg(script);
        command
    }

    /// A command that starts the interpreter; arguments are the caller's.
    ///
    /// Lua finds what lies in `conformance/lua` and this subject's cosock, whatever the environment
    /// says: Lua prefers a Lua file to our library, and `LUA_CPATH_5_4` to `LUA_CPATH`. The variable
    /// `COSOCK_TEST_CERTS` names the directory of [`certificates::files`].
    ///
    /// `COSOCK_TEST_UNDER` holds words to put before the interpreter, such as `valgrind -q`;
    /// `COSOCK_TEST_INIT` a chunk to run before each script, such as one that sets the collector.
    ///
    /// # Panics
    ///
    /// If what is ours cannot be built, or [`CANDIDATE`] is not set for the candidate.
    pub fn command(self, lua: Lua) -> Command {
        let program = match self {
            Subject::Runner => module::runner(lua).as_os_str(),
            Subject::Module | Subject::Reference | Subject::Candidate => lua.interpreter().as_ref(),
        };
        let mut command = match env::var("COSOCK_TEST_UNDER").unwrap_or_default().trim() {
            "" => Command::new(program),
            words => under(words, program),
        };
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("LUA_") {
                command.env_remove(name);
            }
        }
        if let Some(chunk) = env::var_os("COSOCK_TEST_INIT") {
            command.env("LUA_INIT", chunk);
        }
        command.env("COSOCK_SUBJECT", self.name());
        command.env(certificates::VARIABLE, certificates::directory());
        self.set_paths(lua, &mut command);
        command
    }

    fn set_paths(self, lua: Lua, command: &mut Command) {
        let support = crate::repository().join("conformance/lua/?.lua");
        let support = support.display();
        match self {
            Subject::Module => {
                let module = module::module_directory(lua).join("?.so");
                command
                    .env("LUA_PATH", support.to_string())
                    .env("LUA_CPATH", module);
            }
            Subject::Runner => {
                command
                    .env("LUA_PATH", support.to_string())
                    .env("LUA_CPATH", "");
            }
            // LuaSocket is the distribution's, so the interpreter's own paths follow.
            Subject::Reference => {
                let path = match env::var(REFERENCE) {
                    Ok(rock) => format!("{support};{rock}/?.lua;{rock}/?/init.lua;;"),
                    Err(_) => format!("{support};;"),
                };
                command.env("LUA_PATH", path);
            }
            // It may stand on LuaSocket, as the rock does.
            Subject::Candidate => {
                let place = env::var(CANDIDATE).unwrap_or_else(|_| panic!("{CANDIDATE}=?"));
                let path = format!("{support};{place}/?.lua;{place}/?/init.lua;;");
                let cpath = format!("{place}/{}/?.so;{place}/?.so;;", lua.name());
                command.env("LUA_PATH", path).env("LUA_CPATH", cpath);
            }
        }
    }
}

fn under(words: &str, program: &std::ffi::OsStr) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().expect("words that are not blank"));
    command.args(words).arg(program);
    command
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
