//! The workloads: which program, with which arguments, under which load.

mod list;

use conformance::Lua;

pub(crate) use list::ALL;

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
    /// If connections are under TLS, the server's certificate; its files are the last arguments.
    pub(crate) certificate: Option<&'static str>,
    pub(crate) load: Load,
    /// The plot that it is a point of, and where on its axis.
    pub(crate) plot: Option<(Plot, usize)>,
    pub(crate) wanted: Wanted,
    pub(crate) beyond: &'static [Beyond],
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
    /// So many connections ask for pages.
    Pages(usize),
    /// One connection sends lines of this many bytes with their newline.
    Lines(usize),
    /// One connection sends records of this many bytes.
    Records(usize),
    /// One connection sends everything and closes its half.
    All,
    /// One connection asks for blocks of 1 MiB.
    Bulk,
    /// Four clients connect, ask once, and read to the end; under TLS, each with its last session if
    /// that is to be `resumed`.
    Visits { resumed: bool },
    /// A server of lines for the program's connections.
    LineServer,
    /// A server of pages for the program's requests.
    PageServer,
    /// So many datagrams are on their way at once.
    Datagrams(usize),
    /// None: the program counts its operations and its processor time.
    Inside,
    /// None: the memory that this many tasks add.
    Tasks(usize),
    /// The memory that this many connections add, each of which asked once.
    Connections(usize),
    /// So many connections ask with lines; the system calls that answer them.
    Calls(usize),
    /// None: the program tells how late its timer of 10 ms was at worst.
    Late,
    /// The same, while one connection sends lines without end.
    LateUnderLines,
    /// None: a program that ends at once, less one that does nothing.
    Start,
}

/// What a cost is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds of processor time.
    Processor,
    /// Bytes of memory.
    Memory,
    /// System calls.
    Calls,
    /// Nanoseconds of delay.
    Delay,
}

/// What ours must reach on Lua 5.4; nothing where it is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// How many times ours the rock needs, at least.
    pub(crate) rock: Option<f64>,
    /// How many times ours the best of the other peers needs.
    pub(crate) peers: Option<f64>,
    /// The part of ours that a server without Lua needs.
    pub(crate) limit: Option<f64>,
    /// What an operation costs at most, in the workload's unit.
    pub(crate) cost: Option<f64>,
}

/// Who cannot do it, and why: short runs leave that out, others try it once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beyond {
    pub(crate) subject: &'static str,
    /// On all of them if there are none.
    pub(crate) luas: &'static [Lua],
    pub(crate) reason: &'static str,
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

impl Unit {
    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Processor => "ns of CPU",
            Unit::Memory => "bytes",
            Unit::Calls => "system calls",
            Unit::Delay => "ns of delay",
        }
    }

    /// A figure with three digits and its unit.
    pub(crate) fn show(self, value: f64) -> String {
        let units = match self {
            Unit::Processor | Unit::Delay => [("ns", 1.0), ("us", 1e3), ("ms", 1e6)],
            Unit::Memory => [("B", 1.0), ("KB", 1e3), ("MB", 1e6)],
            Unit::Calls => return format!("{value:.2}"),
        };
        let fits = units.iter().rev().find(|(_, size)| value >= *size);
        let (unit, size) = fits.unwrap_or(&units[0]);
        let value = value / size;
        let digits = match value {
            value if value < 10.0 => 2,
            value if value < 100.0 => 1,
            _ => 0,
        };
        format!("{value:.digits$} {unit}")
    }
}

impl Workload {
    pub(crate) fn unit(&self) -> Unit {
        match self.load {
            Load::Tasks(_) | Load::Connections(_) => Unit::Memory,
            Load::Calls(_) => Unit::Calls,
            Load::Late | Load::LateUnderLines => Unit::Delay,
            _ => Unit::Processor,
        }
    }

    /// Whether its program is told for how many seconds to run.
    pub(crate) fn takes_time(&self) -> bool {
        matches!(
            self.load,
            Load::Inside | Load::LineServer | Load::PageServer | Load::Late | Load::LateUnderLines
        )
    }

    /// Why `subject` cannot do it on `lua`, where that is known.
    pub(crate) fn is_beyond(&self, subject: &str, lua: Lua) -> Option<&'static str> {
        let mut beyond = self.beyond.iter();
        let known = beyond.find(|one| {
            one.subject == subject && (one.luas.is_empty() || one.luas.contains(&lua))
        })?;
        Some(known.reason)
    }
}
