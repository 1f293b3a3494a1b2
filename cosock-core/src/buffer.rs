//! Bytes on their way from a stream to Lua.
//!
//! A [`Chunk`] is what one `receive` returns. It shares its bytes with the buffer they were read
//! into, so that they are copied once, into the Lua string; nobody writes to shared bytes. What is small
//! is copied twice instead.

mod line;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use line::LineEnd;
pub use line::Returns;
pub(crate) use line::lone_line;

/// A run of received bytes.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    data: Rc<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Chunk {
    /// The bytes `start..end` of `data`.
    #[must_use]
    pub fn new(data: Rc<Vec<u8>>, start: usize, end: usize) -> Chunk {
        debug_assert!(start <= end && end <= data.len());
        Chunk { data, start, end }
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.data[self.start..self.end]
    }

    /// A line without its carriage returns, which LuaSocket drops wherever they stand.
    fn into_line(mut self) -> Chunk {
        if self.as_slice().last() == Some(&b'\r') {
            self.end -= 1;
        }
        if memchr::memchr(b'\r', self.as_slice()).is_none() {
            return self;
        }
        let kept: Vec<u8> = self
            .as_slice()
            .iter()
            .copied()
            .filter(|byte| *byte != b'\r')
            .collect();
        let end = kept.len();
        Chunk::new(Rc::new(kept), 0, end)
    }
}

/// What `receive` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `"*l"`: up to a line feed, which is dropped with every carriage return.
    Line,
    /// `"*a"`: everything up to the end of the stream.
    All,
    /// Exactly so many bytes.
    Count(usize),
}

/// Results of up to so many bytes are copied: that costs less than to share them.
pub const SMALL: usize = 64;

/// Room for a result that is small.
pub type Small = [u8; SMALL];

/// What satisfies a pattern.
#[derive(Debug)]
pub enum Taken {
    /// So many bytes, in the [`Small`] given.
    Small(usize),
    /// Bytes that are shared.
    Chunk(Chunk),
}

/// The most that is reserved at once for bytes that have yet to come: a program may ask for more than its peer sends.
const LARGEST_GROWTH: usize = 1024 * 1024;

/// What satisfies a pattern, among the bytes that are here.
struct Span {
    length: usize,
    /// Where what follows begins.
    next: usize,
    /// Whether none of the bytes is to be dropped.
    clean: bool,
}

impl Span {
    /// Finds it, if all of it is in these bytes, of which the first `scanned` are known to hold no line feed.
    #[inline(always)]
    fn find(pattern: Pattern, bytes: &[u8], scanned: usize) -> Option<Span> {
        match pattern {
            Pattern::Count(count) => (bytes.len() >= count).then_some(Span {
                length: count,
                next: count,
                clean: true,
            }),
            Pattern::All => None,
            Pattern::Line => {
                let end = LineEnd::find(&bytes[scanned..])?;
                let feed = scanned + end.feed;
                // What was looked through before may hold returns.
                let clean = end.clean.filter(|_| scanned == 0);
                Some(Span {
                    length: clean.unwrap_or(feed),
                    next: feed + 1,
                    clean: clean.is_some(),
                })
            }
        }
    }
}

/// Received bytes that nobody asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    data: Option<Rc<Vec<u8>>>,
    start: usize,
    /// Bytes after `start` that are known to hold no line feed.
    scanned: usize,
}

