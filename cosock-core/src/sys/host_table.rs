//! `gethostbyname` and `gethostbyaddr`: the only functions that tell a host's aliases.

use std::ffi::{CStr, c_char, c_int};
use std::net::Ipv4Addr;

use crate::netdb::{HostEntry, LookupError};

/// `h_errno` for a name without an address of the wanted kind; the same on every system.
const NO_DATA: c_int = 4;

/// Looks a name up in the host databases (`gethostbyname`): blocks.
pub(crate) fn host_by_name(name: &CStr) -> Result<HostEntry, LookupError> {
    calls::by_name(name)
}

/// Looks up what an address is called (`gethostbyaddr`): blocks.
pub(crate) fn host_by_address(address: Ipv4Addr) -> Result<HostEntry, LookupError> {
    calls::by_address(address.octets())
}

/// Copies a `hostent` out of the buffer that it points into.
///
/// # Safety
///
/// `entry` must be the result of a successful host table call whose buffer is still untouched.
unsafe fn copy_entry(entry: *const libc::hostent) -> Result<HostEntry, LookupError> {
    // SAFETY: a successful call leaves a valid entry: a NUL-terminated name, and two lists that end
    // with a null pointer, of NUL-terminated texts and of addresses of `h_length` bytes each.
    unsafe {
        let entry = &*entry;
        let text = |start: *mut c_char| CStr::from_ptr(start).to_bytes().to_vec();
        let mut ips = Vec::new();
        if entry.h_addrtype == libc::AF_INET && entry.h_length == 4 {
            let addresses = null_terminated(entry.h_addr_list);
            ips.extend(addresses.map(|octets| Ipv4Addr::from(*octets.cast::<[u8; 4]>())));
        }
        if ips.is_empty() {
            return Err(LookupError::HostEntry(NO_DATA));
        }
        let aliases = null_terminated(entry.h_aliases).map(text).collect();
        Ok(HostEntry {
            name: text(entry.h_name),
            aliases,
            ips,
        })
    }
}

/// Walks a C list of pointers up to its null pointer.
///
/// # Safety
///
/// `list` must be null or such a list, and stay valid while the iterator is used.
unsafe fn null_terminated(list: *mut *mut c_char) -> impl Iterator<Item = *mut c_char> {
    let mut next = list;
    std::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: the list goes on up to its null pointer, at which `next` stays.
        let item = unsafe { *next };
        if item.is_null() {
            return None;
        }
        // SAFETY: this was not the end, so there is another element.
        next = unsafe { next.add(1) };
        Some(item)
    })
}

/// Turns `h_errno` into an error; the codes besides 1 to 4 mean "see errno".
fn host_failure(code: c_int, errno: c_int) -> LookupError {
    if (1..=NO_DATA).contains(&code) {
        LookupError::HostEntry(code)
    } else {
        LookupError::System(errno)
    }
}

/// The re-entrant functions, which write into a buffer of ours.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod calls {
    use super::*;
    use libc::{c_void, hostent, size_t, socklen_t};
    use std::mem::MaybeUninit;
    use std::ptr;

    unsafe extern "C" {
        fn gethostbyname_r(
            name: *const c_char,
            entry: *mut hostent,
            buffer: *mut c_char,
            length: size_t,
            result: *mut *mut hostent,
            h_errno: *mut c_int,
        ) -> c_int;
        fn gethostbyaddr_r(
            address: *const c_void,
            address_length: socklen_t,
            family: c_int,
            entry: *mut hostent,
            buffer: *mut c_char,
            length: size_t,
            result: *mut *mut hostent,
            h_errno: *mut c_int,
        ) -> c_int;
    }

    /// Where a call puts its answer.
    struct Room {
        entry: MaybeUninit<hostent>,
        buffer: Vec<c_char>,
        found: *mut hostent,
        h_errno: c_int,
    }

    pub(super) fn by_name(name: &CStr) -> Result<HostEntry, LookupError> {
        // SAFETY: `name` is NUL-terminated; the pointers lead to live parts of `room`, and the
        // length is that of its buffer.
        with_room(|room| unsafe {
            let (buffer, length) = (room.buffer.as_mut_ptr(), room.buffer.len());
            let entry = room.entry.as_mut_ptr();
            let name = name.as_ptr();
            gethostbyname_r(
                name,
                entry,
                buffer,
                length,
                &mut room.found,
                &mut room.h_errno,
            )
        })
    }

    pub(super) fn by_address(octets: [u8; 4]) -> Result<HostEntry, LookupError> {
        // SAFETY: as above; the address has the four bytes that AF_INET asks for.
        with_room(|room| unsafe {
            let (buffer, length) = (room.buffer.as_mut_ptr(), room.buffer.len());
            gethostbyaddr_r(
                octets.as_ptr().cast(),
                octets.len() as socklen_t,
                libc::AF_INET,
                room.entry.as_mut_ptr(),
                buffer,
                length,
                &mut room.found,
                &mut room.h_errno,
            )
        })
    }

    /// Repeats `call`, which returns an errno value, with a larger buffer while it asks for one.
    fn with_room(call: impl Fn(&mut Room) -> c_int) -> Result<HostEntry, LookupError> {
        const LARGEST: usize = 1 << 20;
        let mut length = 1024;
        loop {
            let mut room = Room {
                entry: MaybeUninit::uninit(),
                buffer: vec![0; length],
                found: ptr::null_mut(),
                h_errno: 0,
            };
            let errno = call(&mut room);
            if errno == libc::ERANGE && length < LARGEST {
                length *= 2;
                continue;
            }
            if room.found.is_null() {
                return Err(host_failure(room.h_errno, errno));
            }
            // SAFETY: a result was found, and nothing touched `room` since.
            return unsafe { copy_entry(room.found) };
        }
    }
}

