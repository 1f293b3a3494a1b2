//! Bytes to be written, up to a gate that opens step by step.

use std::io::{self, Write};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    /// Index that writing must not pass.
    gate: usize,
}

impl Outbox {
    /// Holds `bytes` instead of what it held, with an open gate.
    pub(crate) fn fill(&mut self, bytes: Vec<u8>) {
        *self = Outbox {
            gate: bytes.len(),
            written: 0,
            bytes,
        };
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Lets writing go as far as `index`, at most to the end.
    pub(crate) fn set_gate(&mut self, index: usize) {
        self.gate = index.min(self.bytes.len());
    }

    pub(crate) fn gate(&self) -> usize {
        self.gate
    }

    /// True if all up to the gate is written.
    pub(crate) fn is_at_gate(&self) -> bool {
        self.written == self.gate
    }

    /// True if everything is written.
    pub(crate) fn is_done(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Writes once, not beyond the gate, and returns what was written.
    ///
    /// # Errors
    ///
    /// What `write` reports.
    pub(crate) fn write(&mut self, stream: &mut impl Write) -> io::Result<&[u8]> {
        let start = self.written;
        self.written += stream.write(&self.bytes[start..self.gate])?;
        Ok(&self.bytes[start..self.written])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_stops_at_the_gate() {
        let mut outbox = Outbox::default();
        let mut written = Vec::new();
        outbox.fill(b"abcdef".to_vec());
        outbox.set_gate(2);
        assert_eq!(outbox.write(&mut written).unwrap(), b"ab");
        assert!(outbox.is_at_gate() && !outbox.is_done());
        outbox.set_gate(9);
        assert_eq!(outbox.write(&mut written).unwrap(), b"cdef");
        assert!(outbox.is_at_gate() && outbox.is_done());
        assert_eq!(written, b"abcdef");
    }
}
