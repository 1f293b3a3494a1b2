//! Compares what comes back with what was sent, byte by byte, and says what a difference looks like.

use crate::request::{Service, Spec, request};

/// Follows one connection: what was sent, what has come back.
#[derive(Debug)]
pub(crate) struct Checker {
    service: Service,
    key: u64,
    specs: Vec<Spec>,
    /// Request whose answer is expected next, as an index of `specs`.
    next: usize,
    expected: Vec<u8>,
    matched: usize,
    /// Bytes that the server owes for what was written so far, and bytes it returned.
    owed: u64,
    received: u64,
    /// What must follow the answers, once the last request was refused.
    finale: &'static [u8],
}

/// How many bytes at a difference are compared with the rest of the stream.
const WINDOW: usize = 32;

impl Checker {
    pub(crate) fn new(service: Service, key: u64) -> Checker {
        Checker {
            service,
            key,
            specs: Vec::new(),
            next: 0,
            expected: Vec::new(),
            matched: 0,
            owed: 0,
            received: 0,
            finale: b"",
        }
    }

    /// Adds a request and returns its bytes, none of which counts as sent yet.
    pub(crate) fn ask(&mut self, spec: Spec) -> Vec<u8> {
        self.specs.push(spec);
        request(self.service, self.key, self.specs.len() - 1, spec)
    }

