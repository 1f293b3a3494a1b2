//! What happens at the ends of lines.

use super::CRLF;

/// How many bytes lines may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The line that has begun.
    pub(super) left: i64,
    /// Each later line.
    pub(super) length: i64,
}

/// Breaks `text` into lines that end in CRLF; returns the room that is left in the last.
pub(super) fn wrap(room: Room, text: &[u8], output: &mut Vec<u8>) -> i64 {
    let mut left = room.left;
    for &byte in text {
        match byte {
            b'\r' => {}
            b'\n' => {
                output.extend_from_slice(CRLF);
                left = room.length;
            }
            _ => {
                if left <= 0 {
                    output.extend_from_slice(CRLF);
                    left = room.length;
                }
                output.push(byte);
                left -= 1;
            }
        }
    }
    left
}

/// Writes `marker` for each CR, LF, CRLF or LFCR. `last` is the CR or LF that may be half of one, or
/// anything else; so is what it returns.
pub(super) fn normalize(mut last: i64, text: &[u8], marker: &[u8], output: &mut Vec<u8>) -> i64 {
    let is_end = |value: i64| value == i64::from(b'\r') || value == i64::from(b'\n');
    for &byte in text {
        let value = i64::from(byte);
        if !is_end(value) {
            output.push(byte);
            last = 0;
        } else if is_end(last) {
            if value == last {
                output.extend_from_slice(marker);
            }
            last = 0;
        } else {
            output.extend_from_slice(marker);
            last = value;
        }
    }
    last
}

/// Doubles each dot after a CRLF. `matched` counts the bytes of CRLF just before; so does what it
/// returns.
pub(super) fn stuff(mut matched: i64, text: &[u8], output: &mut Vec<u8>) -> i64 {
    for &byte in text {
        output.push(byte);
        matched = match byte {
            b'\r' => 1,
            b'\n' if matched == 1 => 2,
            b'.' if matched == 2 => {
                output.push(b'.');
                0
            }
            _ => 0,
        };
    }
    matched
}
