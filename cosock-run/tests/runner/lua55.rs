//! What only 5.5 does, in so many words: where no stock 5.5 is installed, the other tests compare the
//! runner with a plain interpreter made of the same parts.

use crate::support::{Case, Subject};

#[test]
fn equals_sign_makes_no_expression() {
    let ending = Case::new().args(["-i"]).input("=1\n").run(Subject::Runner);
    assert_eq!(ending.stderr, "stdin:1: unexpected symbol near '='\n");
}

#[test]
fn locals_are_warned_of() {
    let input = " local x = 5\nx = 5 local y\nprint(x)\n";
    let ending = Case::new().args(["-i"]).input(input).run(Subject::Runner);
    assert_eq!(
        ending.stderr,
        "warning: locals do not survive across lines in interactive mode\n"
    );
    assert!(ending.stdout.contains("5\n"), "{ending}");
}

#[test]
fn warnings_are_on_before_the_options() {
    let case = Case::new().variable("LUA_INIT", "warn('at the start')");
    let off = case.clone().args(["-e", "warn('too late')"]);
    assert_eq!(
        off.run(Subject::Runner).stderr,
        "Lua warning: at the start\n"
    );
    let on = case.args(["-W", "-e", "warn('in time')"]);
    assert_eq!(
        on.run(Subject::Runner).stderr,
        "Lua warning: at the start\nLua warning: in time\n"
    );
}

#[test]
fn texts_are_not_bytecode() {
    let ending = Case::new().args(["-e", "\x1bLua"]).run(Subject::Runner);
    assert!(
        ending
            .stderr
            .contains("attempt to load a binary chunk (mode is 't')"),
        "{ending}"
    );
}

#[test]
fn plain_interpreter_has_no_cosock() {
    let case = Case::new().args(["-e", "print(package.preload.cosock)"]);
    assert_eq!(case.run(Subject::Stock).stdout, "nil\n");
    let ending = Case::new()
        .args(["--install-coroutine"])
        .run(Subject::Stock);
    assert!(ending.stderr.contains("unrecognized option"), "{ending}");
    assert!(!ending.stderr.contains("cosock"), "{ending}");
}
