//! http and https against nginx, and curl as a client of a server on cosock.

use std::process::Command;

use conformance::run::{Session, run};
use conformance::suite::PATIENCE;
use conformance::{Lua, Subject, repository, servers, suite};

conformance::on_every_lua!(nginx on Module, Runner);

fn nginx(lua: Lua, subject: Subject) {
    let nginx = servers::nginx();
    let port = nginx.server.port.to_string();
    let https_port = nginx.https_port.to_string();
    let directory = nginx.server.directory.path().as_os_str();
    let arguments = [port.as_ref(), directory, https_port.as_ref()];
    suite::peer(lua, subject, "nginx.lua", &arguments);
}

/// What curl gets from the server: arguments, in which `ADDRESS` is the server's, and what it writes.
const EXCHANGES: [(&[&str], &str); 8] = [
    (&["ADDRESS/text"], "hello\n"),
    (&["--location", "ADDRESS/redirect"], "hello\n"),
    (
        &["--head", "--write-out", "%{http_code}", "ADDRESS/text"],
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n200",
    ),
    // One connection for all.
    (
        &["ADDRESS/count", "ADDRESS/count", "ADDRESS/count"],
        "1\n2\n3\n",
    ),
    (&["--data", "a=1", "ADDRESS/length"], "other, 3\n"),
    // What comes is what was sent, in every coding.
    (
        &["--upload-file", "LARGE", "ADDRESS/length"],
        "the same, 1000000\n",
    ),
    (
        &[
            "--upload-file",
            "LARGE",
            "--header",
            "Transfer-Encoding: chunked",
            "--header",
            "Expect: 100-continue",
            "--expect100-timeout",
            "60",
            "ADDRESS/length",
        ],
        "the same, 1000000\n",
    ),
    (
        &[
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code} %{size_download}",
            "ADDRESS/chunked",
        ],
        "200 1000000",
    ),
];

conformance::on_every_lua!(curl on Module, Runner);

fn curl(lua: Lua, subject: Subject) {
    let program = repository().join("conformance/lua/programs/web_server.lua");
    let mut server = Session::start(subject.script(lua, &program));
    let line = server.next_line(PATIENCE);
    let ports: Vec<&str> = line.split('\t').collect();
    let [_, http_port, https_port] = ports[..] else {
        panic!("no ports: {line}")
    };
    let directory = servers::Directory::new("curl");
    let large = directory.path().join("large").display().to_string();
    let addresses = [
        format!("http://127.0.0.1:{http_port}"),
        format!("https://localhost:{https_port}"),
    ];
    for address in &addresses {
        let curl = |arguments: &[&str]| {
            let mut command = Command::new("curl");
            command
                .args(["--disable", "--silent", "--show-error", "--noproxy", "*"])
                .arg("--cacert")
                .arg(certificates::directory().join("ca.pem"));
            for argument in arguments {
                command.arg(
                    argument
                        .replace("ADDRESS", address)
                        .replace("LARGE", &large),
                );
            }
            let output = run(command, PATIENCE);
            output.check_success();
            output
        };
        curl(&["--output", "LARGE", "ADDRESS/large"]);
        for (arguments, expected) in EXCHANGES {
            let output = curl(arguments);
            output.check(
                output.stdout == expected,
                format_args!("it is {expected:?}"),
            );
        }
    }
    let mut stop = Command::new("curl");
    stop.args(["--disable", "--silent", &format!("{}/stop", addresses[0])]);
    run(stop, PATIENCE).check_success();
    let output = server.finish(PATIENCE);
    output.check_success();
    output.check(
        output.lines().last() == Some(&"ok"),
        "nothing is left behind",
    );
}
