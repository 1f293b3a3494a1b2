//! C modules of the same Lua version, and the symbols that they need.

use std::collections::BTreeSet;
use std::process::Command;

#[cfg(not(feature = "lua55"))]
use crate::support::Case;
use crate::support::{STOCK, Subject};

/// Where the stock interpreter looks for modules by default.
#[cfg(not(feature = "lua55"))]
fn stock_paths() -> (String, String) {
    let code = "io.write(package.path, '\\n', package.cpath)";
    let output = Command::new(Subject::Stock.path())
        .args(["-e", code])
        .env_clear()
        .output()
        .expect("the stock interpreter runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let (path, cpath) = text.split_once('\n').expect("two lines");
    (path.to_owned(), cpath.to_owned())
}

/// LuaSocket's C part loads and works, from the tree of the stock interpreter. Nobody packages it for 5.5,
/// on which the tests of the module crate load one.
#[cfg(not(feature = "lua55"))]
#[test]
fn c_module_of_the_stock_tree() {
    let code = "
        local ok, socket = pcall(require, 'socket.core')
        if not ok then io.stderr:write('lua-socket is not installed; ci/setup installs it: ', socket) os.exit(2) end
        print(socket._VERSION)
        local server = assert(socket.tcp())
        assert(server:bind('127.0.0.1', 0))
        assert(server:listen(1))
        local client = assert(socket.tcp())
        assert(client:connect(server:getsockname()))
        local peer = assert(server:accept())
        assert(client:send('a line\\n'))
        print(peer:receive())
        print(pcall(peer.receive, peer, {}))
        print(require('mime.core').b64('text'))
    ";
    let (path, cpath) = stock_paths();
    let case = Case::new()
        .variable("LUA_PATH", path)
        .variable("LUA_CPATH", cpath);
    let ending = case.args(["-e", code]).assert_same();
    assert!(
        ending.stdout.contains("\na line") && ending.status.success(),
        "{ending}"
    );
}

/// The symbols that a program offers to what it loads.
fn exported(subject: Subject) -> BTreeSet<String> {
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(subject.path())
        .output()
        .expect("nm of binutils, which ci/setup installs");
    let text = String::from_utf8(output.stdout).expect("text");
    // Debian adds the version of Lua: `lua_error@@LUA_5.4`.
    let name = |line: &str| line.split([' ', '@']).next().map(str::to_owned);
    text.lines().filter_map(name).collect()
}

/// Whatever a C module may use in the stock interpreter, it finds in the runner; for 5.2 and 5.3 only if
/// the built-in Lua is compiled with the stock compatibility options (`LUA_COMPAT_...`).
#[test]
fn all_of_the_api_is_exported() {
    let (ours, stock) = (exported(Subject::Runner), exported(Subject::Stock));
    let stock: BTreeSet<_> = stock
        .into_iter()
        .filter(|name| name.starts_with("lua"))
        .collect();
    assert!(
        stock.len() > 100,
        "{STOCK} exports its API itself, as Debian's does: {stock:?}"
    );
    let missing: Vec<_> = stock.difference(&ours).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A C module must not bind to anything else that happens to be in the runner.
#[test]
fn nothing_but_the_api_is_exported() {
    let others: Vec<_> = exported(Subject::Runner)
        .into_iter()
        .filter(|name| !name.starts_with("lua"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
