//! What servers do with what they read.

use std::io::{self, ErrorKind, Write};

/// What `bulk` sends at once.
const BLOCK: usize = 1 << 20;

/// What one connection is about.
pub(crate) enum Service {
    Echo,
    Once,
    Lines(Lines),
    Records(Records),
    All(Vec<u8>),
    Bulk {
        block: Vec<u8>,
        left: usize,
        request: Vec<u8>,
    },
    /// What has come of a request.
    Pages(Vec<u8>),
}

/// Lines that are counted up to an empty one, which is answered.
#[derive(Default)]
pub(crate) struct Lines {
    lines: usize,
    bytes: usize,
    /// How much of a line has come.
    partial: usize,
}

impl Lines {
    fn take(&mut self, input: &[u8], stream: &mut impl Write) -> io::Result<()> {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', input) {
            let length = self.partial + end - start;
            (self.partial, start) = (0, end + 1);
            if length > 0 {
                self.lines += 1;
                self.bytes += length;
            } else {
                stream.write_all(format!("{} {}\n", self.lines, self.bytes).as_bytes())?;
                (self.lines, self.bytes) = (0, 0);
            }
        }
        self.partial += input.len() - start;
        Ok(())
    }
}

/// Records that are counted up to one of dots, which is answered.
pub(crate) struct Records {
    size: usize,
    records: usize,
    /// How many bytes of the record that has begun have come, and how many of them are dots.
    partial: usize,
    dots: usize,
}

impl Records {
    fn take(&mut self, input: &[u8], stream: &mut impl Write) -> io::Result<()> {
        let mut rest = input;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(self.size - self.partial));
            rest = after;
            self.partial += part.len();
            // All dots or none: the first byte tells.
            if part[0] == b'.' {
                self.dots += part.len();
            }
            if self.partial < self.size {
                break;
            }
            if self.dots == self.size {
                stream.write_all(format!("{}\n", self.records).as_bytes())?;
                self.records = 0;
            } else {
                self.records += 1;
            }
            (self.partial, self.dots) = (0, 0);
        }
        Ok(())
    }
}

impl Service {
    pub(crate) fn lines() -> Service {
        Service::Lines(Lines::default())
    }

    pub(crate) fn records(size: usize) -> Service {
        Service::Records(Records {
            size,
            records: 0,
            dots: 0,
            partial: 0,
        })
    }

    pub(crate) fn bulk() -> Service {
        Service::Bulk {
            block: b"0123456789abcdef".repeat(BLOCK / 16),
            left: 0,
            request: Vec::new(),
        }
    }

    pub(crate) fn pages() -> Service {
        Service::Pages(Vec::new())
    }

    pub(crate) fn is_bulk(&self) -> bool {
        matches!(self, Service::Bulk { .. })
    }

    /// Whether all that was asked has been answered, where nothing comes in between.
    pub(crate) fn has_answered(&self) -> bool {
        match self {
            Service::Echo => true,
            Service::Pages(rest) => rest.is_empty(),
            _ => false,
        }
    }

    /// Answers what has come; whether the connection goes on.
    pub(crate) fn take(&mut self, input: &[u8], stream: &mut impl Write) -> io::Result<bool> {
        match self {
            Service::Echo => stream.write_all(input)?,
            Service::Once => {
                stream.write_all(input)?;
                return Ok(input.last() != Some(&b'\n'));
            }
            Service::Lines(lines) => lines.take(input, stream)?,
            Service::Records(records) => records.take(input, stream)?,
            Service::All(everything) => everything.extend_from_slice(input),
            Service::Bulk {
                block,
                left,
                request,
            } => {
                request.extend_from_slice(input);
                if request.last() == Some(&b'\n') {
                    let text = String::from_utf8_lossy(request);
                    let blocks: usize = text.trim().parse().map_err(io::Error::other)?;
                    *left = blocks * block.len();
                    request.clear();
                }
            }
            Service::Pages(request) => {
                request.extend_from_slice(input);
                if request.ends_with(b"\r\n\r\n") {
                    give_page(request, stream)?;
                    request.clear();
                }
            }
        }
        Ok(true)
    }

    /// Sends as much of what was asked for as the socket takes; whether that is all.
    pub(crate) fn send_blocks(&mut self, stream: &mut impl Write) -> io::Result<bool> {
        let Service::Bulk { block, left, .. } = self else {
            return Ok(true);
        };
        while *left > 0 {
            let start = (block.len() - *left % block.len()) % block.len();
            match stream.write(&block[start..]) {
                Ok(count) => *left -= count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The other side has sent everything.
    pub(crate) fn end(&mut self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Service::All(everything) => {
                stream.write_all(format!("{}\n", everything.len()).as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// Answers one request by its path.
fn give_page(request: &[u8], stream: &mut impl Write) -> io::Result<()> {
    let mut words = request.split(|byte| *byte == b' ');
    let path = words.nth(1).unwrap_or_default();
    let mut page = Vec::with_capacity(128);
    write!(
        page,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        path.len()
    )?;
    page.extend_from_slice(path);
    stream.write_all(&page)
}
