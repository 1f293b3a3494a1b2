//! The workloads: which program, with which arguments, under which load.

/// What is measured.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    /// The file in each peer's folder, without its ending.
    pub(crate) program: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) load: Load,
    /// The plot that it is a point of, and where on its axis.
    pub(crate) plot: Option<(Plot, usize)>,
}

/// What the harness does while the program runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// `active` connections ask with lines of 64 bytes, `depth` at a time; `idle` others are open.
    Echo {
        active: usize,
        idle: usize,
        depth: usize,
    },
    /// One connection sends lines of this many bytes with their newline.
    Lines(usize),
    /// One connection sends records of this many bytes.
    Records(usize),
    /// One connection sends everything and closes its half.
    All,
    /// One connection asks for blocks of 1 MiB.
    Bulk,
    /// Four clients connect, ask once, and read to the end.
    Accept,
    /// A server for the program's connections.
    Connect,
    /// So many datagrams are on their way at once.
    Datagrams(usize),
    /// None: the program counts its operations and its processor time.
    Inside,
    /// None: the memory that this many tasks add.
    Tasks(usize),
    /// The memory that this many connections add, each of which asked once.
    Connections(usize),
    /// None: a program that ends at once, less one that does nothing.
    Start,
}

/// A plot, whose horizontal axis is what the cost must not depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    Connections,
    IdleSockets,
    IdleTasks,
    Timers,
}

impl Plot {
    pub(crate) const ALL: [Plot; 4] = [
        Plot::Connections,
        Plot::IdleSockets,
        Plot::IdleTasks,
        Plot::Timers,
    ];

    /// The name of its file, and what its axes show.
    pub(crate) fn labels(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Plot::Connections => ("connections", "connections", "CPU per request"),
            Plot::IdleSockets => (
                "idle-sockets",
                "idle connections beside 10 busy ones",
                "CPU per request",
            ),
            Plot::IdleTasks => ("idle-tasks", "parked tasks", "CPU per sleep(0)"),
            Plot::Timers => ("timers", "sleeping timers", "CPU per timer"),
        }
    }
}

const fn echo(name: &'static str, title: &'static str, active: usize, idle: usize) -> Workload {
    Workload {
        name,
        title,
        operation: "request",
        program: "echo",
        arguments: &[],
        load: Load::Echo {
            active,
            idle,
            depth: 1,
        },
        plot: None,
    }
}

const fn inside(
    name: &'static str,
    title: &'static str,
    operation: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Workload {
    Workload {
        name,
        title,
        operation,
        program,
        arguments,
        load: Load::Inside,
        plot: None,
    }
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

    const fn under(self, program: &'static str, operation: &'static str, load: Load) -> Workload {
        Workload {
            program,
            operation,
            load,
            ..self
        }
    }

    /// Whether the figure is memory; else it is processor time.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.load, Load::Tasks(_) | Load::Connections(_))
    }
}

/// Every workload, in the order of the report.
#[rustfmt::skip]
pub(crate) const ALL: &[Workload] = &[
    echo("echo-1", "echo, 1 connection", 1, 0).at(Plot::Connections, 1),
    echo("echo-10", "echo, 10 connections", 10, 0).at(Plot::Connections, 10),
    echo("echo-100", "echo, 100 connections", 100, 0).at(Plot::Connections, 100),
    echo("echo-900", "echo, 900 connections", 900, 0).at(Plot::Connections, 900),
    echo("echo-5000", "echo, 5,000 connections", 5_000, 0).at(Plot::Connections, 5_000),
    echo("echo-9900", "echo, 9,900 connections", 9_900, 0).at(Plot::Connections, 9_900),
    echo("idle-0", "10 active, none idle", 10, 0).at(Plot::IdleSockets, 0),
    echo("idle-900", "10 active, 900 idle", 10, 900).at(Plot::IdleSockets, 900),
    echo("idle-9900", "10 active, 9,900 idle", 10, 9_900).at(Plot::IdleSockets, 9_900),
    echo("timeout-100", "echo, 100 connections with a timeout of 30 s", 100, 0).with(&["30"]),
    echo("pipelined", "echo, 10 connections, 16 requests at a time", 10, 0)
        .under("echo", "request", Load::Echo { active: 10, idle: 0, depth: 16 }),
    echo("select-100", "select over 100 sockets, all active", 100, 0)
        .under("select", "request", Load::Echo { active: 100, idle: 0, depth: 1 }),
    echo("select-900", "select over 900 sockets, all active", 900, 0)
        .under("select", "request", Load::Echo { active: 900, idle: 0, depth: 1 }),
    echo("lines-64", "lines of 64 bytes", 0, 0).under("lines", "line", Load::Lines(64)),
    echo("lines-1024", "lines of 1 KiB", 0, 0).under("lines", "line", Load::Lines(1024)),
    echo("receive-16", "receive(16)", 0, 0).with(&["16"])
        .under("records", "record", Load::Records(16)),
    echo("receive-65536", "receive(65536)", 0, 0).with(&["65536"])
        .under("records", "record", Load::Records(65536)),
    echo("all", "receive(\"*a\")", 0, 0).under("all", "MiB", Load::All),
    echo("bulk", "bulk send", 0, 0).under("bulk", "MiB", Load::Bulk),
    echo("accept", "accept, one line, close", 0, 0)
        .under("accept", "connection", Load::Accept),
    echo("connect", "connect, one line, close", 0, 0)
        .under("connect", "connection", Load::Connect),
    echo("udp-1", "UDP echo, 1 outstanding", 0, 0)
        .under("udp", "datagram", Load::Datagrams(1)),
    echo("udp-32", "UDP echo, 32 outstanding", 0, 0)
        .under("udp", "datagram", Load::Datagrams(32)),
    inside("channel-pingpong", "channel, there and back", "round trip", "pingpong", &[]),
    inside("channel-stream", "channel between two tasks, 100 at a time", "message", "stream", &[]),
    inside("channel-burst", "channel, 10,000 deep", "message", "burst", &["10000"]),
    inside("channel-fan-in", "channel, fan-in from 1,000 tasks", "message", "fan-in", &["1000"]),
    inside("spawn", "spawn and finish", "task", "spawn", &[]),
    inside("sleep-1", "sleep(0), 1 task", "sleep", "sleep", &["1", "0"]).at(Plot::IdleTasks, 0),
    inside("sleep-1000", "sleep(0), 1,000 tasks", "sleep", "sleep", &["1000", "0"]),
    inside("parked-2000", "sleep(0), 1 task beside 2,000 parked", "sleep", "sleep", &["1", "2000"])
        .at(Plot::IdleTasks, 2_000),
    inside("parked-20000", "sleep(0), 1 task beside 20,000 parked", "sleep", "sleep", &["1", "20000"])
        .at(Plot::IdleTasks, 20_000),
    inside("timers-1000", "1,000 sleeping timers", "timer", "timers", &["1000"])
        .at(Plot::Timers, 1_000),
    inside("timers-10000", "10,000 sleeping timers", "timer", "timers", &["10000"])
        .at(Plot::Timers, 10_000),
    inside("timers-100000", "100,000 sleeping timers", "timer", "timers", &["100000"])
        .at(Plot::Timers, 100_000),
    echo("memory-task", "memory of a parked task", 0, 0).with(&["20000"])
        .under("tasks", "task", Load::Tasks(20_000)),
    echo("memory-connection", "memory of an idle connection", 0, 0)
        .under("echo", "connection", Load::Connections(900)),
    echo("require", "require and exit, over the bare interpreter", 0, 0)
        .under("require", "start", Load::Start),
];
