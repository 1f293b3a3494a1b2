//! Name look-ups: at once where the text is a numeric address, and on another thread where the task can wait.

use std::ffi::c_int;
use std::net::SocketAddr;

use cosock_core::error::SocketError;
use cosock_core::netdb::{self, Family, Hints, Ipv4Text, LookupError, SocketKind};
use cosock_core::operation::{Lookup, Operation, Outcome, Then};
use cosock_core::reactor::{Interest, Reactor};
use cosock_core::resolver::{Answer, Query};

use crate::arguments::{self, Called, raise};
use crate::ffi::{Kind, State};
use crate::outcome;
use crate::runtime::{Runtime, Shape};
use crate::wait;

/// What a `dns` function reports of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// `toip`: the first address, and the entry.
    Address,
    /// `tohostname`: the name, and the entry.
    Name,
    /// `getaddrinfo`: the list.
    List,
    /// `getnameinfo`: names, and the service.
    Names,
}

/// A look-up that has no addresses yet.
pub(crate) enum Begun<'a> {
    /// It has failed.
    Failed(LookupError),
    /// [`park`] is to begin it, once nothing can raise any more.
    Wanted(Wanted<'a>),
}

/// A name whose addresses are wanted, and a service.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    host: &'a [u8],
    service: &'a [u8],
    hints: Hints,
}

impl From<Wanted<'_>> for Query {
    fn from(wanted: Wanted<'_>) -> Query {
        Query::Addresses {
            host: wanted.host.to_vec(),
            service: wanted.service.to_vec(),
            hints: wanted.hints,
        }
    }
}

/// Replaces `"*"` by the address that means every interface.
pub(crate) fn any(host: &[u8], family: Family) -> &[u8] {
    match (host, family) {
        (b"*", Family::Inet6) => b"::",
        (b"*", _) => b"0.0.0.0",
        _ => host,
    }
}

/// Resolves on this thread, waiting for as long as it takes.
pub(crate) fn at_once<'a>(
    host: &[u8],
    service: &[u8],
    hints: Hints,
) -> Result<Vec<SocketAddr>, Begun<'a>> {
    netdb::addresses(host, service, hints).map_err(Begun::Failed)
}

/// Resolves a numeric address at once, and a name where waiting disturbs nobody. Makes nothing in Lua, so that its
/// caller may hold a socket.
pub(crate) fn begin<'a>(
    lua: State,
    runtime: &Runtime,
    host: &'a [u8],
    service: &'a [u8],
    hints: Hints,
) -> Result<Vec<SocketAddr>, Begun<'a>> {
    if let Some(answer) = netdb::numeric(host, service, hints) {
        return answer.map_err(Begun::Failed);
    }
    if !can_wait(lua, runtime) {
        return at_once(host, service, hints);
    }
    Err(Begun::Wanted(Wanted {
        host,
        service,
        hints,
    }))
}

/// Has `now` act on the addresses of a host, and pushes what that has come to. Where a task can wait for them, it is
/// parked until they are there, and what `then` makes acts on them.
pub(crate) fn with_addresses(
    lua: State,
    runtime: &Runtime,
    host: &[u8],
    service: &[u8],
    hints: Hints,
    now: impl FnOnce(&[SocketAddr], &mut Reactor) -> Result<(), SocketError>,
    then: impl FnOnce() -> Then,
) -> c_int {
    match begin(lua, runtime, host, service, hints) {
        Ok(addresses) => {
            let result = runtime.enter(lua, |core| now(&addresses, &mut core.reactor));
            drop(addresses);
            outcome::finish(lua, runtime, result)
        }
        Err(Begun::Failed(error)) => outcome::fail(lua, runtime, error.into()),
        Err(Begun::Wanted(wanted)) => park(lua, runtime, wanted, then(), Shape::One, None),
    }
}

/// Whether `lua` is a task's own coroutine, at a place where it can yield.
///
/// 5.1 and 5.2 do not tell that, so it is concluded from the functions on the stack: a C function among them forbids a
/// yield, but for those functions of 5.2 that can go on after one. The stack does not show a metamethod, an
/// iterator or, on 5.2, a callback of such a function; there the yield itself raises.
pub(crate) fn can_wait(lua: State, runtime: &Runtime) -> bool {
    if runtime.task_of(lua).is_none() {
        return false;
    }
    if let Some(yieldable) = lua.is_yieldable() {
        return yieldable;
    }
    let mut level = 1;
    while let Some(is_c) = lua.push_running(level) {
        let allowed = !is_c || (cfg!(feature = "lua52") && goes_on_after_yield(lua));
        lua.pop(1);
        if !allowed {
            return false;
        }
        level += 1;
    }
    true
}

