//! Raw descriptors at the edge: numbers that come from Lua or from another library.

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, RawFd};

use socket2::Socket;

/// The descriptor as system calls take it, for the length of one call.
///
/// # Panics
///
/// If `fd` is negative.
pub(crate) fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    assert!(fd >= 0, "a descriptor is not negative");
    // SAFETY: the number is not -1. It may have been closed by somebody else; the callers pass it
    // to one system call, which then answers EBADF, and keep nothing.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Takes ownership of a descriptor that `setfd` hands over; `None` for a negative number.
pub(crate) fn adopt(fd: RawFd) -> Option<Socket> {
    if fd < 0 {
        return None;
    }
    // SAFETY: the number is not negative. Lua code gives the descriptor away by calling `setfd`, as
    // LuaSocket documents; if it lied, system calls answer EBADF or ENOTSOCK and no memory is at
    // stake.
    Some(unsafe { Socket::from_raw_fd(fd) })
}

/// `close(2)`, for a descriptor that may have been closed already by another who was given it.
///
/// The standard library ends the process when it meets such a descriptor; LuaSocket ignores it.
pub(crate) fn close(socket: Socket) {
    // SAFETY: the number was owned by `socket`, which is gone; a stale one gets EBADF.
    unsafe {
        libc::close(socket.into_raw_fd());
    }
}
