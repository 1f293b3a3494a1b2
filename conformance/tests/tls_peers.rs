//! TLS against other implementations and their programs: openssl, GnuTLS, LuaSec.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use conformance::run::Session;
use conformance::servers::{self, Server};
use conformance::suite::PATIENCE;
use conformance::{Lua, Subject, repository, suite};

conformance::on_every_lua!(openssl_servers on Module, Runner);

/// Our client against servers of many kinds.
fn openssl_servers(lua: Lua, subject: Subject) {
    const KINDS: [(&str, &str, &[&str]); 11] = [
        ("any", "server", &["-rev"]),
        ("no ticket", "server", &["-rev", "-no_ticket"]),
        ("asks", "server", &["-rev", "-Verify", "3"]),
        ("1.2", "server-ec", &["-rev", "-tls1_2"]),
        ("1.3", "server-ec", &["-rev", "-tls1_3"]),
        ("alpn", "server", &["-rev", "-alpn", "second,first"]),
        ("www", "server", &["-www"]),
        ("expired", "expired", &["-rev"]),
        ("self-signed", "self-signed", &["-rev"]),
        ("other", "other", &["-rev"]),
        ("wrong-name", "wrong-name", &["-rev"]),
    ];
    let start = |(name, identity, arguments): &(&'static str, &str, &[&str])| {
        (*name, servers::openssl(identity, arguments))
    };
    let all: Vec<(&str, Server)> = KINDS.iter().map(start).collect();
    let arguments = all
        .iter()
        .map(|(name, server)| OsString::from(format!("{name}={}", server.port)));
    let arguments: Vec<OsString> = arguments.collect();
    let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
    suite::peer(lua, subject, "openssl.lua", &arguments);
}

/// A program of `conformance/lua/programs`, running on ours.
fn program(lua: Lua, subject: Subject, name: &str, arguments: &[&str]) -> Session {
    let path = repository().join("conformance/lua/programs").join(name);
    let mut command = subject.script(lua, &path);
    command.args(arguments);
    Session::start(command)
}

/// `programs/tls_server.lua`, and its port.
fn our_server(lua: Lua, subject: Subject, arguments: &[&str]) -> (Session, String) {
    let mut server = program(lua, subject, "tls_server.lua", arguments);
    let line = server.next_line(PATIENCE);
    let port = line.strip_prefix("ready ").expect("it says its port");
    (server, port.to_owned())
}

/// The next line in which the text is, whatever is before it.
#[track_caller]
fn expect_line(session: &mut Session, text: &str) -> String {
    loop {
        let line = session.next_line(PATIENCE);
        if line.contains(text) {
            return line;
        }
    }
}

#[track_caller]
fn expect_ok(session: Session) {
    let output = session.finish(PATIENCE);
    output.check_success();
    output.check(output.lines().last() == Some(&"ok"), "the last line is ok");
}

/// Has the server that a program is connected to send a text backwards.
#[track_caller]
fn reverse(client: &mut Session, text: &str) {
    client.say(&format!("reverse {text}"));
    let backwards: String = text.chars().rev().collect();
    expect_line(client, &backwards);
}

fn openssl_client(port: &str, arguments: &[&str]) -> Session {
    let files = certificates::directory();
    let mut command = Command::new("sh");
    // What it says of commands goes to standard error.
    command
        .args(["-c", "exec openssl s_client \"$@\" 2>&1", "sh"])
        .args(["-connect", &format!("127.0.0.1:{port}")])
        .arg("-CAfile")
        .arg(files.join("ca.pem"))
        .args(["-verify_return_error", "-verify_hostname", "localhost"])
        .arg("-cert")
        .arg(files.join("client.pem"))
        .arg("-key")
        .arg(files.join("client.key"))
        .args(arguments);
    Session::start(command)
}

conformance::on_every_lua!(openssl_clients on Module, Runner);

/// openssl's client, by every version, with what a server can ask for.
fn openssl_clients(lua: Lua, subject: Subject) {
    let exchanges: [(&[&str], &[&str], &str); 5] = [
        (&["-tls1_2"], &["any"], "agreed\tTLSv1.2\tnil\tnil"),
        (&["-tls1_3"], &["any"], "agreed\tTLSv1.3\tnil\tnil"),
        (&["-tls1_2"], &["asks"], "agreed\tTLSv1.2\tnil\tClient"),
        (
            &["-tls1_3"],
            &["asks", "no_ticket"],
            "agreed\tTLSv1.3\tnil\tClient",
        ),
        (
            &["-alpn", "first,second"],
            &["alpn"],
            "agreed\tTLSv1.3\tsecond\tnil",
        ),
    ];
    for (client, settings, agreed) in exchanges {
        let (mut server, port) = our_server(lua, subject, &[&["1"], settings].concat());
        let mut client = openssl_client(&port, client);
        assert_eq!(server.next_line(PATIENCE), agreed);
        reverse(&mut client, "hello");
        client.say("bye");
        assert_eq!(server.next_line(PATIENCE), "ended\tnil");
        let output = client.finish(PATIENCE);
        output.check(output.code() == Some(0), "it sees an orderly end");
        expect_ok(server);
    }
}

conformance::on_every_lua!(openssl_client_renegotiates on Module, Runner);