/// Whether the function on top is `pcall`, `xpcall` or `dofile`. Raw, for a program may have its globals
/// looked after by functions that raise; and one by one, because asking by name would make the name.
fn goes_on_after_yield(lua: State) -> bool {
    const NAMES: [&[u8]; 3] = [b"pcall", b"xpcall", b"dofile"];
    let function = lua.top();
    lua.push_globals();
    lua.push_nil();
    let mut found = false;
    while !found && lua.next(function + 1) {
        found = lua.raw_equal(function, -1)
            && lua.kind(-2) == Kind::String
            && lua.to_bytes(-2).is_some_and(|name| NAMES.contains(&name));
        lua.pop(1);
    }
    lua.set_top(function);
    found
}

/// Begins a look-up and parks the task until it is answered, at most for `timeout` seconds; argument 1 is its socket
/// object, if any.
pub(crate) fn park(
    lua: State,
    runtime: &Runtime,
    query: impl Into<Query>,
    then: Then,
    shape: Shape,
    timeout: Option<f64>,
) -> c_int {
    // They are wanted only where a task can wait; looking at the object may have ended it since.
    let Some(task) = runtime.task_of(lua) else {
        drop((query, then));
        lua.push_nil();
        lua.push_str("closed");
        return 2;
    };
    let object = lua.identity(1);
    runtime.enter(lua, |core| {
        let id = core.look_up(query.into());
        let operation = Operation::Lookup(Box::new(Lookup::new(id, then)));
        core.park_operation(task, operation, Interest::Read, timeout, object);
    });
    wait::note(runtime, task, shape);
    wait::yield_anchored(lua, 0)
}

/// Answers a query of a `dns` function, now or when its task is resumed. The query is made late, because asking
/// whether the task can wait may raise.
fn ask(lua: State, runtime: &Runtime, report: Report, make: impl FnOnce() -> Query) -> c_int {
    let shape = Shape::Names(report);
    let can_wait = can_wait(lua, runtime);
    let query = make();
    if let Some(answer) = query.answer_inline() {
        drop(query);
        return outcome::push(lua, runtime, Outcome::Answer(Box::new(answer)), shape, 0, 0);
    }
    if !can_wait {
        let answer = query.answer_now();
        drop(query);
        return outcome::push(lua, runtime, Outcome::Answer(Box::new(answer)), shape, 0, 0);
    }
    lua.set_top(0);
    lua.push_nil();
    park(lua, runtime, query, Then::Report, shape, None)
}

/// `dns.toip(host)`.
pub(crate) fn toip(lua: State, runtime: &Runtime) -> c_int {
    let host = arguments::bytes(lua, Called::direct(lua, "toip"), 1);
    ask(lua, runtime, Report::Address, || Query::HostEntry {
        host: host.to_vec(),
    })
}

/// `dns.tohostname(address)`.
pub(crate) fn tohostname(lua: State, runtime: &Runtime) -> c_int {
    let host = arguments::bytes(lua, Called::direct(lua, "tohostname"), 1);
    ask(lua, runtime, Report::Name, || Query::HostEntry {
        host: host.to_vec(),
    })
}

/// `dns.getaddrinfo(host)`.
pub(crate) fn getaddrinfo(lua: State, runtime: &Runtime) -> c_int {
    let host = arguments::bytes(lua, Called::direct(lua, "getaddrinfo"), 1);
    ask(lua, runtime, Report::List, || Query::Addresses {
        host: host.to_vec(),
        service: Vec::new(),
        hints: Hints::new(SocketKind::Tcp),
    })
}

/// `dns.getnameinfo(host [, service])`.
pub(crate) fn getnameinfo(lua: State, runtime: &Runtime) -> c_int {
    let called = Called::direct(lua, "getnameinfo");
    lua.set_top(2);
    for argument in 1..=2 {
        if !lua.is_nil(argument) {
            arguments::bytes(lua, called, argument);
        }
    }
    if lua.is_nil(1) && lua.is_nil(2) {
        raise(
            lua,
            called.level,
            format_args!("host and serv cannot be both nil"),
        );
    }
    let (host, service) = (lua.to_bytes(1), lua.to_bytes(2));
    ask(lua, runtime, Report::Names, || Query::NameInfo {
        host: host.map(<[u8]>::to_vec),
        service: service.map(<[u8]>::to_vec),
    })
}

