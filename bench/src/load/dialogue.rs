//! What a client asks, and what it must be answered; no request is like the one before.

use std::ops::Range;

use super::letters;

/// Bytes of a line with its newline.
const LINE: usize = 64;

/// Digits of the number that tells requests apart.
const DIGITS: usize = 8;

/// One client's requests and their answers.
pub(crate) struct Dialogue {
    client: u32,
    number: u32,
    request: Text,
    /// None if the request itself comes back.
    answer: Option<Text>,
    requests: usize,
}

/// Bytes, where in them the number stands, and what is filled with letters.
struct Text {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    fillings: Vec<Range<usize>>,
}

impl Dialogue {
    /// `depth` lines of client `client` at a time, which come back.
    pub(crate) fn lines(client: usize, depth: usize) -> Dialogue {
        let mut bytes = Vec::new();
        let mut numbers = Vec::new();
        let mut fillings = Vec::new();
        for line in 0..depth {
            bytes.extend(format!("{client:08x} {line:04x} ").bytes());
            let end = (line + 1) * LINE - 1;
            numbers.push(bytes.len());
            fillings.push(bytes.len() + DIGITS..end);
            bytes.resize(end, b'x');
            bytes.push(b'\n');
        }
        Dialogue {
            client: client as u32,
            number: 0,
            request: Text {
                bytes,
                numbers,
                fillings,
            },
            answer: None,
            requests: depth,
        }
    }

    /// A page of HTTP, whose content is its path.
    pub(crate) fn page(client: usize) -> Dialogue {
        let path = format!("/{client:08x}/00000000");
        let text = |before: &str, after: &str| Text {
            bytes: format!("{before}{path}{after}").into_bytes(),
            numbers: vec![before.len() + path.len() - DIGITS],
            fillings: Vec::new(),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
            path.len()
        );
        let about = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
        Dialogue {
            client: client as u32,
            number: 0,
            request: text("GET ", about),
            answer: Some(text(&head, "")),
            requests: 1,
        }
    }

    /// How many requests are sent at once.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> &[u8] {
        self.number += 1;
        let number = u64::from(self.client) << 32 | u64::from(self.number);
        self.request.set(number);
        if let Some(answer) = &mut self.answer {
            answer.set(number);
        }
        &self.request.bytes
    }

    /// The answer to it.
    pub(crate) fn answer(&self) -> &[u8] {
        &self.answer.as_ref().unwrap_or(&self.request).bytes
    }
}

impl Text {
    /// Makes it that of another request, of which the number shows the low half.
    fn set(&mut self, number: u64) {
        let digits = format!("{:0DIGITS$x}", number as u32);
        for place in &self.numbers {
            self.bytes[*place..place + DIGITS].copy_from_slice(digits.as_bytes());
        }
        for (line, filling) in self.fillings.iter().enumerate() {
            let seed = number ^ (line as u64) << 48;
            letters::fill(&mut self.bytes[filling.clone()], seed);
        }
    }
}