/// A new handshake on the same connection, or a new key, when the client asks for it.
fn openssl_client_renegotiates(lua: Lua, subject: Subject) {
    for (version, settings, commands) in [
        ("-tls1_2", "renegotiates", ["R", "R"]),
        ("-tls1_3", "any", ["k", "K"]),
    ] {
        let (mut server, port) = our_server(lua, subject, &["1", settings]);
        let mut client = openssl_client(&port, &[version]);
        expect_line(&mut server, "agreed");
        reverse(&mut client, "before");
        for command in commands {
            client.say(command);
            expect_line(
                &mut client,
                if command == "R" {
                    "RENEGOTIATING"
                } else {
                    "KEYUPDATE"
                },
            );
            reverse(&mut client, "after it");
        }
        client.say("bye");
        assert_eq!(server.next_line(PATIENCE), "ended\tnil");
        client.finish(PATIENCE);
        expect_ok(server);
    }
    // Unless the option allows it, it is refused; that is all.
    let (mut server, port) = our_server(lua, subject, &["1"]);
    let mut client = openssl_client(&port, &["-tls1_2"]);
    expect_line(&mut server, "agreed");
    client.say("R");
    expect_line(&mut server, "ended");
    client.finish(PATIENCE);
    expect_ok(server);
}

conformance::on_every_lua!(openssl_server_renegotiates on Module, Runner);

/// The same when the server asks for it, while our client waits for data.
fn openssl_server_renegotiates(lua: Lua, subject: Subject) {
    for (version, commands) in [("tlsv1_2", ["r", "R"]), ("tlsv1_3", ["k", "K"])] {
        let command = servers::openssl_command("server", &["-Verify", "3"]);
        let mut server = Session::start(command);
        let port = servers::openssl_port(&expect_line(&mut server, "ACCEPT "));
        let port = port.expect("it says its port").to_string();
        let mut client = program(lua, subject, "tls_client.lua", &[&port, version]);
        assert_eq!(client.next_line(PATIENCE), "connected");
        // What is said to the server goes to the client, unless it is one of the commands.
        for (text, backwards, command) in [
            ("one", "eno", commands[0]),
            ("two", "owt", commands[1]),
            ("three", "eerht", commands[0]),
        ] {
            server.say(text);
            assert_eq!(client.next_line(PATIENCE), format!("got\t{text}"));
            expect_line(&mut server, backwards);
            server.say(command);
            expect_line(&mut server, "SSL_do_handshake -> 1");
        }
        server.say("enough");
        assert_eq!(client.next_line(PATIENCE), "got\tenough");
        expect_line(&mut server, "hguone");
        // It ends without a goodbye.
        server.say("Q");
        assert_eq!(
            client.next_line(PATIENCE),
            "ended\tunexpected eof while reading"
        );
        expect_ok(client);
        server.finish(PATIENCE);
    }
}

conformance::on_every_lua!(gnutls_clients on Module, Runner);

/// GnuTLS's client.
fn gnutls_clients(lua: Lua, subject: Subject) {
    let exchanges: [(&str, &[&str], &str); 4] = [
        (
            "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            &["any"],
            "TLSv1.2\tnil\tnil",
        ),
        (
            "NORMAL:-VERS-ALL:+VERS-TLS1.3",
            &["any"],
            "TLSv1.3\tnil\tnil",
        ),
        (
            "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            &["asks"],
            "TLSv1.2\tnil\tClient",
        ),
        ("NORMAL", &["alpn", "asks"], "TLSv1.3\tsecond\tClient"),
    ];
    for (priority, settings, agreed) in exchanges {
        let (mut server, port) = our_server(lua, subject, &[&["1"], settings].concat());
        let files = certificates::directory();
        let mut command = Command::new("gnutls-cli");
        command
            .args(["--port", &port, "--priority", priority])
            .arg("--x509cafile")
            .arg(files.join("ca.pem"))
            .arg("--x509certfile")
            .arg(files.join("client.pem"))
            .arg("--x509keyfile")
            .arg(files.join("client.key"))
            .args(["--alpn", "first", "--alpn", "second"])
            .args(["--verify-hostname", "localhost", "127.0.0.1"]);
        let mut client = Session::start(command);
        assert_eq!(server.next_line(PATIENCE), format!("agreed\t{agreed}"));
        reverse(&mut client, "hello");
        client.say("bye");
        assert_eq!(server.next_line(PATIENCE), "ended\tnil");
        let output = client.finish(PATIENCE);
        output.check(output.code() == Some(0), "it sees an orderly end");
        expect_ok(server);
    }
}

/// How many bytes go in each direction between LuaSec and ours. Modules that are built for tests alone take
/// too long for as many as those of `dist/`.
fn large() -> &'static str {
    if env::var_os(conformance::DIST).is_some() {
        "100000000"
    } else {
        "5000000"
    }
}

/// LuaSec alone in a stock interpreter. Which version it is for makes no difference here.
fn luasec(arguments: &[&str]) -> Session {
    let path = repository().join("conformance/lua/programs/luasec.lua");
    let mut command = Subject::Reference.script(Lua::Lua54, &path);
    command.args(arguments);
    Session::start(command)
}

conformance::on_every_lua!(luasec_server on Module, Runner);

fn luasec_server(lua: Lua, subject: Subject) {
    let mut server = luasec(&["server", "2"]);
    let line = server.next_line(PATIENCE);
    let port = line.strip_prefix("ready ").expect("it says its port");
    let arguments = [port.as_ref(), large().as_ref()];
    suite::peer(lua, subject, "luasec.lua", &arguments);
    expect_ok(server);
}

conformance::on_every_lua!(luasec_client on Module, Runner);

fn luasec_client(lua: Lua, subject: Subject) {
    let (mut server, port) = our_server(lua, subject, &["2", "asks"]);
    for version in ["tlsv1_2", "tlsv1_3"] {
        expect_ok(luasec(&["client", &port, version, large()]));
        expect_line(&mut server, "Client");
        assert_eq!(server.next_line(PATIENCE), "ended\tnil");
    }
    expect_ok(server);
}
