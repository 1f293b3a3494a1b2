//! One client connection: it asks, stalls, cuts and half-closes as the plan says, and checks answers.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use socket2::SockRef;

use crate::check::Checker;
use crate::context::{Context, Flow};
use crate::outbox::Outbox;
use crate::plan::{Act, Cut, Step, millis};
use crate::request::{JUNK, REFUSAL, Service};
use crate::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    /// Between rounds, until the alarm.
    Thinking,
    Writing(Act),
    /// All is written; the answers are due.
    Awaiting,
    /// Nothing more will be sent; the rest and the end of the stream are due.
    Finishing,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    service: Service,
    name: u64,
    rng: Rng,
    checker: Checker,
    state: State,
    /// Its gate opens with the alarms.
    outbox: Outbox,
    narrow: bool,
    deaf: bool,
    walled: bool,
    /// Bytes per read; some clients sip.
    gulp: usize,
    progress: Instant,
    /// When [`Peer::on_alarm`] wants to be called.
    pub(crate) alarm: Option<Instant>,
}

/// Bytes that a deaf client asks for at most: beyond what any kernel buffers between the two.
const MOST_UNREAD: u64 = 12 * 1024 * 1024;

impl Peer {
    /// A client for a stream whose connection is on its way; `name` is unique in the run.
    ///
    /// A `narrow` one has small buffers, so that it may go deaf without filling the kernel's memory.
    pub(crate) fn new(
        stream: TcpStream,
        service: Service,
        name: u64,
        narrow: bool,
        ctx: &Context,
    ) -> Peer {
        let mut rng = Rng::new(ctx.plan.seed, name);
        let key = rng.next();
        let gulp = if rng.percent(ctx.plan.sipping) {
            rng.within(200..=2000)
        } else {
            ctx.scratch.len()
        };
        Peer {
            stream,
            service,
            name,
            checker: Checker::new(service, key),
            rng,
            state: State::Connecting,
            outbox: Outbox::default(),
            narrow,
            deaf: false,
            walled: false,
            gulp,
            progress: ctx.now,
            alarm: None,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state != State::Connecting
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Names the connection in a failure.
    pub(crate) fn label(&self) -> String {
        format!(
            "{} client {} ({:?})",
            self.service.name(),
            self.name,
            self.state
        )
    }

    /// True if the server owes something and has not moved for `patience`.
    pub(crate) fn is_overdue(&self, now: Instant, patience: Duration) -> bool {
        let waits_for_server = match self.state {
            State::Thinking => false,
            State::Writing(_) => self.alarm.is_none(),
            State::Connecting | State::Awaiting | State::Finishing => true,
        };
        waits_for_server && now.duration_since(self.progress) > patience
    }

    /// Acts on readiness, which may be spurious.
    pub(crate) fn on_event(&mut self, ctx: &mut Context) -> Flow {
        if self.state == State::Connecting {
            match self.connection() {
                Ok(false) => return Flow::Stay,
                Ok(true) => {
                    ctx.tally.connected += 1;
                    self.think(ctx);
                }
                Err(error) => return self.failed("connect", &error),
            }
        }
        match self.read(ctx) {
            Flow::Stay => self.write(ctx),
            over => over,
        }
    }

    /// Acts on the alarm that was asked for.
    pub(crate) fn on_alarm(&mut self, ctx: &mut Context) -> Flow {
        self.alarm = None;
        match self.state {
            State::Thinking => self.begin(ctx),
            State::Writing(Act::Deaf) => {
                self.hear(ctx);
                self.on_event(ctx)
            }
            State::Writing(act) => {
                let one_more = self.outbox.gate() + 1;
                let all = self.outbox.len();
                self.outbox
                    .set_gate(if act == Act::Dribble { one_more } else { all });
                self.write(ctx)
            }
            State::Connecting | State::Awaiting | State::Finishing => Flow::Stay,
        }
    }

    /// Brings the next round forward: the run ends.
    pub(crate) fn drain(&mut self, ctx: &mut Context) {
        if self.state == State::Thinking {
            self.alarm = Some(ctx.now + millis(&mut self.rng, 0, 1000));
        }
    }

    fn connection(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn think(&mut self, ctx: &mut Context) {
        self.state = State::Thinking;
        let pause = if ctx.draining {
            millis(&mut self.rng, 0, 100)
        } else {
            ctx.plan.think(&mut self.rng)
        };
        self.alarm = Some(ctx.now + pause);
    }

    fn begin(&mut self, ctx: &mut Context) -> Flow {
        self.progress = ctx.now;
        let last = ctx.draining;
        let may_be_deaf = self.narrow && ctx.tally.deaf_now < ctx.plan.most_deaf();
        let act = match ctx
            .plan
            .step(&mut self.rng, self.service, last, may_be_deaf)
        {
            Step::Round(act) => act,
            Step::End(cut) => return self.end(cut, ctx),
        };
        let bytes = match act {
            Act::Plain | Act::Pause | Act::Dribble => self.ask(1, act, ctx),
            Act::Burst => self.ask(12, act, ctx),
            Act::HalfClose => self.ask_and_cut(ctx),
            Act::Garbage => {
                ctx.tally.refusals += 1;
                JUNK.to_vec()
            }
            Act::Deaf => {
                self.deaf = true;
                self.walled = false;
                ctx.tally.deaf += 1;
                ctx.tally.deaf_now += 1;
                self.alarm = Some(ctx.now + ctx.plan.stall(&mut self.rng));
                Vec::new()
            }
            Act::Idle => {
                self.alarm = Some(ctx.now + ctx.plan.pace * self.rng.within(2..=6) as u32);
                return Flow::Stay;
            }
        };
        self.state = State::Writing(act);
        self.outbox.fill(bytes);
        if act == Act::Dribble {
            ctx.tally.dribbled_bytes += self.outbox.len() as u64;
            self.outbox.set_gate(1);
            if let Err(error) = self.stream.set_nodelay(true) {
                return self.failed("nodelay", &error);
            }
        } else if act == Act::Pause {
            ctx.tally.pauses += 1;
            self.outbox
                .set_gate(self.rng.within(0..=self.outbox.len() - 1));
        }
        self.write(ctx)
    }

    /// Makes up to `most` requests.
    fn ask(&mut self, most: usize, act: Act, ctx: &mut Context) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.rng.within(1..=most) {
            let spec = ctx.plan.spec(&mut self.rng, act);
            ctx.tally.asked += 1;
            ctx.tally.binary += u64::from(spec.binary);
            bytes.extend(self.checker.ask(spec));
        }
        bytes
    }

    /// As [`Peer::ask`] for some requests or none, the last of them perhaps without its end.
    fn ask_and_cut(&mut self, ctx: &mut Context) -> Vec<u8> {
        ctx.tally.half_closes += 1;
        if self.rng.percent(20) {
            return Vec::new();
        }
        let mut bytes = self.ask(4, Act::HalfClose, ctx);
        if self.rng.percent(50) {
            ctx.tally.cut_requests += 1;
            bytes.truncate(self.rng.within(0..=bytes.len() - 1));
        }
        bytes
    }

    /// Ends the connection here, after an orderly exchange or in the middle of one.
    fn end(&mut self, cut: Cut, ctx: &mut Context) -> Flow {
        if cut != Cut::Close && self.rng.percent(70) {
            let bytes = self.ask(4, Act::Burst, ctx);
            let part = self.rng.within(1..=bytes.len());
            // One attempt: how much of it arrives does not matter, nor whether the server is quick.
            match self.stream.write(&bytes[..part]) {
                Ok(count) => ctx.tally.bytes_sent += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return self.failed("write", &error),
            }
        }
        match cut {
            Cut::Close => ctx.tally.closes += 1,
            Cut::Abrupt => ctx.tally.abrupt_closes += 1,
            Cut::Reset => {
                ctx.tally.resets += 1;
                // A zero linger time makes the close a reset.
                let reset = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                if let Err(error) = reset {
                    return self.failed("linger", &error);
                }
            }
        }
        Flow::Ended
    }

    fn write(&mut self, ctx: &mut Context) -> Flow {
        let State::Writing(act) = self.state else {
            return Flow::Stay;
        };
        loop {
            while !self.outbox.is_at_gate() {
                match self.outbox.write(&mut self.stream) {
                    Ok(bytes) => {
                        if act != Act::Garbage {
                            self.checker.sent(bytes);
                        }
                        self.progress = ctx.now;
                        ctx.tally.bytes_sent += bytes.len() as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if self.deaf && !self.walled {
                            self.walled = true;
                            ctx.tally.walls += 1;
                        }
                        return Flow::Stay;
                    }
                    Err(error) => return self.failed("write", &error),
                }
            }
            if !self.outbox.is_done() {
                if self.alarm.is_none() {
                    let pause = match act {
                        Act::Dribble => millis(&mut self.rng, 0, 8),
                        _ => ctx.plan.stall(&mut self.rng),
                    };
                    self.alarm = Some(ctx.now + pause);
                }
                return Flow::Stay;
            }
            if !self.deaf {
                break;
            }
            if self.checker.outstanding() > MOST_UNREAD {
                return Flow::Stay;
            }
            let bytes = self.ask(1, Act::Deaf, ctx);
            self.outbox.fill(bytes);
        }
        // An idle connection keeps no buffer.
        self.outbox = Outbox::default();
        self.state = match act {
            Act::HalfClose => match self.stream.shutdown(Shutdown::Write) {
                Ok(()) => State::Finishing,
                Err(error) => return self.failed("shutdown", &error),
            },
            Act::Garbage => {
                self.checker.refuse(REFUSAL);
                State::Finishing
            }
            _ => State::Awaiting,
        };
        self.settle(ctx);
        Flow::Stay
    }

    fn read(&mut self, ctx: &mut Context) -> Flow {
        if self.deaf {
            return Flow::Stay;
        }
        loop {
            match self.stream.read(&mut ctx.scratch[..self.gulp]) {
                Ok(0) => return self.server_closed(),
                Ok(count) => {
                    self.progress = ctx.now;
                    ctx.tally.bytes_received += count as u64;
                    match self.checker.take(&ctx.scratch[..count]) {
                        Ok(answers) => ctx.tally.answered += answers,
                        Err(text) => return Flow::Failed(format!("{}: {text}", self.label())),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return self.failed("read", &error),
            }
        }
        self.settle(ctx);
        Flow::Stay
    }

    /// Ends the round once all is answered.
    fn settle(&mut self, ctx: &mut Context) {
        if self.state == State::Awaiting && self.checker.outstanding() == 0 {
            self.think(ctx);
        }
    }

    /// Reads again; the caller lets the missed readiness be looked at.
    fn hear(&mut self, ctx: &mut Context) {
        self.deaf = false;
        self.progress = ctx.now;
        ctx.tally.deaf_now -= 1;
    }

    fn server_closed(&self) -> Flow {
        if self.state != State::Finishing {
            let owed = self.checker.outstanding();
            return Flow::Failed(format!(
                "{}: closed early, owing {owed} bytes",
                self.label()
            ));
        }
        match self.checker.finish() {
            Ok(()) => Flow::Ended,
            Err(text) => Flow::Failed(format!("{}: {text}", self.label())),
        }
    }

    fn failed(&self, what: &str, error: &io::Error) -> Flow {
        let owed = self.checker.outstanding();
        Flow::Failed(format!(
            "{}: {what}: {error}, owing {owed} bytes",
            self.label()
        ))
    }
}
