//! The course of a run: libraries, start-up variable, options, script, interactive mode.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi;

use crate::chunk;
use crate::dialect::{ArgTable, DIALECT, Library};
use crate::doctor;
use crate::messages::{self, Reported};
use crate::options::{self, Options, Step};
use crate::repl;
use crate::state::State;
use crate::stdio::{self, Output};
use crate::{Preload, version};

/// One run of the program.
struct Session<'a> {
    /// What messages begin with.
    program: &'static CStr,
    arguments: &'a [&'static CStr],
    options: Options,
    preload: Option<Preload>,
    /// The run got to its end, and nothing failed that makes the exit code a failure.
    succeeded: bool,
}

/// Does what the command line says and returns the exit code.
pub(crate) fn run(arguments: &[&'static CStr], preload: Option<Preload>) -> c_int {
    let named = arguments.first().filter(|name| !name.is_empty());
    let default = if preload.is_some() { c"cosock" } else { c"lua" };
    let program = named.copied().unwrap_or(default);
    let options = options::parse(arguments, preload.is_some());
    if options.help {
        options.show_usage(Output::Standard, program);
        return libc::EXIT_SUCCESS;
    }
    let Some(state) = State::new() else {
        messages::show(Some(program), c"cannot create state: not enough memory");
        return libc::EXIT_FAILURE;
    };
    let mut session = Session {
        program,
        arguments,
        options,
        preload,
        succeeded: false,
    };
    let outcome = state.protect(start, ptr::from_mut(&mut session).cast());
    if outcome.is_err() {
        messages::show_error(state, Some(program));
    }
    // SAFETY: the call has returned, and this is the last use.
    unsafe { state.close() };
    if session.succeeded {
        libc::EXIT_SUCCESS
    } else {
        libc::EXIT_FAILURE
    }
}

/// The body of [`run`], as a function that Lua can call.
unsafe extern "C-unwind" fn start(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this with the argument that `run` gave it: a session that lives until the call
    // has returned and that nothing else uses meanwhile.
    let (session, state) = unsafe {
        let session = ffi::lua_touserdata(state, 1).cast::<Session<'_>>();
        (&mut *session, State::from_raw(state))
    };
    // Parts of the run expect an empty stack, and the session is no longer Lua's concern.
    state.truncate(0);
    session.succeeded = session.run(state).is_ok();
    0
}

impl Session<'_> {
    fn run(&self, state: State) -> Result<(), Reported> {
        let options = &self.options;
        if !DIALECT.init_before_options {
            self.refuse_bad_option()?;
        }
        if options.version && !DIALECT.version_after_init {
            version::show(state);
        }
        self.open(state);
        if options.doctor {
            return doctor::run(state, self.program, &self.arguments[2..]);
        }
        if !options.no_environment {
            self.run_init(state)?;
        }
        #[cfg(feature = "lua55")]
        state.warnings(false);
        self.refuse_bad_option()?;
        if options.version && DIALECT.version_after_init {
            version::show(state);
        }
        for step in &options.steps {
            self.take(state, *step)?;
        }
        if let Some(script) = options.script {
            self.run_script(state, script)?;
        }
        if options.interactive {
            self.interact(state);
        } else if options.script.is_none() && !options.execute && !options.version {
            self.run_input(state);
        }
        Ok(())
    }

    fn refuse_bad_option(&self) -> Result<(), Reported> {
        self.options.refusal.map_or(Ok(()), |refusal| {
            refusal.show(&self.options, self.program);
            Err(Reported)
        })
    }

    /// Makes all libraries and the table `arg` ready.
    fn open(&self, state: State) {
        if self.options.no_environment {
            state.flag_registry(c"LUA_NOENV");
        }
        state.stop_collector();
        state.open_libraries();
        #[cfg(target_os = "linux")]
        crate::paths::add_those_of_the_system(state);
        if let Some(preload) = self.preload {
            // SAFETY: the state is live, has its libraries, and this is a protected call.
            unsafe { preload(state.as_raw()) };
        }
        if DIALECT.arg != ArgTable::WithScript {
            self.set_arg(state);
        }
        state.start_collector();
    }

    /// Sets the global `arg`: the script at index 0, its arguments above, everything else below.
    fn set_arg(&self, state: State) {
        let base = self.options.script.unwrap_or(match DIALECT.arg {
            ArgTable::Negative => self.arguments.len(),
            _ => 0,
        });
        let (base, count) = (base as c_int, self.arguments.len() as c_int);
        state.push_table((count - base - 1).max(0), base + 1);
        for (index, argument) in (-base..).zip(self.arguments) {
            state.push(argument.to_bytes());
            state.set_item(-2, index);
        }
        state.set_global(b"arg");
    }

    fn run_init(&self, state: State) -> Result<(), Reported> {
        for name in DIALECT.init_variables {
            let variable = &name[1..];
            // SAFETY: no other thread changes the environment: there is none yet, and Lua cannot.
            let value = unsafe { libc::getenv(variable.as_ptr()) };
            if value.is_null() {
                continue;
            }
            // SAFETY: as above, and Lua takes a copy before it runs anything.
            let value = unsafe { CStr::from_ptr(value) };
            return match value.to_bytes() {
                [b'@', ..] => chunk::run_file(state, self.program, Some(&value[1..])),
                _ => chunk::run_text(state, self.program, value, name),
            };
        }
        Ok(())
    }

    fn take(&self, state: State, step: Step) -> Result<(), Reported> {
        match step {
            Step::Execute(text) => chunk::run_text(state, self.program, text, c"=(command line)"),
            Step::Require(name) => self.require(state, name),
            #[cfg(any(feature = "lua54", feature = "lua55"))]
            Step::Warn => {
                state.warnings(true);
                Ok(())
            }
            #[cfg(feature = "luajit")]
            Step::Jit(command) => crate::jit::command(state, self.program, command),
            #[cfg(feature = "luajit")]
            Step::Optimise(flags) => crate::jit::optimise(state, self.program, flags),
            Step::InstallCoroutine => {
                let text = c"require('cosock').install_coroutine()";
                chunk::run_text(state, self.program, text, c"=(--install-coroutine)")
            }
            Step::InstallPcall => {
                let text = c"require('cosock').install_pcall()";
                chunk::run_text(state, self.program, text, c"=(--install-pcall)")
            }
        }
    }

    fn require(&self, state: State, argument: &CStr) -> Result<(), Reported> {
        let (module, global) = split_library(argument);
        state.global(c"require");
        state.push(module);
        let results = c_int::from(DIALECT.library != Library::Forget);
        let outcome = chunk::call(state, 1, results);
        if outcome.is_ok() && results == 1 {
            state.set_global(global);
        }
        messages::report(state, outcome, Some(self.program))
    }

    fn run_script(&self, state: State, script: usize) -> Result<(), Reported> {
        if DIALECT.arg == ArgTable::WithScript {
            self.set_arg(state);
        }
        let name = self.arguments[script];
        // After `--`, a dash is the name of a file.
        let is_input = name == c"-" && self.arguments[script - 1] != c"--";
        let outcome = state.load_file((!is_input).then_some(name)).and_then(|()| {
            let count = self.push_arguments(state, script);
            chunk::call(state, count, ffi::LUA_MULTRET)
        });
        messages::report(state, outcome, Some(self.program))
    }

    /// Pushes what the script gets as `...` and returns how many values that are.
    fn push_arguments(&self, state: State, script: usize) -> c_int {
        const TOO_MANY: &CStr = c"too many arguments to script";
        if DIALECT.arg == ArgTable::WithScript {
            let arguments = &self.arguments[script + 1..];
            state.reserve(arguments.len() as c_int, TOO_MANY);
            for argument in arguments {
                state.push(argument.to_bytes());
            }
            return arguments.len() as c_int;
        }
        // Chunks of the start-up variable and of `-e` may have changed the table.
        state.global(c"arg");
        let table = state.top();
        let mut count = 0;
        if state.kind(table) == ffi::LUA_TTABLE {
            count = count_items(state, table);
            state.reserve(count, TOO_MANY);
            for key in 1..=count {
                state.item(table, key);
            }
        } else if DIALECT.arg == ArgTable::FromProgram {
            state.position(1);
            state.push(b"'arg' is not a table");
            state.concat(2);
            state.raise();
        }
        state.remove(table);
        count
    }

    /// Runs what comes from standard input: line by line from a terminal, else as a file.
    fn run_input(&self, state: State) {
        if stdio::input_is_terminal() {
            version::show(state);
            self.interact(state);
        } else {
            // The message is all that is left of an error: the exit code is no failure.
            let _ = chunk::run_file(state, self.program, None);
        }
    }

    fn interact(&self, state: State) {
        #[cfg(feature = "luajit")]
        crate::jit::show_status(state);
        repl::run(state);
    }
}

/// The module that `-l` names, and the global that it becomes.
fn split_library(argument: &CStr) -> (&[u8], &[u8]) {
    let argument = argument.to_bytes();
    if DIALECT.library != Library::NamedGlobal {
        return (argument, argument);
    }
    let position = |mark| argument.iter().position(|&byte| byte == mark);
    match (position(b'='), position(b'-')) {
        (Some(mark), _) => (&argument[mark + 1..], &argument[..mark]),
        (None, Some(mark)) => (argument, &argument[..mark]),
        (None, None) => (argument, argument),
    }
}

/// How many items of the table `arg` are arguments: all of its length, or all before the first nil.
fn count_items(state: State, table: c_int) -> c_int {
    if DIALECT.arg == ArgTable::FromProgram {
        return state.length(table);
    }
    let mut count = 0;
    loop {
        state.item(table, count + 1);
        let kind = state.kind(-1);
        state.pop(1);
        if kind == ffi::LUA_TNIL {
            return count;
        }
        count += 1;
    }
}
