//! The interactive mode, through a pipe and at a terminal.
//!
//! Most stock interpreters read with a line editor, which shows each line that comes from a pipe, as a
//! terminal would. There the lines are put into the runner's output before comparing.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::OnceLock;

use rstest::rstest;

use crate::support::{Case, Subject, comparable, wait_until_busy};

fn stock_has_line_editor() -> bool {
    static SHOWS: OnceLock<bool> = OnceLock::new();
    *SHOWS.get_or_init(|| {
        let case = Case::new().args(["-i"]).input("x = 1\n");
        case.run(Subject::Stock).stdout.contains("> x = 1\n")
    })
}

/// Gives both the same lines and wants the same output. Prompts end in `> `, which nothing else
/// prints, and lines are short enough for the line editor not to scroll them.
#[track_caller]
fn converse(case: Case, lines: &[&str]) {
    let case = case.args(["-i"]).input(
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    let (ours, stock) = (case.run(Subject::Runner), case.run(Subject::Stock));
    let mut shown = ours.stdout.clone();
    if stock_has_line_editor() {
        let mut parts = ours.stdout.split("> ");
        shown = parts.next().unwrap_or_default().to_owned();
        for (index, part) in parts.enumerate() {
            shown.push_str("> ");
            if let Some(line) = lines.get(index) {
                shown.push_str(line);
                shown.push('\n');
            }
            shown.push_str(part);
        }
    }
    let report = format!("== the runner\n{ours}\n== stock\n{stock}");
    assert_eq!(
        comparable(Subject::Runner, &shown),
        comparable(Subject::Stock, &stock.stdout),
        "{report}"
    );
    let errors = comparable(Subject::Runner, &ours.stderr);
    assert_eq!(
        errors,
        comparable(Subject::Stock, &stock.stderr),
        "{report}"
    );
    assert_eq!(ours.status, stock.status, "{report}");
}

#[rstest]
#[case::nothing(&[])]
#[case::empty_lines(&["", "", " "])]
#[case::statement(&["x = 5", "print(x)"])]
#[case::expression(&["1 + 1"])]
#[case::expressions(&["1, nil, 'a', {} and 2"])]
#[case::expression_behind_an_equals_sign(&["=1 + 1", "=1, 2"])]
#[case::only_an_equals_sign(&["="])]
#[case::return_statement(&["return 1, 2"])]
#[case::call_without_values(&["print('a')", "(function() end)()"])]
#[case::nil_value(&["nil", "=nil"])]
#[case::many_lines(&["for i = 1, 2 do", "print(i)", "end"])]
#[case::many_lines_of_an_expression(&["return (1", "+", "2)"])]
#[case::many_lines_behind_an_equals_sign(&["=(1", "+2)"])]
#[case::equals_sign_in_a_later_line(&["x =", "=1"])]
#[case::long_string(&["x = [[a", "b]]", "print(#x)"])]
#[case::comment(&["-- nothing", "print(1) -- something"])]
#[case::syntax_error(&[")(", "print(1)"])]
#[case::syntax_error_in_a_later_line(&["do", ")", "print(1)"])]
#[case::error(&["error('text')", "print(1)"])]
#[case::error_object(&["error({})", "error()", "error(42)", "print(1)"])]
#[case::error_object_with_text(&["error(setmetatable({}, {__tostring = function() return 'text' end}))"])]
#[case::error_from_a_function(&["function f() error('deep') end", "f()"])]
#[case::local_variable(&["local x = 1", "print(x)"])]
#[case::other_prompt(&["_PROMPT = 'lua> '", "_PROMPT2 = 'more> '", "do", "end"])]
#[case::prompt_of_other_types(&["_PROMPT = 5 .. '> '", "_PROMPT = setmetatable({}, {__tostring = function() return 'T> ' end})"])]
#[case::other_print(&["print = function(...) io.write('printed', ..., '\\n') end", "=1"])]
#[case::no_print(&["print = nil", "=1"])]
#[case::print_that_fails(&["print = function() error('bad print') end", "=1"])]
#[case::print_that_fails_oddly(&["print = function() error(5) end", "=1"])]
#[case::exit(&["os.exit(3)", "not reached"])]
#[case::vararg(&["...", "=..."])]
#[case::semicolon(&["1;", "x = 1;"])]
#[case::locals(&["local x = 5", "local", "  local x = 5  y = x", "x = 5 local y", "locals = 5"])]
#[case::goto_and_labels(&["goto done", "::done::"])]
fn conversation(#[case] lines: &[&str]) {
    converse(Case::new(), lines);
}

/// Where an error is followed by a collection, its finalisers speak before the next prompt.
#[cfg(any(feature = "lua51", feature = "lua52", feature = "luajit"))]
#[test]
fn finalisers_after_an_error() {
    let lines = [
        "gone = function() print('gone') end",
        "if newproxy then getmetatable(newproxy(true)).__gc = gone end",
        "if not newproxy then setmetatable({}, {__gc = gone}) end",
        "error('text')",
        "print('after')",
    ];
    converse(Case::new(), &lines);
}

#[test]
fn line_longer_than_the_buffer() {
    // Only the stock LuaJIT has a buffer; the others' line editor has none.
    let long = format!("x = '{}'", "y".repeat(2_000));
    let ending = Case::new()
        .args(["-i"])
        .input(format!("{long}\nprint(#x)\n"))
        .run(Subject::Runner);
    if cfg!(feature = "luajit") {
        converse(Case::new(), &[&long, "print(#x)"]);
    } else {
        assert!(ending.stderr.contains("unfinished string"), "{ending}");
    }
}

/// Old releases show the prompt, or whatever is left, instead of the error.
#[test]
fn unfinished_chunk_at_the_end_of_input() {
    if cfg!(any(feature = "lua53", feature = "lua54", feature = "lua55")) {
        let ending = Case::new().args(["-i"]).input("do\n").run(Subject::Runner);
        assert_eq!(ending.stderr, "stdin:1: 'end' expected near <eof>\n");
        assert!(
            ending.stdout.ends_with("> >> > \n") && ending.status.success(),
            "{ending}"
        );
    } else {
        converse(Case::new(), &["do"]);
    }
}

#[test]
fn after_a_script() {
    let case = Case::new().file("script.lua", "x = ...  error_free = true");
    // Options have to come first.
    let case = case
        .args(["-e", "y = 1"])
        .args(["-i", "script.lua", "a"])
        .input("print(x, y)\n");
    let ending = case.run(Subject::Runner);
    assert!(ending.stdout.contains("> a\t1\n"), "{ending}");
}

/// A terminal with a program at its other end.
struct Terminal {
    ours: File,
    seen: String,
}

impl Terminal {
    /// Opens one and starts the program in it, which then has no other input or output.
    fn start(case: &Case, subject: Subject) -> (Terminal, std::process::Child) {
        let (mut ours, mut theirs) = (0, 0);
        let null = std::ptr::null_mut();
        // SAFETY: both pointers are valid, and the optional ones may be null.
        let opened =
            unsafe { libc::openpty(&mut ours, &mut theirs, null, null.cast(), null.cast()) };
        assert_eq!(opened, 0);
        // SAFETY: `openpty` has just made both, and nobody else knows them.
        let (ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        let mut command = case.command(subject);
        let end = || Stdio::from(theirs.try_clone().expect("the terminal again"));
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: both calls may be made between fork and exec.
        unsafe {
            command.pre_exec(|| {
                // For the key that interrupts.
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY as _, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().expect("the program starts");
        (
            Terminal {
                ours,
                seen: String::new(),
            },
            child,
        )
    }

    /// Reads until what comes from now on ends with `text`; for an empty one, to the end of output.
    fn expect(&mut self, text: &str) {
        let start = self.seen.len();
        while text.is_empty() || !self.seen[start..].ends_with(text) {
            let mut ready = libc::pollfd {
                fd: self.ours.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one valid item.
            let count = unsafe { libc::poll(&mut ready, 1, 60_000) };
            assert_eq!(count, 1, "nothing comes after {:?}", self.seen);
            let mut bytes = [0; 1024];
            match self.ours.read(&mut bytes) {
                Ok(count) if count > 0 => {
                    self.seen
                        .push_str(std::str::from_utf8(&bytes[..count]).expect("text"));
                }
                // The other end is closed.
                _ => {
                    assert!(text.is_empty(), "no {text:?} in {:?}", self.seen);
                    return;
                }
            }
        }
    }

    fn enter(&mut self, keys: &str) {
        self.ours
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
    }
}

/// What a user sees. Only a terminal starts the interactive mode without being asked for.
#[test]
fn at_a_terminal() {
    // LuaJIT does not look for hooks in compiled code.
    let case = Case::new().variable("LUA_INIT", "if jit then jit.off() end");
    let expression = match cfg!(feature = "lua55") {
        true => "x, x + 1\n",
        false => "=x, x + 1\n",
    };
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let (mut terminal, mut child) = Terminal::start(&case, subject);
        terminal.expect("> ");
        for line in ["x = 5\n", expression, "do\n", "end\n", "error('text')\n"] {
            terminal.enter(line);
            terminal.expect("> ");
        }
        // The key interrupts the chunk, not the program.
        terminal.enter("print('rea' .. 'dy') while true do end\n");
        terminal.expect("ready\r\n");
        wait_until_busy(child.id());
        terminal.enter("\x03");
        terminal.expect("> ");
        terminal.enter("\x04");
        terminal.expect("");
        let status = child.wait().expect("the program ends");
        (status, comparable(subject, &terminal.seen))
    });
    assert_eq!(first_line(&ours.1), "RELEASE");
    assert!(
        ours.1.contains("\n5\t6\r\n") && ours.1.contains("interrupted!"),
        "{}",
        ours.1
    );
    assert_eq!(without_jit_status(&ours.1), without_jit_status(&stock.1));
    assert_eq!(ours.0, stock.0);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// LuaJIT lists what the compiler can do on this processor, which newer releases know more about.
fn without_jit_status(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.starts_with("JIT: ON "));
    lines.join("\n")
}

/// With a text to run or a version to print, a terminal does not start the interactive mode.
#[rstest]
#[case::text(&["-e", "print('text')"])]
#[case::version(&["-v"])]
#[case::script(&["script.lua"])]
fn terminal_is_left_alone_after(#[case] arguments: &[&str]) {
    let case = Case::new()
        .file("script.lua", "print('script')")
        .args(arguments);
    let [ours, stock] = [Subject::Runner, Subject::Stock].map(|subject| {
        let (mut terminal, mut child) = Terminal::start(&case, subject);
        terminal.expect("");
        (
            child.wait().expect("the program ends"),
            comparable(subject, &terminal.seen),
        )
    });
    assert_eq!(ours, stock);
}
