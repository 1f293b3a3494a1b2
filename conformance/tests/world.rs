//! The world check itself: it must notice what a script leaves behind.

use conformance::run::run;
use conformance::suite::PATIENCE;
use conformance::{Lua, Subject, repository};
use rstest::rstest;

#[rstest]
#[case::task("task.lua", "1 task(s): never run")]
#[case::descriptor("descriptor.lua", "descriptors became")]
fn world_check_notices(
    #[case] script: &str,
    #[case] complaint: &str,
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
    #[values(Subject::Module, Subject::Runner, Subject::Reference)] subject: Subject,
) {
    if !(lua.is_selected() && subject.is_selected()) {
        return;
    }
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
