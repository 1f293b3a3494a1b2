//! Keeps bytes alive and unchanged while they are copied into a Lua string.
//!
//! Making a string may first run the collector, and with it user code that calls back into cosock;
//! and it may raise for lack of memory, which skips destructors. So what is being copied is owned
//! here, not by a frame.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use cosock_core::buffer::Chunk;
use cosock_core::error::SocketError;

use crate::ffi::State;

#[derive(Debug)]
enum Pinned {
    Chunk(Chunk),
    Text(Cow<'static, str>),
}

impl Pinned {
    fn bytes(&self) -> &[u8] {
        match self {
            Pinned::Chunk(chunk) => chunk.as_slice(),
            Pinned::Text(text) => text.as_bytes(),
        }
    }
}

/// The bytes that are on their way into Lua at this moment: a stack, for pushes may nest.
#[derive(Default)]
pub(crate) struct Pins {
    /// The received bytes of the outermost push, by far the most frequent.
    first: Cell<Option<Chunk>>,
    /// Whether `first` is in use.
    busy: Cell<bool>,
    rest: RefCell<Vec<Pinned>>,
    /// Whether `rest`, or the runtime's `outcomes`, was used since [`Pins::may_be_left`] asked.
    used: Cell<bool>,
}

impl Pins {
    /// Pushes received bytes. May raise for lack of memory.
    #[inline]
    pub(crate) fn push_chunk(&self, lua: State, chunk: Chunk) {
        if self.busy.replace(true) {
            return self.push(lua, Pinned::Chunk(chunk));
        }
        let bytes = std::ptr::from_ref(chunk.as_slice());
        self.first.set(Some(chunk));
        // SAFETY: the bytes lie on the heap, and `first` owns them until it is taken below: nested
        // pushes see that it is busy. Shared bytes are never written to.
        lua.push_bytes(unsafe { &*bytes });
        self.first.take();
        self.busy.set(false);
    }

    /// Pushes a text. May raise for lack of memory.
    pub(crate) fn push_text(&self, lua: State, text: impl Into<Cow<'static, str>>) {
        self.push(lua, Pinned::Text(text.into()));
    }

    /// Pushes bytes, or nil where there are none. May raise for lack of memory.
    pub(crate) fn push_optional(&self, lua: State, bytes: Option<Vec<u8>>) {
        match bytes {
            Some(bytes) => {
                let length = bytes.len();
                self.push_chunk(lua, Chunk::new(bytes.into(), 0, length));
            }
            None => lua.push_nil(),
        }
    }

    /// Pushes two strings, or nil for each that is not there. May raise for lack of memory.
    pub(crate) fn push_pair(&self, lua: State, first: Option<Vec<u8>>, second: Option<Vec<u8>>) {
        let Some(second) = second else {
            self.push_optional(lua, first);
            return lua.push_nil();
        };
        let length = second.len();
        let second = Pinned::Chunk(Chunk::new(second.into(), 0, length));
        self.push_after(lua, second, || self.push_optional(lua, first));
    }

    /// Pushes nil and LuaSocket's word for the error: the way an operation fails.
    pub(crate) fn push_failure(&self, lua: State, error: SocketError) {
        let word = error.word();
        drop(error);
        lua.push_nil();
        self.push_text(lua, word);
    }

    /// Pushes nil, the word for the error, and the bytes that came before it.
    pub(crate) fn push_partial(&self, lua: State, error: SocketError, chunk: Chunk) {
        self.push_after(lua, Pinned::Chunk(chunk), || self.push_failure(lua, error));
    }

    /// Runs `first`, which pushes something, and then pushes `pinned`.
    fn push_after(&self, lua: State, pinned: Pinned, first: impl FnOnce()) {
        if let Some(pinned) = self.keep_during(pinned, first) {
            self.push(lua, pinned);
        }
    }

    /// Keeps `pinned` while `first` runs. A finalizer that runs meanwhile may push bytes of its own, fail, and leave them
    /// above: they are dropped here.
    fn keep_during(&self, pinned: Pinned, first: impl FnOnce()) -> Option<Pinned> {
        self.used.set(true);
        let depth = {
            let mut rest = self.rest.borrow_mut();
            rest.push(pinned);
            rest.len()
        };
        first();
        let mut rest = self.rest.borrow_mut();
        rest.truncate(depth);
        rest.pop()
    }

    fn push(&self, lua: State, pinned: Pinned) {
        self.used.set(true);
        let (depth, bytes) = {
            let mut stack = self.rest.borrow_mut();
            stack.push(pinned);
            let top = stack.last().expect("just pushed");
            (stack.len(), std::ptr::from_ref(top.bytes()))
        };
        // SAFETY: the bytes lie on the heap or are static, and their owner stays in the stack below:
        // nested pushes truncate only to their own depth. Shared bytes are never written to.
        lua.push_bytes(unsafe { &*bytes });
        self.rest.borrow_mut().truncate(depth - 1);
    }

    /// Gives back what is not in use, when the state closes; bytes on their way stay.
    pub(crate) fn close(&self) {
        if self.depth() == 0 {
            self.rest.take();
        }
    }

    /// Notes that something else is on its way into Lua, which an error that is raised leaves behind, too.
    pub(crate) fn note_use(&self) {
        self.used.set(true);
    }

    /// Whether raised errors may have left anything since this was asked last.
    #[inline]
    pub(crate) fn may_be_left(&self) -> bool {
        self.used.take() || self.busy.get()
    }

    /// How deep the stack is: what [`Pins::unwind_to`] takes.
    pub(crate) fn depth(&self) -> usize {
        self.rest.borrow().len() + usize::from(self.busy.get())
    }

    /// Drops what raised errors have left above `depth`.
    pub(crate) fn unwind_to(&self, depth: usize) {
        if depth == 0 {
            self.first.take();
            self.busy.set(false);
        }
        self.rest.borrow_mut().truncate(depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_found_below_what_a_failed_push_has_left() {
        let pins = Pins::default();
        let fail = || {
            let left = Pinned::Text("left".into());
            pins.rest.borrow_mut().push(left);
        };
        let waited = pins.keep_during(Pinned::Text("waited".into()), fail);
        assert_eq!(waited.expect("it is kept").bytes(), b"waited");
        assert_eq!(pins.depth(), 0);
    }
}
