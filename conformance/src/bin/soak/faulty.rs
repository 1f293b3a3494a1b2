//! Proof that the clients notice: the same engine against small servers with one fault each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::plan::Plan;
use crate::request::{REFUSAL, Service};

/// What a server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    // Once per connection, on an answer:
    Loses,
    Repeats,
    Reorders,
    Changes,
    /// Returns bytes that are not this connection's.
    Confuses,
    Closes,
    Mutes,
    // After a half-close:
    /// Drops a line without an end.
    ForgetsTheEnd,
    AddsAnEnd,
    NeverCloses,
}

/// Answers pass well until a connection has returned this many bytes.
const GOOD_BYTES: usize = 3000;

/// Listens and serves each client in a thread of its own; these end with the clients.
fn serve(service: Service, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            thread::spawn(move || match service {
                Service::Line => lines(client, fault),
                Service::Echo => echo(client, fault),
                Service::Count => counts(client),
            });
        }
    });
    address
}

/// Returns what it reads, but for the fault. A failing call means that the client is gone.
fn echo(mut client: TcpStream, fault: Fault) -> Option<()> {
    let mut buffer = [0; 4096];
    let mut returned = 0;
    let mut done = false;
    loop {
        let count = client.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        let mut bytes = buffer[..count].to_vec();
        if returned > GOOD_BYTES && bytes.len() >= 64 && !done {
            done = true;
            match fault {
                Fault::Loses => drop(bytes.drain(20..40)),
                Fault::Repeats => bytes.extend_from_within(..),
                Fault::Reorders => bytes.rotate_left(32),
                Fault::Changes => bytes[33] ^= 4,
                Fault::Confuses => bytes[..40].fill(b'?'),
                Fault::Closes => return None,
                Fault::Mutes => bytes.clear(),
                _ => done = false,
            }
        }
        returned += bytes.len();
        client.write_all(&bytes).ok()?;
    }
    match fault {
        Fault::AddsAnEnd => client.write_all(b"and more").ok(),
        Fault::NeverCloses => loop {
            thread::park();
        },
        _ => Some(()),
    }
}

fn lines(mut client: TcpStream, fault: Fault) -> Option<()> {
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    loop {
        let count = client.read(&mut buffer).ok()?;
        if count == 0 {
            let rest = if fault == Fault::ForgetsTheEnd {
                &[]
            } else {
                &line[..]
            };
            return client.write_all(rest).ok();
        }
        for &byte in &buffer[..count] {
            if byte != b'\r' {
                line.push(byte);
            }
            if byte == b'\n' {
                client.write_all(&line).ok()?;
                line.clear();
            }
        }
    }
}

fn counts(mut client: TcpStream) -> Option<()> {
    let mut buffer = [0; 1];
    loop {
        let mut header = Vec::new();
        while header.last() != Some(&b'\n') {
            if client.read(&mut buffer).ok()? == 0 {
                return client.write_all(&header).ok();
            }
            header.push(buffer[0]);
        }
        let text = String::from_utf8_lossy(&header);
        let Ok(size) = text.trim_end().parse::<u64>() else {
            return client.write_all(REFUSAL).ok();
        };
        let mut body = Vec::new();
        client
            .try_clone()
            .ok()?
            .take(size)
            .read_to_end(&mut body)
            .ok()?;
        client.write_all(&header).ok()?;
        client.write_all(&body).ok()?;
    }
}