/// The classic functions, whose one static answer is guarded by a lock and copied at once.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod calls {
    use super::*;
    use libc::{c_void, hostent, socklen_t};
    use std::io;
    use std::sync::{Mutex, PoisonError};

    unsafe extern "C" {
        fn gethostbyname(name: *const c_char) -> *mut hostent;
        fn gethostbyaddr(address: *const c_void, length: socklen_t, family: c_int) -> *mut hostent;
        static mut h_errno: c_int;
    }

    pub(super) fn by_name(name: &CStr) -> Result<HostEntry, LookupError> {
        // SAFETY: `name` is NUL-terminated.
        one_at_a_time(|| unsafe { gethostbyname(name.as_ptr()) })
    }

    pub(super) fn by_address(octets: [u8; 4]) -> Result<HostEntry, LookupError> {
        // SAFETY: the address has the four bytes that AF_INET asks for.
        one_at_a_time(|| unsafe {
            gethostbyaddr(
                octets.as_ptr().cast(),
                octets.len() as socklen_t,
                libc::AF_INET,
            )
        })
    }

    fn one_at_a_time(call: impl FnOnce() -> *mut hostent) -> Result<HostEntry, LookupError> {
        static TABLE: Mutex<()> = Mutex::new(());
        let _guard = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = call();
        if entry.is_null() {
            let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
            // SAFETY: a plain read of the integer that the failed call has just set.
            return Err(host_failure(unsafe { h_errno }, errno));
        }
        // SAFETY: a result was found; the lock keeps our other threads from overwriting it.
        unsafe { copy_entry(entry) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::ptr;

    #[test]
    fn a_host_entry_without_addresses_is_an_error() {
        let mut none: [*mut c_char; 1] = [ptr::null_mut()];
        let entry = libc::hostent {
            h_name: c"name".as_ptr().cast_mut(),
            h_aliases: none.as_mut_ptr(),
            h_addrtype: libc::AF_INET,
            h_length: 4,
            h_addr_list: none.as_mut_ptr(),
        };
        // SAFETY: a well-formed entry whose parts are alive.
        let copy = unsafe { copy_entry(&entry) };
        assert_eq!(copy, Err(LookupError::HostEntry(NO_DATA)));
    }

    #[test]
    fn a_host_entry_is_copied_whole() {
        let mut aliases = [
            c"one".as_ptr().cast_mut(),
            c"two".as_ptr().cast_mut(),
            ptr::null_mut(),
        ];
        let (mut first, mut second) = ([10_u8, 0, 0, 1], [10_u8, 0, 0, 2]);
        let mut ips = [
            first.as_mut_ptr().cast(),
            second.as_mut_ptr().cast(),
            ptr::null_mut::<c_char>(),
        ];
        let entry = libc::hostent {
            h_name: c"name".as_ptr().cast_mut(),
            h_aliases: aliases.as_mut_ptr(),
            h_addrtype: libc::AF_INET,
            h_length: 4,
            h_addr_list: ips.as_mut_ptr(),
        };
        // SAFETY: a well-formed entry whose parts are alive.
        let copy = unsafe { copy_entry(&entry) }.unwrap();
        assert_eq!(copy.name, b"name");
        assert_eq!(copy.aliases, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(
            copy.ips,
            [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]
        );
    }

    #[rstest]
    #[case(1, 0, LookupError::HostEntry(1))]
    #[case(4, 7, LookupError::HostEntry(4))]
    #[case(-1, libc::EMFILE, LookupError::System(libc::EMFILE))]
    #[case(0, libc::ENOMEM, LookupError::System(libc::ENOMEM))]
    fn internal_failures_are_told_by_errno(
        #[case] code: c_int,
        #[case] errno: c_int,
        #[case] expected: LookupError,
    ) {
        assert_eq!(host_failure(code, errno), expected);
    }
}
