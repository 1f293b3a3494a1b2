//! One connection, and as much data as the server takes or gives.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{Address, Wire};
use super::wrong;

/// Bytes that are written at once.
pub(crate) const MEBIBYTE: usize = 1 << 20;

/// What `bulk` sends, again and again.
pub(crate) const PATTERN: &[u8; 16] = b"0123456789abcdef";

/// Sends units that the server counts, then one that ends them, and compares the count.
pub(crate) struct Counted {
    stream: BufReader<Wire>,
    batch: Vec<u8>,
    units: u64,
    answer: String,
}

impl Counted {
    /// Lines of `length` bytes with their newline; an empty line ends them.
    pub(crate) fn lines(server: &Address, length: usize) -> io::Result<Counted> {
        let units = MEBIBYTE / length;
        let mut line = vec![b'x'; length - 1];
        line.push(b'\n');
        let mut batch = line.repeat(units);
        batch.push(b'\n');
        let answer = format!("{units} {}\n", units * (length - 1));
        Counted::new(server, batch, units, answer)
    }

    /// Records of `size` bytes; one of dots ends them.
    pub(crate) fn records(server: &Address, size: usize) -> io::Result<Counted> {
        let units = MEBIBYTE / size;
        let mut batch = vec![b'x'; units * size];
        batch.resize((units + 1) * size, b'.');
        // The one of dots is a record as well.
        Counted::new(server, batch, units, format!("{units}\n"))
    }

    fn new(server: &Address, batch: Vec<u8>, units: usize, answer: String) -> io::Result<Counted> {
        Ok(Counted {
            stream: BufReader::new(server.connect()?),
            batch,
            units: units as u64,
            answer,
        })
    }

    /// Sends batches for `time`, at least one; the number of units.
    pub(crate) fn send(&mut self, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let mut units = 0;
        loop {
            self.stream.get_mut().write_all(&self.batch)?;
            let mut answer = String::new();
            self.stream.read_line(&mut answer)?;
            if answer != self.answer {
                return Err(wrong(format!(
                    "{answer:?} were counted of {:?}",
                    self.answer
                )));
            }
            units += self.units;
            if start.elapsed() >= time {
                return Ok(units);
            }
        }
    }
}

/// Sends `mebibytes`, closes its half, and compares the count of bytes that is the answer.
pub(crate) fn send_all(server: &Address, mebibytes: usize) -> io::Result<()> {
    let mut stream = server.connect()?;
    let block = PATTERN.repeat(MEBIBYTE / PATTERN.len());
    for _ in 0..mebibytes {
        stream.write_all(&block)?;
    }
    stream.finish()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let sent = mebibytes * MEBIBYTE;
    if answer.trim_end() != sent.to_string() {
        return Err(wrong(format!("{answer:?} bytes arrived of {sent}")));
    }
    Ok(())
}

/// Asks for blocks and compares each byte.
pub(crate) struct Download {
    stream: Wire,
    expected: Vec<u8>,
    buffer: Vec<u8>,
}

impl Download {
    pub(crate) fn open(server: &Address) -> io::Result<Download> {
        Ok(Download {
            stream: server.connect()?,
            expected: PATTERN.repeat(MEBIBYTE / PATTERN.len()),
            buffer: vec![0; MEBIBYTE],
        })
    }

    /// Asks for 16 blocks at a time, for `time`, at least once; the number of blocks.
    pub(crate) fn receive(&mut self, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let mut blocks = 0;
        loop {
            self.stream.write_all(b"16\n")?;
            for _ in 0..16 {
                self.stream.read_exact(&mut self.buffer)?;
                if self.buffer != self.expected {
                    return Err(wrong("a block is not what was asked for"));
                }
            }
            blocks += 16;
            if start.elapsed() >= time {
                return Ok(blocks);
            }
        }
    }
}

/// Sends lines of 64 bytes without end while `meanwhile` runs.
pub(crate) fn flood<T>(
    server: &Address,
    meanwhile: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut stream = server.connect()?;
    let mut line = vec![b'x'; 63];
    line.push(b'\n');
    let block = line.repeat(1024);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // The program has ended.
                if stream.write_all(&block).is_err() {
                    break;
                }
            }
        });
        let result = meanwhile();
        over.store(true, Ordering::Relaxed);
        result
    })
}