/// `dns.gethostname()`.
pub(crate) fn gethostname(lua: State, runtime: &Runtime) -> c_int {
    match netdb::host_name() {
        Ok(name) => {
            runtime.pins.push_text(lua, name);
            1
        }
        Err(error) => outcome::fail(lua, runtime, error.into()),
    }
}

/// Pushes the answer that waits in the runtime, and returns how many values that is.
///
/// The answer is read piece by piece and stays in the runtime: pushing may raise.
pub(crate) fn push_answer(lua: State, runtime: &Runtime, shape: Shape) -> c_int {
    let Shape::Names(report) = shape else {
        return 0;
    };
    let failure = read(runtime, |answer| match answer {
        Answer::Addresses(Err(error))
        | Answer::HostEntry(Err(error))
        | Answer::NameInfo(Err(error)) => Some(error.to_string()),
        _ => None,
    });
    if let Some(text) = failure.flatten() {
        runtime.outcomes.borrow_mut().pop();
        lua.push_nil();
        runtime.pins.push_text(lua, text);
        return 2;
    }
    let count = match report {
        Report::List => push_list(lua, runtime),
        Report::Names => push_names(lua, runtime),
        Report::Address | Report::Name => push_entry(lua, runtime, report),
    };
    runtime.outcomes.borrow_mut().pop();
    count
}

/// Reads from the waiting answer.
fn read<T>(runtime: &Runtime, look: impl FnOnce(&Answer) -> T) -> Option<T> {
    match runtime.outcomes.borrow().last() {
        Some(Outcome::Answer(answer)) => Some(look(answer.as_ref())),
        _ => None,
    }
}

fn push_list(lua: State, runtime: &Runtime) -> c_int {
    lua.new_table(2, 0);
    let nth = |place: usize| {
        read(runtime, |answer| match answer {
            Answer::Addresses(Ok(list)) => list.get(place).copied(),
            _ => None,
        })
        .flatten()
    };
    let mut place = 0;
    while let Some(address) = nth(place) {
        lua.new_table(0, 2);
        lua.push_str(Family::of(&address).word());
        lua.raw_set_field(-2, c"family");
        crate::addresses::push_address(lua, address);
        lua.raw_set_field(-2, c"addr");
        place += 1;
        lua.raw_set_at(-2, place);
    }
    1
}

/// Pushes a list of texts, read one by one.
fn push_texts(lua: State, runtime: &Runtime, nth: impl Fn(&Answer, usize) -> Option<Vec<u8>>) {
    lua.new_table(1, 0);
    let mut place = 0;
    while let Some(text) = read(runtime, |answer| nth(answer, place)).flatten() {
        runtime.pins.push_optional(lua, Some(text));
        place += 1;
        lua.raw_set_at(-2, place);
    }
}

fn push_names(lua: State, runtime: &Runtime) -> c_int {
    push_texts(lua, runtime, |answer, place| match answer {
        Answer::NameInfo(Ok(info)) => info.names.get(place).map(|name| name.clone().into_bytes()),
        _ => None,
    });
    let service = read(runtime, |answer| match answer {
        Answer::NameInfo(Ok(info)) => info.service.clone(),
        _ => None,
    });
    match service.flatten() {
        Some(service) => {
            runtime.pins.push_text(lua, service);
            2
        }
        None => 1,
    }
}

fn push_entry(lua: State, runtime: &Runtime, report: Report) -> c_int {
    let name = |answer: &Answer| match answer {
        Answer::HostEntry(Ok(entry)) => Some(entry.name.clone()),
        _ => None,
    };
    let nth_ip = |answer: &Answer, place: usize| match answer {
        Answer::HostEntry(Ok(entry)) => {
            (entry.ips.get(place)).map(|ip| Ipv4Text::new(*ip).as_bytes().to_vec())
        }
        _ => None,
    };
    let first = read(runtime, |answer| match report {
        Report::Address => nth_ip(answer, 0),
        _ => name(answer),
    });
    runtime.pins.push_optional(lua, first.flatten());
    lua.new_table(0, 3);
    runtime
        .pins
        .push_optional(lua, read(runtime, name).flatten());
    lua.raw_set_field(-2, c"name");
    push_texts(lua, runtime, |answer, place| match answer {
        Answer::HostEntry(Ok(entry)) => entry.aliases.get(place).cloned(),
        _ => None,
    });
    lua.raw_set_field(-2, c"alias");
    push_texts(lua, runtime, nth_ip);
    lua.raw_set_field(-2, c"ip");
    2
}
