//! Every workload, in the order of the report.

use conformance::Lua;

use super::{Beyond, Load, Plot, Wanted, Workload};

const fn served(
    name: &'static str,
    title: &'static str,
    operation: &'static str,
    program: &'static str,
    load: Load,
) -> Workload {
    Workload {
        name,
        title,
        operation,
        program,
        arguments: &[],
        certificate: None,
        load,
        plot: None,
        wanted: Wanted {
            rock: None,
            peers: None,
            limit: None,
            cost: None,
        },
        beyond: &[],
    }
}

const fn echo(name: &'static str, title: &'static str, active: usize, idle: usize) -> Workload {
    let depth = 1;
    let load = Load::Echo {
        active,
        idle,
        depth,
    };
    served(name, title, "request", "echo", load)
}

const fn inside(
    name: &'static str,
    title: &'static str,
    operation: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Workload {
    served(name, title, operation, program, Load::Inside).with(arguments)
}

const fn visits(
    name: &'static str,
    title: &'static str,
    certificate: &'static str,
    resumed: bool,
) -> Workload {
    let load = Load::Visits { resumed };
    served(name, title, "connection", "tls-accept", load).under(certificate)
}

impl Workload {
    const fn at(self, plot: Plot, place: usize) -> Workload {
        Workload {
            plot: Some((plot, place)),
            ..self
        }
    }

    const fn with(self, arguments: &'static [&'static str]) -> Workload {
        Workload { arguments, ..self }
    }

    const fn under(self, certificate: &'static str) -> Workload {
        Workload {
            certificate: Some(certificate),
            ..self
        }
    }

    const fn depth(self, depth: usize) -> Workload {
        let load = match self.load {
            Load::Echo { active, idle, .. } => Load::Echo {
                active,
                idle,
                depth,
            },
            load => load,
        };
        Workload { load, ..self }
    }

    const fn of(self, program: &'static str) -> Workload {
        Workload { program, ..self }
    }

    const fn rock(mut self, times: f64) -> Workload {
        self.wanted.rock = Some(times);
        self
    }

    const fn peers(mut self, times: f64) -> Workload {
        self.wanted.peers = Some(times);
        self
    }

    const fn limit(mut self, part: f64) -> Workload {
        self.wanted.limit = Some(part);
        self
    }

    const fn cost(mut self, most: f64) -> Workload {
        self.wanted.cost = Some(most);
        self
    }

    const fn beyond(self, beyond: &'static [Beyond]) -> Workload {
        Workload { beyond, ..self }
    }
}

const fn fails(subject: &'static str, luas: &'static [Lua], reason: &'static str) -> Beyond {
    Beyond {
        subject,
        luas,
        reason,
    }
}

const DESCRIPTORS: &str = "select takes no descriptor above 1,023";
const TOO_MANY: &[Beyond] = &[
    fails("rock", &[], DESCRIPTORS),
    fails("copas", &[], DESCRIPTORS),
];
const LOST: &[Beyond] = &[fails(
    "rock",
    &[],
    "what arrives is not what was to be sent",
)];
const TOO_SLOW: &[Beyond] = &[fails("rock", &[], "not done in time")];
const SEARCHERS: &[Beyond] = &[fails(
    "rock",
    &[Lua::Lua51, Lua::LuaJit],
    "its asyncify needs package.searchers",
)];

