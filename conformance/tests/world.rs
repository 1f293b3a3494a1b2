//! The world check itself: it must notice what a script leaves behind.

use conformance::run::run;
use conformance::suite::PATIENCE;
use conformance::{Lua, Subject, repository};

conformance::on_every_lua!(
    world_check_notices on Module, Runner, Reference;
    #[values(
        ("task.lua", "1 task(s): never run"),
        ("descriptor.lua", "descriptors became")
    )]
    leak: (&str, &str)
);

fn world_check_notices(lua: Lua, subject: Subject, leak: (&str, &str)) {
    let (script, complaint) = leak;
    let script = repository().join("conformance/lua/leaks").join(script);
    let output = run(subject.script(lua, &script), PATIENCE);
    output.check(output.code() == Some(1), "the script fails");
    output.check(output.stdout.is_empty(), "it does not say ok");
    output.check(
        output.stderr.contains("left behind: "),
        "the world check fails it",
    );
    output.check(
        output.stderr.contains(complaint),
        format_args!("it complains: {complaint}"),
    );
}
