//! Where lines end, in as few looks at their bytes as can be.

/// Where a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineEnd {
    /// The place of its feed.
    pub(super) feed: usize,
    /// How long it is without the return before the feed; `None` when it holds returns elsewhere.
    pub(super) clean: Option<usize>,
}

impl LineEnd {
    /// Finds the end of the first line, in one pass over nearly every line there is. What is short is
    /// looked through at less than the cost of a call.
    #[inline]
    pub(super) fn find(bytes: &[u8]) -> Option<LineEnd> {
        let stop = if bytes.len() < 16 {
            bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
        } else {
            memchr::memchr2(b'\n', b'\r', bytes)
        }?;
        if bytes[stop] == b'\n' {
            return Some(LineEnd {
                feed: stop,
                clean: Some(stop),
            });
        }
        let offset = memchr::memchr(b'\n', &bytes[stop..])?;
        Some(LineEnd {
            feed: stop + offset,
            clean: (offset == 1).then_some(stop),
        })
    }
}

/// The carriage returns in a run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returns {
    /// Whether there is one.
    pub any: bool,
    /// The place of the first that stands before no feed, else the number of bytes.
    pub lone: usize,
}

impl Returns {
    /// Looks for them.
    #[must_use]
    pub fn find(bytes: &[u8]) -> Returns {
        let mut any = false;
        for place in memchr::memchr_iter(b'\r', bytes) {
            any = true;
            if bytes.get(place + 1) != Some(&b'\n') {
                return Returns { any, lone: place };
            }
        }
        let lone = bytes.len();
        Returns { any, lone }
    }
}

/// How long the line is, without its end, that the first `length` bytes of `buffer` are: whole, alone, and
/// with no return but before its feed.
#[inline]
pub(crate) fn lone_line(buffer: &[u8], length: usize) -> Option<usize> {
    let stop = match buffer.first_chunk() {
        Some(word) if length <= word.len() => first_stop(*word),
        _ => memchr::memchr2(b'\n', b'\r', &buffer[..length])?,
    };
    match buffer.get(stop..length)? {
        b"\n" | b"\r\n" => Some(stop),
        _ => None,
    }
}

/// The place of the first feed or return, or 8: in all bytes at once, at the cost of a look at two.
#[inline]
fn first_stop(bytes: [u8; 8]) -> usize {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(bytes);
    // Marks the zero bytes, and above the first of them perhaps others.
    let zeroes = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let stops = zeroes(word ^ (LOW * u64::from(b'\n'))) | zeroes(word ^ (LOW * u64::from(b'\r')));
    (stops.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("pong\n", 5, Some(4))]
    #[case("pong\r\n", 6, Some(4))]
    #[case("\n", 1, Some(0))]
    #[case("sevenths\n", 9, Some(8))]
    #[case("a line of more than a word\r\n", 28, Some(26))]
    #[case("pong", 4, None)]
    #[case("pong\r", 5, None)]
    #[case("po\rng\n", 6, None)]
    #[case("pong\n\n", 6, None)]
    #[case("\n\r\n", 3, None)]
    #[case("a line of more than a word\nmore\n", 32, None)]
    #[case("a line of more than a word", 26, None)]
    // What an earlier read has left behind is not part of it.
    #[case("pong\nold\n", 5, Some(4))]
    #[case("pongs\nold", 5, None)]
    #[case("", 0, None)]
    fn a_line_alone_is_known_from_what_is_no_line_or_more(
        #[case] buffer: &str,
        #[case] length: usize,
        #[case] line: Option<usize>,
    ) {
        assert_eq!(lone_line(buffer.as_bytes(), length), line);
        // Most buffers are longer than a word.
        let long = format!("{buffer}\n2345678\r\n");
        assert_eq!(lone_line(long.as_bytes(), length), line);
    }

    #[rstest]
    #[case("", false, 0)]
    #[case("one\ntwo\n", false, 8)]
    #[case("one\r\n\r\ntwo", true, 10)]
    #[case("one\r\nt\rwo\r\n", true, 6)]
    #[case("one\r\r\n", true, 3)]
    #[case("one\r", true, 3)]
    fn a_return_before_no_feed_is_found(
        #[case] bytes: &str,
        #[case] any: bool,
        #[case] lone: usize,
    ) {
        assert_eq!(Returns::find(bytes.as_bytes()), Returns { any, lone });
    }

    #[test]
    fn a_word_stops_at_its_first_feed_or_return() {
        for place in 0..=8 {
            for stop in [b'\n', b'\r'] {
                // Bytes next to those that are looked for, and others that could carry into them.
                for other in [0, 9, 11, 12, 14, 0x8a, 0x8d, 0xff] {
                    let mut word = [other; 9];
                    word[place] = stop;
                    let word = *word.first_chunk().expect("nine are more than eight");
                    assert_eq!(first_stop(word), place, "{word:?}");
                }
            }
        }
    }
}
