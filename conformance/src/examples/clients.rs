//! Clients and servers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Stage, split};
use crate::run::{Output, PATIENCE, Session, run};

pub(super) fn server_in_a_process(stage: &Stage) {
    let (server, _) = ping_pair(stage);
    let expected = ["got ping", "got ping", "got ping", "client left: closed"];
    stage.fact(
        server.lines().get(1..) == Some(&expected[..]),
        "it gets three pings and sees the client leave",
    );
    if stage.subject.is_ours() {
        serve_until_interrupted(stage);
    }
}

pub(super) fn client_in_a_process(stage: &Stage) {
    let (_, client) = ping_pair(stage);
    let expected = ["sending ping", "got pong"].repeat(3);
    stage.prints(
        &client,
        &expected,
        "it says ping and gets pong, three times",
    );
}

fn ping_pair(stage: &Stage) -> (Output, Output) {
    let (server, port) = start_server(stage, &["0"]);
    let client = visit(stage, &port);
    let server = server.finish(PATIENCE);
    stage.ends_well(&server);
    (server, client)
}

/// Told to run on, it serves a second client and waits for a third; then Ctrl-C comes. Ours alone: the
/// rock notices a signal when its wait ends, which is at once only if the wait has not begun.
fn serve_until_interrupted(stage: &Stage) {
    let (mut server, port) = start_server(stage, &["0", "forever"]);
    for _ in 0..2 {
        visit(stage, &port);
        while server.next_line(PATIENCE) != "client left: closed" {}
    }
    server.interrupt();
    let output = server.finish(PATIENCE);
    stage.fact(
        output.code() == Some(1) && output.stderr.contains("interrupted!"),
        "Ctrl-C ends it while it waits",
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
    stage.ends_well(&client);
    client
}

pub(super) fn ping_pong(stage: &Stage) {
    let round = ["client says ping", "server got ping", "client got pong"];
    let end = ["client hangs up", "server stops: closed"];
    for (arguments, rounds) in [(&[][..], 3), (&["50"], 50)] {
        let expected = [&round.repeat(rounds)[..], &end].concat();
        let output = stage.run_with(arguments);
        stage.prints(
            &output,
            &expected,
            format_args!("they play {rounds} rounds"),
        );
    }
}

pub(super) fn shared_port(stage: &Stage) {
    let output = stage.run();
    let lines = output.lines();
    let looks = lines
        .iter()
        .take_while(|line| **line == "no port yet")
        .count();
    stage.fact(looks >= 1, "the client looks too early");
    let rest = [
        &["server shares its port"],
        &["server got ping", "client got pong"].repeat(3)[..],
    ];
    stage.fact(
        lines[looks..] == rest.concat(),
        "then the port is there and they play",
    );
    // Every look but the one that finds the port costs a nap.
    let least = Duration::from_millis(250).max(Duration::from_millis(100) * looks as u32);
    stage.lasts(&output, least, "every look too early costs a nap");
}

pub(super) fn many_clients(stage: &Stage) {
    let output = stage.run();
    let mut inside = 0;
    let mut most_inside = 0;
    let mut histories: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let events: Vec<_> = output.lines().into_iter().map(event_of).collect();
    stage.fact(events.iter().all(Option::is_some), "nothing else is said");
    for (who, event) in events.into_iter().flatten() {
        let history = histories.entry(who).or_default();
        match event {
            "leaves" => inside -= 1,
            _ if history.is_empty() => inside += 1,
            _ => {}
        }
        most_inside = most_inside.max(inside);
        history.push(event);
    }
    stage.fact(
        histories.keys().copied().eq(1..=10),
        "clients 1 to 10 take part",
    );
    let expected = [&["ping", "pong"].repeat(3)[..], &["leaves"]].concat();
    stage.fact(
        histories.values().all(|history| *history == expected),
        "each client plays three rounds",
    );
    stage.fact(most_inside > 1, "several are served at the same time");
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
                stage.fact(
                    count == accepted.to_string(),
                    "the server counts in steps of one",
                );
            }
            ["client", who, "is", "in"] => inside.push(who),
            ["client", who, "leaves"] => {
                let place = inside.iter().position(|other| *other == who);
                stage.fact(place.is_some(), "who leaves was in");
                if let Some(place) = place {
                    inside.swap_remove(place);
                }
                left.extend(who.parse::<u32>());
            }
            _ => stage.fact(false, "nothing else is said"),
        }
        accepted_most = accepted_most.max(accepted);
        inside_most = inside_most.max(inside.len());
    }
    left.sort_unstable();
    stage.fact(
        left.iter().copied().eq(1..=10),
        "clients 1 to 10 come and leave",
    );
    stage.fact(accepted == 0, "the server has nobody at the end");
    stage.fact(
        accepted_most == 5,
        "the server has five at most, and has five",
    );
    stage.fact(
        inside_most <= 5,
        "at most five clients are answered at a time",
    );
}