/// Soaks a server with few quick clients until `answers` came, or something failed, then lets them go.
fn soak(service: Service, fault: Fault, answers: u64) -> Engine {
    let must_wait = matches!(fault, Fault::Mutes | Fault::NeverCloses);
    let plan = Plan {
        seed: 3,
        connections: 12,
        pace: Duration::from_millis(5),
        stall: Duration::from_millis(200),
        largest: 20_000,
        deaf: true,
        haste: false,
        // A sip may end within the bytes that tell where a stream goes on.
        sipping: if fault == Fault::None { 20 } else { 0 },
        patience: Duration::from_secs(if must_wait { 5 } else { 60 }),
    };
    let mut engine = Engine::new(plan, vec![(service, serve(service, fault))]).unwrap();
    let limit = Instant::now() + Duration::from_secs(120);
    while engine.tally.answered < answers && engine.failures.count() == 0 {
        assert!(Instant::now() < limit, "{:?}", engine.tally);
        engine.turn(Duration::from_millis(50)).unwrap();
    }
    engine.drain();
    while !engine.is_empty() && engine.failures.count() == 0 {
        assert!(Instant::now() < limit, "{:?}", engine.remaining());
        engine.turn(Duration::from_millis(50)).unwrap();
    }
    engine
}

fn check_faithful(service: Service) {
    let engine = soak(service, Fault::None, 1500);
    assert_eq!(engine.failures.texts(), [""; 0]);
    let tally = &engine.tally;
    assert!(
        tally.resets > 0 && tally.half_closes > 0 && tally.abrupt_closes > 0,
        "{tally:?}"
    );
    assert!(
        tally.dribbled_bytes > 0 && tally.pauses > 0 && tally.deaf > 0,
        "{tally:?}"
    );
    assert!(
        tally.cut_requests > 0 && tally.binary > 0 && tally.replaced > 0,
        "{tally:?}"
    );
    assert_eq!(tally.refusals > 0, service == Service::Count, "{tally:?}");
    assert_eq!(tally.deaf_now, 0);
    assert_eq!(engine.established(), 0);
}

/// Checks that the first failure with `fault` holds one of `texts`.
fn check_noticed(service: Service, fault: Fault, texts: &[&str]) {
    let engine = soak(service, fault, u64::MAX);
    let failure = &engine.failures.texts()[0];
    assert!(texts.iter().any(|text| failure.contains(text)), "{failure}");
}

#[test]
fn faithful_lines_pass() {
    check_faithful(Service::Line);
}

#[test]
fn faithful_echo_passes() {
    check_faithful(Service::Echo);
}

#[test]
fn faithful_counts_pass() {
    check_faithful(Service::Count);
}

#[test]
fn lost_bytes_are_noticed() {
    check_noticed(Service::Echo, Fault::Loses, &[" 20 bytes lost"]);
}

#[test]
fn repeated_bytes_are_noticed() {
    check_noticed(Service::Echo, Fault::Repeats, &["bytes repeated"]);
}

#[test]
fn reordered_bytes_are_noticed() {
    check_noticed(
        Service::Echo,
        Fault::Reorders,
        &[" 32 bytes lost, or yet to come"],
    );
}

#[test]
fn a_changed_byte_is_noticed() {
    check_noticed(
        Service::Echo,
        Fault::Changes,
        &["from nowhere in this stream"],
    );
}

#[test]
fn foreign_bytes_are_noticed() {
    check_noticed(
        Service::Echo,
        Fault::Confuses,
        &["from nowhere in this stream"],
    );
}

#[test]
fn an_early_close_is_noticed() {
    check_noticed(
        Service::Echo,
        Fault::Closes,
        &["closed early", "reset by peer", "Broken pipe"],
    );
}

#[test]
fn a_missing_answer_is_noticed() {
    // A later answer in its place is noticed as a gap, before the patience ends.
    check_noticed(
        Service::Echo,
        Fault::Mutes,
        &["nothing for 5s", "bytes lost"],
    );
}

#[test]
fn a_forgotten_end_is_noticed() {
    check_noticed(Service::Line, Fault::ForgetsTheEnd, &["lost the last "]);
}

#[test]
fn an_added_end_is_noticed() {
    check_noticed(
        Service::Echo,
        Fault::AddsAnEnd,
        &[
            "more than was asked for",
            "not what was sent",
            "answer before",
        ],
    );
}

#[test]
fn a_missing_close_is_noticed() {
    check_noticed(
        Service::Echo,
        Fault::NeverCloses,
        &["(Finishing): nothing for 5s"],
    );
}
