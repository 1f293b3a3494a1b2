//! Raw descriptors at the edge: numbers that come from Lua or from another library.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd};

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

/// A socket's descriptor, which is closed when this is dropped, unless another who was given it has closed
/// it already: then the standard library would end a process that was built to look at that, and LuaSocket
/// ignores it.
#[derive(Debug)]
pub(crate) struct Descriptor(ManuallyDrop<Socket>);

impl Descriptor {
    /// Takes ownership of a descriptor that `setfd` hands over; `None` for a negative number.
    pub(crate) fn adopt(fd: RawFd) -> Option<Descriptor> {
        if fd < 0 {
            return None;
        }
        // SAFETY: the number is not negative. Lua code gives the descriptor away by calling `setfd`, as
        // LuaSocket documents; if it lied, system calls answer EBADF or ENOTSOCK and no memory is at
        // stake.
        Some(unsafe { Socket::from_raw_fd(fd) }.into())
    }

    /// Gives the descriptor up without closing it.
    pub(crate) fn give_up(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl From<Socket> for Descriptor {
    fn from(socket: Socket) -> Descriptor {
        Descriptor(ManuallyDrop::new(socket))
    }
}

impl Deref for Descriptor {
    type Target = Socket;
    fn deref(&self) -> &Socket {
        &self.0
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the number is that of a socket which nothing uses any more; one that was closed already
        // gets EBADF.
        unsafe {
            libc::close(self.0.as_raw_fd());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    #[test]
    fn whoever_closes_second_closes_nothing() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let one = Descriptor::from(socket);
        // High enough that no other test opens it between the two.
        let number = rustix::io::fcntl_dupfd_cloexec(borrow(one.as_raw_fd()), 900).expect("a copy");
        let number = std::os::fd::IntoRawFd::into_raw_fd(number);
        let other = Descriptor::adopt(number).expect("a descriptor");
        let same = Descriptor::adopt(number).expect("a descriptor");
        assert!(other.local_addr().is_ok());
        drop(other);
        assert!(same.local_addr().is_err());
        drop(same);
        assert!(one.local_addr().is_ok());
    }

    #[test]
    fn what_is_given_up_stays_open() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let number = socket.as_raw_fd();
        Descriptor::from(socket).give_up();
        let again = Descriptor::adopt(number).expect("a descriptor");
        assert!(again.local_addr().is_ok());
        assert!(Descriptor::adopt(-1).is_none());
    }
}
