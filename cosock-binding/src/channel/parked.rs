//! What a task gets that was parked in `receive`: the loop asks here before it resumes the task.

use super::Queue;
use super::queue::{LINK_OF_QUEUE, QUEUE_OF_HALF};
use crate::ffi::State;
use crate::runtime::{QUEUE as QUEUE_CLASS, Runtime, token_above_half};

/// What a task that was parked in `receive` finds.
pub(crate) enum Looked {
    /// A message, on top of its stack.
    Message,
    /// That its wait is over without one.
    Over {
        /// Because the channel is closed.
        closed: bool,
    },
    /// That somebody else took the message.
    Nothing,
    /// Itself elsewhere: somebody has resumed or closed it.
    Elsewhere,
}

/// Looks for the message of a task that was parked in `receive` of the half with this metatable.
#[inline]
pub(crate) fn look(
    runtime: &Runtime,
    coroutine: State,
    metatable: usize,
    timed_out: bool,
) -> Looked {
    let Some(queue) = find(runtime, coroutine, metatable) else {
        return Looked::Elsewhere;
    };
    if !is_parked(coroutine) {
        return Looked::Elsewhere;
    }
    if timed_out && is_succeeded(runtime, queue) {
        return Looked::Over { closed: false };
    }
    // The slots that its own call guarantees are enough for this.
    if queue.take_lent(coroutine, runtime, -2) || queue.take(coroutine, -2) {
        queue.waiter.set(None);
        return Looked::Message;
    }
    let closed = queue.is_closed();
    if closed || timed_out {
        queue.waiter.set(None);
        return Looked::Over { closed };
    }
    Looked::Nothing
}

/// Whether somebody waits in the place of the running task, whose time is over: what comes is theirs.
#[cold]
fn is_succeeded(runtime: &Runtime, queue: &Queue) -> bool {
    queue.watched.get() || queue.waiter.get() != runtime.current.get()
}

/// The queue of the half with this metatable, on which the task of `coroutine` was parked.
#[inline]
fn find<'a>(runtime: &Runtime, coroutine: State, metatable: usize) -> Option<&'a Queue> {
    runtime
        .halves
        .find(metatable)
        .or_else(|| anchored(coroutine))
}

/// The queue whose metatable the coroutine keeps on its stack.
#[cold]
fn anchored<'a>(coroutine: State) -> Option<&'a Queue> {
    if !is_parked(coroutine) {
        return None;
    }
    coroutine.raw_get_at(-2, QUEUE_OF_HALF);
    let queue = coroutine.userdata(-1, QUEUE_CLASS);
    coroutine.pop(1);
    queue
}

/// Whether the coroutine still is as `receive` parked it: a half's metatable with the token on top.
#[inline]
fn is_parked(coroutine: State) -> bool {
    coroutine.top() > 1 && coroutine.to_pointer(-1) == token_above_half()
}

/// Pushes the link of the channel on which the coroutine is parked; tells whether it is.
pub(crate) fn push_link_waited_on(coroutine: State) -> bool {
    if !is_parked(coroutine) {
        return false;
    }
    coroutine.raw_get_at(-2, QUEUE_OF_HALF);
    let found = coroutine.userdata(-1, QUEUE_CLASS).is_some();
    if found {
        coroutine.push_user_table(-1);
        coroutine.raw_get_at(-1, LINK_OF_QUEUE);
        coroutine.insert(-3);
        coroutine.pop(2);
    } else {
        coroutine.pop(1);
    }
    found
}
