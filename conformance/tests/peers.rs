//! Modules of others, asyncified, against real servers: Debian's lua-redis, LuaSocket's FTP and SMTP.

use conformance::servers::{self, Server};
use conformance::{Lua, Subject, suite};

#[track_caller]
fn check(lua: Lua, subject: Subject, script: &str, start: impl FnOnce() -> Server) {
    let server = start();
    let port = server.port.to_string();
    let arguments = [port.as_ref(), server.directory.path().as_os_str()];
    suite::peer(lua, subject, script, &arguments);
}

conformance::on_every_lua!(redis on Module, Runner);

fn redis(lua: Lua, subject: Subject) {
    check(lua, subject, "redis.lua", || servers::redis(Some("secret")));
}

conformance::on_every_lua!(ftp on Module, Runner);

fn ftp(lua: Lua, subject: Subject) {
    check(lua, subject, "ftp.lua", servers::ftp);
}

conformance::on_every_lua!(smtp on Module, Runner);

fn smtp(lua: Lua, subject: Subject) {
    check(lua, subject, "smtp.lua", servers::smtp);
}