impl Unread {
    /// How many bytes wait.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.data.as_ref().map_or(0, |data| data.len() - self.start)
    }

    /// Whether no byte waits.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what satisfies the pattern, if it is all here. [`Pattern::All`] never is.
    #[inline]
    pub(crate) fn take(&mut self, pattern: Pattern) -> Option<Chunk> {
        let span = self.find(pattern)?;
        Some(self.cut_span(span))
    }

    /// [`Unread::take`], which copies what is small to `place`.
    #[inline(always)]
    pub(crate) fn take_to(&mut self, pattern: Pattern, place: &mut Small) -> Option<Taken> {
        let span = self.find(pattern)?;
        if span.length > SMALL || !span.clean {
            return Some(Taken::Chunk(self.cut_span(span)));
        }
        if let Some(data) = &self.data {
            let rest = &data[self.start..];
            match rest.first_chunk() {
                Some(block) => *place = *block,
                None => place[..span.length].copy_from_slice(&rest[..span.length]),
            }
            self.scanned = 0;
            self.start += span.next;
            if self.start == data.len() {
                self.start = 0;
                self.data = None;
            }
        }
        Some(Taken::Small(span.length))
    }

    /// Finds what satisfies the pattern, if it is all here.
    #[inline(always)]
    fn find(&mut self, pattern: Pattern) -> Option<Span> {
        let bytes = match &self.data {
            Some(data) => &data[self.start..],
            None => &[],
        };
        let found = Span::find(pattern, bytes, self.scanned);
        if found.is_none() && pattern == Pattern::Line {
            self.scanned = bytes.len();
        }
        found
    }

    fn cut_span(&mut self, span: Span) -> Chunk {
        let chunk = self.cut(span.length, span.next);
        if span.clean { chunk } else { chunk.into_line() }
    }

    /// Takes all there is, as the partial result of `pattern`.
    pub(crate) fn take_rest(&mut self, pattern: Pattern) -> Chunk {
        let length = self.len();
        let chunk = self.cut(length, length);
        if pattern == Pattern::Line {
            chunk.into_line()
        } else {
            chunk
        }
    }

    /// All there is, which stays here, too.
    #[must_use]
    pub(crate) fn all(&self) -> Chunk {
        match &self.data {
            Some(data) => Chunk::new(Rc::clone(data), self.start, data.len()),
            None => Chunk::default(),
        }
    }

    /// The first `most` bytes, or all if there are fewer, which stay here, too.
    #[must_use]
    pub(crate) fn first(&self, most: usize) -> Chunk {
        let mut chunk = self.all();
        chunk.end = chunk.end.min(chunk.start + most);
        chunk
    }

    /// Drops so many bytes, or all if there are fewer.
    pub(crate) fn skip(&mut self, count: usize) {
        if count > 0 {
            self.cut(0, count.min(self.len()));
        }
    }

    /// Splits off `length` bytes and drops up to `drop` in all.
    fn cut(&mut self, length: usize, drop: usize) -> Chunk {
        self.scanned = 0;
        let Some(data) = &self.data else {
            return Chunk::default();
        };
        let start = self.start;
        self.start += drop;
        if self.start == data.len() {
            self.start = 0;
            Chunk::new(self.data.take().unwrap_or_default(), start, start + length)
        } else {
            Chunk::new(Rc::clone(data), start, start + length)
        }
    }

    /// Serves `pattern` from freshly read bytes: keeps what is left over.
    ///
    /// `fresh` is the shared read buffer, of which `length` bytes are new.
    pub(crate) fn take_fresh(
        &mut self,
        fresh: &Rc<Vec<u8>>,
        length: usize,
        pattern: Pattern,
    ) -> Option<Chunk> {
        if !self.is_empty() {
            self.append(&fresh[..length]);
            return self.take(pattern);
        }
        let Some(span) = Span::find(pattern, &fresh[..length], 0) else {
            self.append(&fresh[..length]);
            if pattern == Pattern::Line {
                self.scanned = length;
            }
            return None;
        };
        self.append(&fresh[span.next..length]);
        let chunk = Chunk::new(Rc::clone(fresh), 0, span.length);
        Some(if span.clean { chunk } else { chunk.into_line() })
    }

    fn append(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.storage().extend_from_slice(bytes);
        }
    }

    /// The growing buffer for reads that go straight into it.
    pub(crate) fn storage(&mut self) -> &mut Vec<u8> {
        let data = self.data.get_or_insert_default();
        if Rc::get_mut(data).is_none() {
            // A chunk of these bytes is still on its way into Lua.
            *data = Rc::new(data[self.start..].to_vec());
            self.start = 0;
        }
        let data = Rc::get_mut(data).expect("just made unique");
        if self.start > 0 && self.start >= data.len() / 2 {
            data.drain(..self.start);
            self.start = 0;
        }
        data
    }

    /// Makes room to read what is `missing`: for all of it, or where that is more than is reasonable, for one read
    /// of `usual` bytes, and for as much again as there is. False if there is no memory for it: the peer says
    /// how much comes, and must not be able to end the process.
    pub(crate) fn make_room(&mut self, missing: usize, usual: usize) -> bool {
        let storage = self.storage();
        let room = storage.capacity() - storage.len();
        if room >= usual.min(missing) {
            return true;
        }
        let reserved = if missing <= LARGEST_GROWTH {
            storage.try_reserve_exact(missing)
        } else {
            storage.try_reserve(usual)
        };
        reserved.is_ok()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Unread::default();
    }
}
