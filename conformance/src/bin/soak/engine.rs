//! The event loop of the clients: keeps as many connections open as planned and tells them when to act.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::context::{Context, Flow};
use crate::dial::Dialer;
use crate::peer::Peer;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::server::Target;
use crate::tally::{Failures, Tally};

/// Connections that may be on their way at once: below any sensible backlog.
const MOST_CONNECTING: usize = 200;
const SCRATCH: usize = 64 * 1024;
/// How often each connection is asked whether its server is late.
const LATE_CHECK: Duration = Duration::from_secs(1);

/// All clients of a run.
pub(crate) struct Engine {
    plan: Plan,
    targets: Vec<Target>,
    poll: Poll,
    events: Events,
    dialer: Dialer,
    slots: Vec<Option<Peer>>,
    vacant: Vec<usize>,
    connecting: usize,
    /// Connections begun so far; the count names the next one.
    begun: u64,
    /// Instant, slot and name of the peer that asked; outdated entries are skipped.
    alarms: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    names: Vec<u64>,
    scratch: Vec<u8>,
    late_check: Instant,
    draining: bool,
    pub(crate) tally: Tally,
    pub(crate) failures: Failures,
}

impl Engine {
    /// Clients for `targets`, none of them connected yet.
    ///
    /// # Errors
    ///
    /// What creating the system's event queue reports.
    pub(crate) fn new(plan: Plan, targets: Vec<Target>) -> io::Result<Engine> {
        let connections = plan.connections;
        Ok(Engine {
            plan,
            targets,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            dialer: Dialer::default(),
            slots: (0..connections).map(|_| None).collect(),
            vacant: (0..connections).rev().collect(),
            connecting: 0,
            begun: 0,
            alarms: BinaryHeap::new(),
            names: vec![0; connections],
            scratch: vec![0; SCRATCH],
            late_check: Instant::now() + LATE_CHECK,
            draining: false,
            tally: Tally::default(),
            failures: Failures::default(),
        })
    }

    /// Connections that are established now.
    pub(crate) fn established(&self) -> usize {
        self.slots.len() - self.vacant.len() - self.connecting
    }

    /// True once no connection is left; with [`Engine::drain`] this comes by itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.vacant.len() == self.slots.len()
    }

    /// Makes the clients do more of everything, or as much as planned.
    pub(crate) fn set_haste(&mut self, haste: bool) {
        self.plan.haste = haste;
    }

    /// Lets every connection end with its next round, and replaces none.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        for slot in 0..self.slots.len() {
            self.with(slot, |peer, ctx| {
                peer.drain(ctx);
                Flow::Stay
            });
        }
    }

    /// Labels of the connections that are left, for a failure.
    pub(crate) fn remaining(&self) -> Vec<String> {
        self.slots.iter().flatten().map(Peer::label).collect()
    }

    /// One pass: opens missing connections, waits at most `limit`, acts on events and alarms.
    ///
    /// # Errors
    ///
    /// What the system's event queue reports; a failing connection is a failure of the run instead.
    pub(crate) fn turn(&mut self, limit: Duration) -> io::Result<()> {
        if !self.draining {
            self.fill()?;
        }
        let now = Instant::now();
        let next = self
            .alarms
            .peek()
            .map(|Reverse((at, ..))| at.saturating_duration_since(now));
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(
            &mut events,
            Some(next.map_or(limit, |next| next.min(limit))),
        );
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            self.with(event.token().0, Peer::on_event);
        }
        self.events = events;
        self.ring(Instant::now());
        self.check_lateness(Instant::now());
        Ok(())
    }

    fn ring(&mut self, now: Instant) {
        while let Some(&Reverse((at, slot, name))) = self.alarms.peek() {
            if at > now {
                break;
            }
            self.alarms.pop();
            let wanted = self.slots[slot].as_ref().and_then(|peer| peer.alarm);
            if self.names[slot] == name && wanted == Some(at) {
                self.with(slot, Peer::on_alarm);
            }
        }
    }

    fn check_lateness(&mut self, now: Instant) {
        if now < self.late_check {
            return;
        }
        self.late_check = now + LATE_CHECK;
        for slot in 0..self.slots.len() {
            self.with(slot, |peer, ctx| {
                let patience = ctx.plan.patience;
                if !peer.is_overdue(ctx.now, patience) {
                    return Flow::Stay;
                }
                // It may be us who are late: look once more before blaming the server.
                match peer.on_event(ctx) {
                    Flow::Stay if peer.is_overdue(ctx.now, patience) => {
                        Flow::Failed(format!("{}: nothing for {patience:?}", peer.label()))
                    }
                    flow => flow,
                }
            });
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.connecting < MOST_CONNECTING {
            let Some(slot) = self.vacant.pop() else { break };
            self.begun += 1;
            let name = self.begun;
            let (service, target) = self.targets[name as usize % self.targets.len()];
            let narrow = Rng::new(!self.plan.seed, name).percent(30);
            let mut stream = match self.dialer.dial(target, narrow) {
                Ok(stream) => stream,
                Err(error) => {
                    self.vacant.push(slot);
                    self.failures
                        .add(format!("{} client {name}: {error}", service.name()));
                    break;
                }
            };
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(slot), interest)?;
            self.tally.replaced += u64::from(name > self.slots.len() as u64);
            self.connecting += 1;
            self.names[slot] = name;
            let ctx = Context {
                plan: &self.plan,
                tally: &mut self.tally,
                scratch: &mut self.scratch,
                now: Instant::now(),
                draining: false,
            };
            self.slots[slot] = Some(Peer::new(stream, service, name, narrow, &ctx));
        }
        Ok(())
    }

    /// Lets the peer in `slot`, if there is one, act, and deals with what became of it.
    fn with(&mut self, slot: usize, act: impl FnOnce(&mut Peer, &mut Context) -> Flow) {
        let Some(peer) = &mut self.slots[slot] else {
            return;
        };
        let mut ctx = Context {
            plan: &self.plan,
            tally: &mut self.tally,
            scratch: &mut self.scratch,
            now: Instant::now(),
            draining: self.draining,
        };
        let was_connected = peer.is_connected();
        let alarm = peer.alarm;
        let flow = act(peer, &mut ctx);
        if !was_connected && (peer.is_connected() || flow != Flow::Stay) {
            self.connecting -= 1;
        }
        if let Flow::Failed(text) = &flow {
            self.failures.add(text.clone());
        }
        if flow == Flow::Stay {
            if let Some(at) = peer.alarm.filter(|_| peer.alarm != alarm) {
                self.alarms.push(Reverse((at, slot, self.names[slot])));
            }
        } else {
            self.tally.deaf_now -= usize::from(peer.is_deaf());
            // Dropping the stream closes it, which also removes it from the event queue.
            self.slots[slot] = None;
            self.vacant.push(slot);
        }
    }
}
