//! Unread bytes that compiled Lua cuts by itself, where that costs less than a call of C.
//!
//! A loan is a copy of the first unread bytes. They stay here until it is taken back; then those are removed that
//! were cut meanwhile. Who lends takes it back before anything else looks at the bytes, and lends only where
//! no operation does.

use super::TcpSocket;
use crate::buffer::Chunk;

/// What has become of the first unread bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loan {
    /// They are here, and may be lent.
    #[default]
    None,
    /// They are lent.
    Lent,
    /// They are here, and may not be lent again until more has come: the last borrower hardly used them.
    Refused,
}

/// How many records like the last have to be there: fewer are not worth a copy.
const SEVERAL: usize = 8;

/// The longest records that are lent: to copy a longer one twice costs more than the call that is saved.
const LONGEST: usize = 256;

/// The most bytes that are lent at once: while they are cut, they stay in the processor's first cache.
const LARGEST: usize = 16 * 1024;

impl TcpSocket {
    /// Whether Lua may be cutting the unread bytes.
    #[inline]
    #[must_use]
    pub fn is_lent(&self) -> bool {
        self.loan == Loan::Lent
    }

    /// Whether the unread bytes are worth lending to somebody who has just received a record of so many bytes.
    #[inline]
    #[must_use]
    pub fn is_worth_lending(&self, record: usize) -> bool {
        self.loan == Loan::None && record <= LONGEST && self.unread.len() / SEVERAL > record
    }

    /// Lends the first unread bytes: here they are.
    pub fn lend(&mut self) -> Chunk {
        self.loan = Loan::Lent;
        self.unread.first(LARGEST)
    }

    /// Takes back a loan of which so many bytes are gone. When that is less than half of it, the next has to wait
    /// until more has come from the system, so that nothing is copied twice in vain.
    pub fn take_back(&mut self, lent: usize, gone: usize) {
        self.loan = if gone < lent / 2 {
            Loan::Refused
        } else {
            Loan::None
        };
        self.unread.skip(gone);
    }

    /// Notes that bytes have come from the system.
    #[inline]
    pub(super) fn forget_loan(&mut self) {
        debug_assert!(!self.is_lent(), "bytes that are lent are not added to");
        self.loan = Loan::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Pattern;

    fn socket_with(bytes: &[u8]) -> TcpSocket {
        let mut socket = TcpSocket::new();
        socket.unread.storage().extend_from_slice(bytes);
        socket
    }

    #[test]
    fn several_records_are_worth_lending() {
        let socket = socket_with(&[b'.'; 80]);
        assert!(socket.is_worth_lending(9));
        assert!(!socket.is_worth_lending(10));
        assert!(!socket_with(b"").is_worth_lending(0));
        let socket = socket_with(&[b'.'; 16 * LONGEST]);
        assert!(socket.is_worth_lending(LONGEST) && !socket.is_worth_lending(LONGEST + 1));
    }

    #[test]
    fn what_was_cut_is_gone_when_it_is_taken_back() {
        let mut socket = socket_with(b"one\ntwo\nthree\n");
        assert_eq!(socket.lend().as_slice(), b"one\ntwo\nthree\n");
        assert!(socket.is_lent() && !socket.is_worth_lending(0));
        socket.take_back(14, 8);
        assert!(!socket.is_lent());
        let line = socket.unread.take(Pattern::Line).expect("it is here");
        assert_eq!(line.as_slice(), b"three");
        assert!(!socket.has_unread());
    }

    #[test]
    fn a_loan_is_no_larger_than_what_is_soon_used() {
        let mut socket = socket_with(&[b'.'; LARGEST + 100]);
        assert_eq!(socket.lend().as_slice().len(), LARGEST);
        socket.take_back(LARGEST, LARGEST);
        assert_eq!(socket.unread.len(), 100);
        assert!(socket.is_worth_lending(1));
    }

    #[test]
    fn who_hardly_used_a_loan_gets_the_next_when_more_has_come() {
        let mut socket = socket_with(&[b'.'; 100]);
        let lent = socket.lend().as_slice().len();
        socket.take_back(lent, 49);
        assert!(!socket.is_worth_lending(0));
        socket.forget_loan();
        assert!(socket.is_worth_lending(0));
    }

    #[test]
    fn no_more_is_gone_than_there_was() {
        let mut socket = socket_with(b"four");
        let lent = socket.lend().as_slice().len();
        socket.take_back(lent, 1000);
        assert!(!socket.has_unread());
        socket.take_back(0, 1);
        assert!(!socket.has_unread());
    }
}
