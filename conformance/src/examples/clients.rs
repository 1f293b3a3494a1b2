//! Clients and servers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Stage, check_lasted, split};
use crate::run::{Output, Session, run};
use crate::suite::PATIENCE;

pub(super) fn server_in_a_process(stage: &Stage) {
    let (server, _) = ping_pair(stage);
    let expected = ["got ping", "got ping", "got ping", "client left: closed"];
    server.check(
        server.lines()[1..] == expected,
        "it gets three pings and sees the client leave",
    );
    if stage.subject.is_ours() {
        server_runs_on_until_interrupted(stage);
    }
}

pub(super) fn client_in_a_process(stage: &Stage) {
    let (_, client) = ping_pair(stage);
    client.check_lines(&["sending ping", "got pong"].repeat(3));
}

fn ping_pair(stage: &Stage) -> (Output, Output) {
    let (server, port) = start_server(stage, &["0"]);
    let client = visit(stage, &port);
    let server = server.finish(PATIENCE);
    server.check_success();
    (server, client)
}

/// Told to run on, it serves a second client and waits for a third; then Ctrl-C ends it at once.
/// Ours alone: the rock notices a signal only when its wait ends.
fn server_runs_on_until_interrupted(stage: &Stage) {
    let (mut server, port) = start_server(stage, &["0", "forever"]);
    for _ in 0..2 {
        visit(stage, &port);
        while server.next_line(PATIENCE) != "client left: closed" {}
    }
    server.interrupt();
    let output = server.finish(PATIENCE);
    output.check(output.code() == Some(1), "an interrupted program fails");
    output.check(
        output.stderr.contains("interrupted!"),
        "it says that it was interrupted",
    );
}

fn start_server(stage: &Stage, arguments: &[&str]) -> (Session, String) {
    let mut command = stage.beside("ping_server.lua");
    command.args(arguments);
    let mut server = Session::start(command);
    let line = server.next_line(PATIENCE);
    let port = line.strip_prefix("listening on port ").unwrap_or_else(|| {
        panic!("the server's first line is not its port: {line}");
    });
    (server, port.to_owned())
}

fn visit(stage: &Stage, port: &str) -> Output {
    let mut command = stage.beside("ping_client.lua");
    command.arg(port);
    let client = run(command, PATIENCE);
    client.check_success();
    client
}

pub(super) fn ping_pong(stage: &Stage) {
    let round = ["client says ping", "server got ping", "client got pong"];
    let end = ["client hangs up", "server stops: closed"];
    stage
        .run()
        .check_lines(&[&round.repeat(3)[..], &end].concat());
    stage
        .run_with(&["50"])
        .check_lines(&[&round.repeat(50)[..], &end].concat());
}

pub(super) fn shared_port(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    let looks = lines
        .iter()
        .take_while(|line| **line == "no port yet")
        .count();
    output.check(looks >= 1, "the client looks too early");
    let rest = [
        &["server shares its port"],
        &["server got ping", "client got pong"].repeat(3)[..],
    ];
    output.check(
        lines[looks..] == rest.concat(),
        "then the port is there and they play",
    );
    // Every look but the one that finds the port costs a nap.
    check_lasted(
        &output,
        Duration::from_millis(250).max(Duration::from_millis(100) * looks as u32),
    );
}

pub(super) fn many_clients(stage: &Stage) {
    let output = stage.run();
    let mut inside = 0;
    let mut most_inside = 0;
    let mut histories: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for line in output.lines() {
        let (who, event) = event_of(line).unwrap_or_else(|| {
            panic!("nobody should say {line:?}\n{output}");
        });
        let history = histories.entry(who).or_default();
        match event {
            "leaves" => inside -= 1,
            _ if history.is_empty() => inside += 1,
            _ => {}
        }
        most_inside = most_inside.max(inside);
        history.push(event);
    }
    output.check(
        histories.keys().copied().eq(1..=10),
        "clients 1 to 10 take part",
    );
    for (who, history) in &histories {
        let expected = [&["ping", "pong"].repeat(3)[..], &["leaves"]].concat();
        output.check(
            *history == expected,
            format_args!("client {who} plays three rounds"),
        );
    }
    output.check(most_inside > 1, "several are served at the same time");
}

/// Who a line of `many_clients` is about, and what happens.
fn event_of(line: &str) -> Option<(u32, &str)> {
    if let Some(who) = line.strip_prefix("server got ping from ") {
        return Some((who.parse().ok()?, "ping"));
    }
    let (who, rest) = split(line.strip_prefix("client ")?)?;
    let event = match rest.strip_prefix("got pong for ") {
        Some(whose) if whose == who => "pong",
        None if rest == "leaves" => "leaves",
        _ => return None,
    };
    Some((who.parse().ok()?, event))
}

/// The limit is checked twice: by what the server counts, and by what the clients see, since a
/// client is answered only when it was accepted and says that it leaves before it does.
pub(super) fn five_at_a_time(stage: &Stage) {
    let output = stage.run();
    let mut accepted: i32 = 0;
    let mut accepted_most = 0;
    let mut inside: Vec<&str> = Vec::new();
    let mut inside_most = 0;
    let mut left: Vec<u32> = Vec::new();
    for line in output.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["server", "has", count, "after", "one", change] => {
                accepted += if change == "came" { 1 } else { -1 };
                output.check(
                    count == accepted.to_string(),
                    "the server counts in steps of one",
                );
            }
            ["client", who, "is", "in"] => inside.push(who),
            ["client", who, "leaves"] => {
                let place = inside.iter().position(|other| *other == who);
                output.check(place.is_some(), "who leaves was in");
                inside.swap_remove(place.unwrap_or_default());
                left.extend(who.parse::<u32>());
            }
            _ => output.check(false, format_args!("nobody says {line:?}")),
        }
        accepted_most = accepted_most.max(accepted);
        inside_most = inside_most.max(inside.len());
    }
    left.sort_unstable();
    output.check(
        left.iter().copied().eq(1..=10),
        "clients 1 to 10 come and leave",
    );
    output.check(accepted == 0, "the server has nobody at the end");
    output.check(
        accepted_most == 5,
        "the server has five at most, and has five",
    );
    output.check(
        inside_most <= 5,
        "at most five clients are answered at a time",
    );
}
