//! Tasks that wait for a datagram: it goes from the system to where the caller wants it.

use std::rc::Rc;

use super::{Parkable, Scheduler, TaskKey, Tried, Wait};
use crate::operation::{Operation, Outcome, Terms};
use crate::reactor::Reactor;
use crate::socket::{Datagram, Room, Step, Udp};

/// A datagram of this socket: an [`Operation::Datagram`], which is made unless the task has it from its last wait.
#[derive(Clone, Copy, Debug)]
pub struct NextDatagram<'a> {
    /// The socket.
    pub socket: &'a Udp,
    /// The most bytes to keep of it.
    pub size: usize,
}

impl Parkable for NextDatagram<'_> {
    #[inline(always)]
    fn terms(&self, reactor: &mut Reactor) -> Terms {
        Terms::of_datagrams(self.socket, reactor)
    }

    #[inline(always)]
    fn put_into(self, wait: &mut Wait) {
        match wait {
            Wait::Operation(Operation::Datagram { socket, size })
                if Rc::ptr_eq(socket, self.socket) =>
            {
                *size = self.size;
            }
            _ => {
                let (socket, size) = (Rc::clone(self.socket), self.size);
                *wait = Wait::Operation(Operation::Datagram { socket, size });
            }
        }
    }

    fn doubt(&self, reactor: &mut Reactor) {
        self.socket.borrow().doubt(reactor);
    }
}

impl Scheduler {
    /// Tries the operation of a running task that waits for a datagram for which there is `room`.
    ///
    /// # Errors
    ///
    /// What [`Scheduler::try_operation`] tells, unless one has come that is not asked for more of.
    pub fn try_datagram<'a>(
        &mut self,
        key: TaskKey,
        room: &'a mut Room,
        asks_sender: bool,
    ) -> Result<Datagram<&'a [u8]>, Tried> {
        if let Some(waiting) = self.waits.get_mut(key.index as usize)
            && let Wait::Operation(Operation::Datagram { socket, size }) = &waiting.wait
            && let Some(room) = room.get_mut(..*size)
            && !waiting.timed_out
            && let mut socket = socket.borrow_mut()
            && socket.epoch() == waiting.epoch
        {
            let step = socket.receive_to(room, asks_sender, &mut self.reactor);
            drop(socket);
            let step = match step {
                Step::Done(Ok(datagram)) => {
                    // It stays, for most will wait for the next one of the same socket.
                    waiting.serial = 0;
                    return Ok(datagram);
                }
                Step::Done(Err(error)) => Step::Done(Outcome::Failed(error)),
                Step::Wait { interest, progress } => Step::Wait { interest, progress },
            };
            return Err(self.settle(key, step));
        }
        Err(self.try_operation(key, &[]))
    }
}
