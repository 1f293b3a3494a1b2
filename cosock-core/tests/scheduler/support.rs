//! Turns of a scheduler, one by one, and sockets for its operations.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpStream, UdpSocket as StdUdp};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cosock_core::operation::Operation;
use cosock_core::reactor::Interest;
use cosock_core::scheduler::{Scheduler, Start, TaskKey, Turn};
use cosock_core::select::{Element, Select};
use cosock_core::socket::{Step, Tcp, TcpSocket, Udp, UdpSocket};
use cosock_core::timer::TimerId;

/// Longer than any wait that ends by itself: only a hang reaches it.
pub(crate) const FOREVER: f64 = 1000.0;

/// A scheduler, with the turn that is to come.
pub(crate) struct Driver {
    pub(crate) core: Scheduler,
    next: Option<Turn>,
}

impl Driver {
    pub(crate) fn new() -> Driver {
        let core = Scheduler::new().expect("a reactor can be opened");
        Driver { core, next: None }
    }

    /// Starts every task of the next turn, and says for what; they are then running.
    pub(crate) fn start_turn(&mut self) -> Vec<(TaskKey, Start)> {
        let turn = self.next.take().unwrap_or_else(|| self.core.begin());
        (0..turn.ready).filter_map(|_| self.start_next()).collect()
    }

    /// Starts the next task of the turn.
    pub(crate) fn start_next(&mut self) -> Option<(TaskKey, Start)> {
        let started = self.core.start_next()?;
        Some((started.key, started.start))
    }

    /// Ends the turn, waiting for something to happen.
    pub(crate) fn end_turn(&mut self) -> Turn {
        let turn = self.core.end_turn().expect("the poll works");
        self.next = (!turn.finished && !turn.deadlocked).then_some(turn);
        turn
    }

    /// Turns until some task starts.
    pub(crate) fn next_started(&mut self) -> Vec<(TaskKey, Start)> {
        loop {
            let turn = self.end_turn();
            assert!(!turn.finished && !turn.deadlocked, "{turn:?}");
            let started = self.start_turn();
            if !started.is_empty() {
                return started;
            }
        }
    }

    /// A task that has been started.
    pub(crate) fn running(&mut self) -> TaskKey {
        let key = self.core.spawn();
        let started = self.start_turn();
        assert_eq!(started, [(key, Start::First)]);
        key
    }

    /// Parks a running task on a datagram.
    pub(crate) fn park_on_datagram(&mut self, key: TaskKey, socket: &Udp, timeout: Option<f64>) {
        let object = Rc::as_ptr(socket) as usize;
        let socket = Rc::clone(socket);
        let operation = Operation::Datagram { socket, size: 100 };
        self.core
            .park_operation(key, operation, Interest::Read, timeout, object);
    }

    /// Parks a running task on a select of these elements.
    pub(crate) fn park_on(
        &mut self,
        key: TaskKey,
        elements: Vec<Element>,
        timeout: Option<f64>,
    ) -> u64 {
        let mut select = Box::<Select>::default();
        select.elements = elements;
        let serial = self.core.park_select(key, select, timeout);
        self.core
            .watch_elements(key, serial, 0..usize::MAX)
            .expect("nothing is waited on twice");
        serial
    }

    /// The elements that woke a task that runs again from its select.
    pub(crate) fn woken(&mut self, key: TaskKey) -> Vec<u32> {
        self.core
            .take_select(key)
            .expect("it comes from a select")
            .take_woken()
    }

    /// Asserts that no waiter, deadline or look-up is left.
    #[track_caller]
    pub(crate) fn assert_nothing_waits(&self) {
        assert_eq!(self.core.reactor.waiters(), 0, "waiters");
        assert_eq!(self.core.deadlines(), 0, "deadlines");
        assert_eq!(self.core.resolver.pending(), 0, "look-ups");
    }

    /// A timer for this callback.
    pub(crate) fn callback(&mut self, callback: u64, timeout: f64) -> TimerId {
        let timer = self.core.set_callback(callback, timeout);
        timer.expect("there is memory")
    }

    /// Asserts that no task can start before something new happens.
    #[track_caller]
    pub(crate) fn assert_all_asleep(&mut self) {
        let callback = self.callback(u64::MAX, 0.01);
        loop {
            let turn = self.end_turn();
            assert_eq!(self.start_turn(), [], "nobody was to be woken");
            if turn.callbacks {
                break;
            }
        }
        assert_eq!(self.core.take_callback(), Some(u64::MAX));
        self.core.remove_callback(callback);
        self.next = None;
    }
}

/// A bound UDP socket of ours, and one of the system's that sends to it.
pub(crate) fn datagrams(driver: &mut Driver) -> (Udp, StdUdp) {
    let socket = Rc::new(RefCell::new(UdpSocket::new()));
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket
        .borrow_mut()
        .bind(&[any], &mut driver.core.reactor)
        .expect("loopback has free ports");
    let sender = StdUdp::bind(any).expect("loopback has free ports");
    let address = socket.borrow().local_address().expect("it is bound");
    sender.connect(address).expect("loopback connects");
    (socket, sender)
}

/// A stream socket of ours that was accepted, and its peer.
pub(crate) fn stream(driver: &mut Driver) -> (Tcp, TcpStream) {
    let mut listener = TcpSocket::new();
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let reactor = &mut driver.core.reactor;
    listener
        .bind(&[any], false, reactor)
        .expect("loopback has free ports");
    listener.listen(1).expect("it is bound");
    let address = listener.local_address().expect("it is bound");
    let peer = TcpStream::connect(address).expect("it listens");
    let accepted = match listener.accept(reactor) {
        Step::Done(accepted) => accepted.expect("somebody has connected"),
        Step::Wait { .. } => panic!("somebody has connected"),
    };
    listener.close(reactor);
    (Rc::new(RefCell::new(accepted)), peer)
}

/// A pair of connected stream descriptors.
pub(crate) fn streams() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair")
}

/// An element that watches a descriptor, as object `object`.
pub(crate) fn element(interest: Interest, fd: &impl AsRawFd, object: usize) -> Element {
    let mut element = Element::new(interest, object);
    element.fd = fd.as_raw_fd();
    element
}

/// An element that is told through its own methods.
pub(crate) fn foreign(interest: Interest, object: usize) -> Element {
    let mut element = Element::new(interest, object);
    element.foreign = true;
    element
}

/// Runs `work` and asserts that it took at least this long, and not suspiciously longer.
#[track_caller]
pub(crate) fn assert_takes<T>(at_least: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took >= at_least, "took only {took:?}");
    assert!(
        took < at_least + Duration::from_secs(60),
        "took long: {took:?}"
    );
    result
}
