//! Modules of others, asyncified, against real servers: Debian's lua-redis, LuaSocket's FTP and SMTP.

use conformance::servers::{self, Server};
use conformance::{Lua, Subject, suite};
use rstest::rstest;

#[track_caller]
fn check(lua: Lua, subject: Subject, script: &str, start: impl FnOnce() -> Server) {
    if !(lua.is_selected() && subject.is_selected()) {
        return;
    }
    let server = start();
    let port = server.port.to_string();
    let arguments = [port.as_ref(), server.directory.path().as_os_str()];
    suite::peer(lua, subject, script, &arguments);
}

#[rstest]
fn redis(
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
    #[values(Subject::Module, Subject::Runner)] subject: Subject,
) {
    check(lua, subject, "redis.lua", || servers::redis(Some("secret")));
}

#[rstest]
fn ftp(
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
    #[values(Subject::Module, Subject::Runner)] subject: Subject,
) {
    check(lua, subject, "ftp.lua", servers::ftp);
}

#[rstest]
fn smtp(
    #[values(
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit
    )]
    lua: Lua,
    #[values(Subject::Module, Subject::Runner)] subject: Subject,
) {
    check(lua, subject, "smtp.lua", servers::smtp);
}
