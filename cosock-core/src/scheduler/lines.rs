//! Tasks that wait for a line, by far the most frequent: it goes from the system to where the caller wants it.

use std::rc::Rc;

use super::{Parkable, Scheduler, TaskKey, Tried, Wait};
use crate::buffer::{Pattern, Small, Taken};
use crate::operation::{Operation, Terms, received};
use crate::reactor::Reactor;
use crate::socket::Tcp;

/// A line of this stream: an [`Operation::Line`], which is made unless the task has it from its last wait.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub &'a Tcp);

impl Parkable for Line<'_> {
    const IS_LINE: bool = true;

    #[inline(always)]
    fn terms(&self, reactor: &mut Reactor) -> Terms {
        Terms::of_stream(self.0, reactor)
    }

    #[inline(always)]
    fn put_into(self, wait: &mut Wait) {
        let Line(socket) = self;
        match wait {
            Wait::Operation(Operation::Line { socket: last }) if Rc::ptr_eq(last, socket) => {}
            _ => put_line(wait, socket),
        }
    }

    #[inline(never)]
    fn doubt(&self, reactor: &mut Reactor) {
        self.0.borrow().doubt(reactor);
    }
}

#[inline(never)]
fn put_line(wait: &mut Wait, socket: &Tcp) {
    let socket = Rc::clone(socket);
    *wait = Wait::Operation(Operation::Line { socket });
}

impl Scheduler {
    /// Tries the operation of a running task that waits for a line, which goes to `place` when it is small.
    ///
    /// # Errors
    ///
    /// What [`Scheduler::try_operation`] tells, unless the line is all that has come.
    #[inline]
    pub fn try_line(&mut self, key: TaskKey, place: &mut Small) -> Result<Taken, Tried> {
        if let Some(waiting) = self.waits.get_mut(key.index as usize)
            && let Wait::Operation(Operation::Line { socket }) = &waiting.wait
            && !waiting.timed_out
            && let mut stream = socket.borrow_mut()
            && stream.epoch() == waiting.epoch
        {
            match stream.receive_lone_line(place, &mut self.reactor) {
                Ok(line) => {
                    // It stays, for most will wait for the next line of the same stream.
                    waiting.serial = 0;
                    return Ok(line);
                }
                Err(Some(first)) => {
                    let step = stream.read(Pattern::Line, Some(first), &mut self.reactor);
                    let step = received(step, &mut stream, Pattern::Line);
                    drop(stream);
                    return Err(self.settle(key, step));
                }
                Err(None) => {}
            }
        }
        Err(self.try_operation(key, &[]))
    }
}