#[rustfmt::skip]
pub(crate) const ALL: &[Workload] = &[
    echo("echo-1", "echo, 1 connection", 1, 0).at(Plot::Connections, 1),
    echo("echo-10", "echo, 10 connections", 10, 0).at(Plot::Connections, 10)
        .rock(3.3).peers(1.3).limit(0.88),
    echo("echo-100", "echo, 100 connections", 100, 0).at(Plot::Connections, 100)
        .rock(3.3).peers(1.3).limit(0.88),
    echo("echo-900", "echo, 900 connections", 900, 0).at(Plot::Connections, 900)
        .rock(5.0).peers(1.4).limit(0.88),
    echo("echo-5000", "echo, 5,000 connections", 5_000, 0).at(Plot::Connections, 5_000)
        .beyond(TOO_MANY),
    echo("echo-10000", "echo, 10,000 connections", 10_000, 0).at(Plot::Connections, 10_000)
        .peers(1.2).limit(0.88).beyond(TOO_MANY),
    echo("idle-0", "10 active, none idle", 10, 0).at(Plot::IdleSockets, 0),
    echo("idle-900", "10 active, 900 idle", 10, 900).at(Plot::IdleSockets, 900)
        .rock(25.0).peers(1.25).limit(0.90),
    echo("idle-10000", "10 active, 10,000 idle", 10, 10_000).at(Plot::IdleSockets, 10_000)
        .peers(1.25).limit(0.88).beyond(TOO_MANY),
    echo("timeout-100", "echo, 100 connections with a timeout of 30 s", 100, 0).with(&["30"])
        .rock(40.0).peers(1.2),
    echo("pipelined", "echo, 10 connections, 16 requests at a time", 10, 0).depth(16),
    echo("select-100", "select over 100 sockets, all active", 100, 0).of("select"),
    echo("select-1000", "select over 1,000 sockets, all active", 1_000, 0).of("select"),
    served("lines-64", "lines of 64 bytes", "line", "lines", Load::Lines(64))
        .rock(20.0).peers(2.3).cost(100.0),
    served("lines-1024", "lines of 1 KiB", "line", "lines", Load::Lines(1024)),
    served("receive-16", "receive(16)", "record", "records", Load::Records(16)).with(&["16"])
        .rock(24.0).peers(2.6).cost(75.0),
    served("receive-65536", "receive(65536)", "record", "records", Load::Records(65536)).with(&["65536"])
        .rock(4.5).peers(1.15).limit(0.65),
    served("all", "receive(\"*a\")", "MiB", "all", Load::All).rock(2.5).peers(1.1),
    served("bulk", "bulk send", "MiB", "bulk", Load::Bulk).peers(1.0).limit(0.95).beyond(LOST),
    served("accept", "accept, one line, close", "connection", "accept", Load::Visits { resumed: false })
        .rock(1.6).peers(1.15).limit(0.92),
    served("connect", "connect, one line, close", "connection", "connect", Load::LineServer)
        .rock(2.0).peers(1.15).limit(0.92),
    served("udp-1", "UDP echo, 1 outstanding", "datagram", "udp", Load::Datagrams(1)),
    served("udp-32", "UDP echo, 32 outstanding", "datagram", "udp", Load::Datagrams(32))
        .rock(1.5).peers(1.35).limit(0.86),
    served("udp-connected", "UDP echo on a connected socket, 32 outstanding", "datagram", "udp-connected", Load::Datagrams(32))
        .rock(1.5).peers(1.35).limit(0.86),
    inside("channel-pingpong", "channel, there and back", "round trip", "pingpong", &[])
        .rock(55.0).peers(6.0),
    inside("channel-stream", "channel between two tasks, 100 at a time", "message", "stream", &[]),
    inside("channel-burst", "channel, 10,000 deep", "message", "burst", &["10000"])
        .rock(600.0).peers(1.1),
    inside("channel-fan-in", "channel, fan-in from 1,000 tasks", "message", "fan-in", &["1000"])
        .rock(58.0).peers(1.8),
    inside("spawn", "spawn and finish", "task", "spawn", &[]).rock(4.5).peers(1.0),
    inside("sleep-1", "sleep(0), 1 task", "sleep", "sleep", &["1", "0"]).at(Plot::IdleTasks, 0)
        .rock(75.0).peers(6.0),
    inside("sleep-1000", "sleep(0), 1,000 tasks", "sleep", "sleep", &["1000", "0"]),
    inside("parked-2000", "sleep(0), 1 task beside 2,000 parked", "sleep", "sleep", &["1", "2000"])
        .at(Plot::IdleTasks, 2_000),
    inside("parked-20000", "sleep(0), 1 task beside 20,000 parked", "sleep", "sleep", &["1", "20000"])
        .at(Plot::IdleTasks, 20_000).rock(100_000.0).peers(5.0),
    inside("timers-1000", "1,000 sleeping timers", "timer", "timers", &["1000"])
        .at(Plot::Timers, 1_000),
    inside("timers-10000", "10,000 sleeping timers", "timer", "timers", &["10000"])
        .at(Plot::Timers, 10_000).rock(23.0).peers(1.3).cost(3e3),
    inside("timers-100000", "100,000 sleeping timers", "timer", "timers", &["100000"])
        .at(Plot::Timers, 100_000).peers(1.6).cost(3e3).beyond(TOO_SLOW),
    visits("tls-rsa", "TLS handshake, RSA 2048", "server", false).limit(0.90),
    visits("tls-ecdsa", "TLS handshake, ECDSA P-256", "server-ec", false).limit(0.90),
    visits("tls-table-rsa", "TLS handshake, RSA 2048, `wrap` with a table", "server", false)
        .of("tls-table").rock(2.5),
    visits("tls-table-ecdsa", "TLS handshake, ECDSA P-256, `wrap` with a table", "server-ec", false)
        .of("tls-table").rock(2.8),
    visits("tls-resumed", "TLS handshake, resumed", "server-ec", true),
    echo("tls-echo", "TLS echo, 100 connections", 100, 0).of("tls-echo").under("server-ec"),
    served("tls-send", "TLS bulk send", "MiB", "tls-send", Load::Bulk).under("server-ec")
        .rock(1.3).limit(0.90),
    served("tls-receive", "TLS receive(65536)", "record", "tls-receive", Load::Records(65536))
        .under("server-ec").with(&["65536"]).rock(1.3).limit(0.90),
    served("http-server", "HTTP server, 100 connections", "request", "http-server", Load::Pages(100)),
    served("http-client", "HTTP client, one connection a request", "request", "http-client", Load::PageServer)
        .beyond(SEARCHERS),
    served("memory-task", "memory of a parked task", "task", "tasks", Load::Tasks(20_000)).with(&["20000"])
        .rock(1.6).peers(1.25).cost(1.7e3),
    served("memory-connection", "memory of an idle connection", "connection", "echo", Load::Connections(900))
        .rock(8.0).peers(1.25).cost(3.2e3),
    served("calls", "system calls, echo with 100 connections", "request", "echo", Load::Calls(100)).cost(2.1),
    served("late-yields", "worst delay of a timer of 10 ms beside a task that yields", "timer", "late-yields", Load::Late)
        .cost(5e6),
    served("late-lines", "worst delay of a timer of 10 ms beside a busy socket", "timer", "late-lines", Load::LateUnderLines)
        .cost(5e6),
    served("require", "require and exit, over the bare interpreter", "start", "require", Load::Start)
        .rock(6.0).cost(0.6e6),
];
