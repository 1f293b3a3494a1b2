//! What the client asks and what must come back: pure functions of a key and a sequence number, so
//! that neither side of a comparison has to be stored.

use crate::rng::Rng;

/// A service of `lua/soak/server.lua`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Lines that come back without their carriage returns.
    Line,
    /// Any bytes, whatever their borders.
    Echo,
    /// A line with a count, then that many bytes.
    Count,
}

impl Service {
    pub(crate) const ALL: [Service; 3] = [Service::Line, Service::Echo, Service::Count];

    /// The name in options and in the server's ready line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Line => "line",
            Service::Echo => "echo",
            Service::Count => "count",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Service> {
        Service::ALL
            .into_iter()
            .find(|service| service.name() == name)
    }

    /// How many of `bytes` the service sends back.
    pub(crate) fn returned(self, bytes: &[u8]) -> u64 {
        let dropped = match self {
            Service::Line => bytes.iter().filter(|&&byte| byte == b'\r').count(),
            Service::Echo | Service::Count => 0,
        };
        (bytes.len() - dropped) as u64
    }

    /// What the service sends back for `bytes`.
    pub(crate) fn answer(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self == Service::Line {
            bytes.retain(|&byte| byte != b'\r');
        }
        bytes
    }
}

/// A line that [`Service::Count`] must refuse, and the refusal, after which it closes.
pub(crate) const JUNK: &[u8] = b"\0\xff no count \x7f-1\n";
pub(crate) const REFUSAL: &[u8] = b"refused\n";

/// One request, apart from the key and the sequence number that decide its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// Bytes in all, at least 1; for [`Service::Count`] the count line comes on top.
    pub(crate) size: usize,
    /// Any bytes that the service lets pass, instead of readable ones.
    pub(crate) binary: bool,
}

/// The bytes of request number `sequence` of the connection with `key`.
///
/// Requests long enough begin with the number and the key, for a reader of a failure; the rest is
/// random, so that a byte in the wrong place does not go unseen.
pub(crate) fn request(service: Service, key: u64, sequence: usize, spec: Spec) -> Vec<u8> {
    let mut rng = Rng::new(key, sequence as u64);
    let mut bytes = Vec::with_capacity(spec.size + 8);
    if service == Service::Count {
        bytes.extend_from_slice(format!("{}\n", spec.size).as_bytes());
    }
    let end = bytes.len() + spec.size;
    let label = format!("#{sequence} of {key:016x} ");
    if !spec.binary && label.len() < spec.size {
        bytes.extend_from_slice(label.as_bytes());
    }
    while bytes.len() < end {
        let word = rng.next().to_le_bytes();
        let wanted = word.len().min(end - bytes.len());
        bytes.extend(word[..wanted].iter().map(|&byte| {
            if spec.binary {
                byte
            } else {
                TEXT[usize::from(byte) % TEXT.len()]
            }
        }));
    }
    if service == Service::Line {
        for byte in &mut bytes {
            if *byte == b'\n' {
                *byte = b'\r';
            }
        }
        if let Some(last) = bytes.last_mut() {
            *last = b'\n';
        }
    }
    bytes
}

const TEXT: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_once_and_have_the_size_asked_for() {
        for size in [1, 2, 30, 102_400] {
            for binary in [false, true] {
                let line = request(Service::Line, 7, 3, Spec { size, binary });
                assert_eq!(line.len(), size);
                assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(size - 1));
            }
        }
    }

    #[test]
    fn binary_lines_hold_carriage_returns_that_do_not_come_back() {
        let line = request(
            Service::Line,
            7,
            3,
            Spec {
                size: 10_000,
                binary: true,
            },
        );
        let returned = Service::Line.returned(&line);
        assert!(line.contains(&b'\r') && line.contains(&0));
        assert!(returned < 10_000);
        assert_eq!(Service::Line.answer(line).len() as u64, returned);
    }

    #[test]
    fn a_count_line_goes_before_the_counted_bytes() {
        let frame = request(
            Service::Count,
            7,
            3,
            Spec {
                size: 40,
                binary: false,
            },
        );
        assert!(frame.starts_with(b"40\n#3 of 0000000000000007 "));
        assert_eq!(frame.len(), 43);
    }

    #[test]
    fn key_and_sequence_decide_the_content() {
        let spec = Spec {
            size: 64,
            binary: true,
        };
        let one = request(Service::Echo, 7, 3, spec);
        assert_eq!(one, request(Service::Echo, 7, 3, spec));
        assert_ne!(one, request(Service::Echo, 7, 4, spec));
        assert_ne!(one, request(Service::Echo, 8, 3, spec));
    }
}
