//! Ctrl-C ends a program that waits, whenever it comes: also in the moment between the last line of
//! Lua and the wait of the system, where a signal breaks off no call.

use std::hint;
use std::time::{Duration, Instant};

use conformance::run::Session;
use conformance::suite::PATIENCE;
use conformance::{Lua, Subject, repository};

conformance::on_every_lua!(ctrl_c_ends_a_waiting_program_whenever_it_comes on Module, Runner);

fn ctrl_c_ends_a_waiting_program_whenever_it_comes(lua: Lua, subject: Subject) {
    let script = repository().join("conformance/lua/programs/wait_for_ever.lua");
    for delay in (0..40).map(|step| Duration::from_micros(5 * step)) {
        let mut program = Session::start(subject.script(lua, &script));
        assert_eq!(program.next_line(PATIENCE), "ready");
        let moment = Instant::now() + delay;
        while Instant::now() < moment {
            hint::spin_loop();
        }
        program.interrupt();
        let output = program.finish(Duration::from_secs(20));
        output.check(
            output.code() == Some(1),
            format_args!("Ctrl-C {delay:?} later ends it"),
        );
        output.check(output.stderr.contains("interrupted!"), "it says why");
    }
}