    /// Notes that `bytes` of the requests were written.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        self.owed += self.service.returned(bytes);
    }

    /// Notes a line that the server must refuse with `finale` after all answers.
    pub(crate) fn refuse(&mut self, finale: &'static [u8]) {
        self.finale = finale;
        self.owed += finale.len() as u64;
    }

    /// Bytes that are still to come.
    pub(crate) fn outstanding(&self) -> u64 {
        self.owed - self.received
    }

    /// Takes bytes from the server and returns how many answers they completed.
    ///
    /// # Errors
    ///
    /// A sentence on the first byte that is not the next one owed.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<u64, String> {
        let mut completed = 0;
        while !bytes.is_empty() {
            if self.matched == self.expected.len() && !self.load() {
                return Err(self.differs(bytes, "more than was asked for"));
            }
            let rest = &self.expected[self.matched..];
            let length = rest.len().min(bytes.len());
            let same = rest[..length]
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            self.matched += same;
            self.received += same as u64;
            if same < length {
                return Err(self.differs(&bytes[same..], "not what was sent"));
            }
            if self.received > self.owed {
                return Err(format!("answer before the request at byte {}", self.owed));
            }
            bytes = &bytes[length..];
            if self.matched == self.expected.len() {
                completed += 1;
                // Thousands of idle connections must not keep their last answer.
                self.expected = Vec::new();
                self.matched = 0;
            }
        }
        Ok(completed)
    }

    /// Checks the end of the server's stream.
    ///
    /// # Errors
    ///
    /// A sentence on what is missing.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.outstanding() {
            0 => Ok(()),
            missing => Err(format!("lost the last {missing} of {} bytes", self.owed)),
        }
    }

    fn load(&mut self) -> bool {
        self.matched = 0;
        if let Some(&spec) = self.specs.get(self.next) {
            self.expected = self
                .service
                .answer(request(self.service, self.key, self.next, spec));
            self.next += 1;
        } else {
            self.expected = std::mem::take(&mut self.finale).to_vec();
        }
        !self.expected.is_empty()
    }

    /// Describes `bytes`, which came instead of the byte at index `received`.
    fn differs(&self, bytes: &[u8], what: &str) -> String {
        let here = self.received as usize;
        let window = &bytes[..bytes.len().min(WINDOW)];
        let place = match self.find(window) {
            Some(at) if at < here => format!("{} bytes repeated", here - at),
            Some(at) => format!("{} bytes lost, or yet to come", at - here),
            None => "from nowhere in this stream".to_owned(),
        };
        let text = window.escape_ascii();
        format!(
            "{what} at byte {here} of {} owed: {place}; got \"{text}\"",
            self.owed
        )
    }

    /// Where in the whole stream `window` stands, nearest to the present place.
    fn find(&self, window: &[u8]) -> Option<usize> {
        const ENOUGH_TO_BE_UNIQUE: usize = 8;
        if window.len() < ENOUGH_TO_BE_UNIQUE {
            return None;
        }
        let mut stream = Vec::new();
        for (sequence, &spec) in self.specs.iter().enumerate() {
            let bytes = request(self.service, self.key, sequence, spec);
            stream.extend_from_slice(&self.service.answer(bytes));
        }
        let here = self.received as usize;
        stream
            .windows(window.len())
            .enumerate()
            .filter(|(_, candidate)| *candidate == window)
            .map(|(at, _)| at)
            .min_by_key(|at| at.abs_diff(here))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checker that has asked for and sent `count` echoes of 100 bytes, and those bytes.
    fn asked(count: usize) -> (Checker, Vec<u8>) {
        let mut checker = Checker::new(Service::Echo, 5);
        let mut bytes = Vec::new();
        for _ in 0..count {
            bytes.extend(checker.ask(Spec {
                size: 100,
                binary: false,
            }));
        }
        checker.sent(&bytes);
        (checker, bytes)
    }

    #[test]
    fn the_same_bytes_in_any_pieces_pass() {
        let (mut checker, bytes) = asked(10);
        let answers: u64 = bytes
            .chunks(7)
            .map(|piece| checker.take(piece).unwrap())
            .sum();
        assert_eq!(answers, 10);
        assert_eq!(checker.finish(), Ok(()));
    }

    #[test]
    fn a_gap_is_reported_with_its_length() {
        let (mut checker, mut bytes) = asked(10);
        bytes.drain(250..290);
        let error = checker.take(&bytes).unwrap_err();
        assert!(
            error.contains("at byte 250 of 1000 owed: 40 bytes lost"),
            "{error}"
        );
    }

    #[test]
    fn a_repetition_is_reported_with_its_length() {
        let (mut checker, bytes) = asked(10);
        checker.take(&bytes[..420]).unwrap();
        let error = checker.take(&bytes[390..]).unwrap_err();
        assert!(
            error.contains("at byte 420 of 1000 owed: 30 bytes repeated"),
            "{error}"
        );
    }

    #[test]
    fn a_repetition_after_the_last_answer_is_reported() {
        let (mut checker, bytes) = asked(1);
        checker.take(&bytes).unwrap();
        let error = checker.take(&bytes[60..]).unwrap_err();
        assert!(error.contains("more than was asked for"), "{error}");
        assert!(error.contains("40 bytes repeated"), "{error}");
    }

    #[test]
    fn a_changed_byte_is_reported() {
        let (mut checker, mut bytes) = asked(3);
        bytes[150] ^= 1;
        let error = checker.take(&bytes).unwrap_err();
        assert!(
            error.contains("at byte 150 of 300 owed: from nowhere"),
            "{error}"
        );
    }

    #[test]
    fn an_answer_before_its_request_is_reported() {
        let mut checker = Checker::new(Service::Echo, 5);
        let bytes = checker.ask(Spec {
            size: 100,
            binary: false,
        });
        checker.sent(&bytes[..50]);
        checker.take(&bytes[..50]).unwrap();
        let error = checker.take(&bytes[50..]).unwrap_err();
        assert_eq!(error, "answer before the request at byte 50");
    }

    #[test]
    fn a_missing_end_is_reported() {
        let (mut checker, bytes) = asked(2);
        checker.take(&bytes[..180]).unwrap();
        assert_eq!(
            checker.finish(),
            Err("lost the last 20 of 200 bytes".to_owned())
        );
    }

    #[test]
    fn a_refusal_must_follow_the_answers() {
        let (mut checker, bytes) = asked(1);
        checker.refuse(b"refused\n");
        checker.take(&bytes).unwrap();
        assert!(checker.finish().is_err());
        checker.take(b"refused\n").unwrap();
        assert_eq!(checker.finish(), Ok(()));
        assert!(checker.take(b"refused\n").is_err());
    }
}
