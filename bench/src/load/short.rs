//! Connections of one line or one page, from both sides.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::SslSession;

use super::wire::{Address, Wire};
use super::{PATIENCE, wrong};

/// How many clients or servers work at once.
const WORKERS: usize = 4;

/// Connects, asks, and reads to the end, for `time`; the number of connections. If they are to be
/// `resumed`, each but a worker's first must resume the session of the one before.
pub(crate) fn visit(server: &Address, resumed: bool, time: Duration) -> io::Result<u64> {
    let start = Instant::now();
    thread::scope(|scope| {
        let visit_for_time = || {
            let mut visits = 0;
            let mut session = None;
            while start.elapsed() < time {
                let wire = server.resume(session.as_ref())?;
                if session.is_some() && !wire.is_resumed() {
                    return Err(wrong("the server did not resume a session"));
                }
                let ended = visit_once(wire, visits)?;
                session = ended.filter(|_| resumed);
                visits += 1;
            }
            Ok(visits)
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(visit_for_time)).collect();
        let visits = workers
            .into_iter()
            .map(|worker| worker.join().expect("a client does not panic"));
        visits.sum()
    })
}

/// Asks; what may be resumed.
fn visit_once(mut wire: Wire, number: u64) -> io::Result<Option<SslSession>> {
    let line = format!("visit {number}\n");
    wire.write_all(line.as_bytes())?;
    let mut answer = vec![0; line.len()];
    wire.read_exact(&mut answer)?;
    if answer != line.as_bytes() {
        let answer = String::from_utf8_lossy(&answer);
        return Err(wrong(format!("{answer:?} is the answer to {line:?}")));
    }
    wire.expect_end()?;
    Ok(wire.close())
}

/// Serves connections by `answer` while `meanwhile` runs; how many went well, and its result.
pub(crate) fn serve<T>(
    answer: fn(TcpStream) -> io::Result<()>,
    meanwhile: impl FnOnce(u16) -> io::Result<T>,
) -> io::Result<(u64, T)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let over = AtomicBool::new(false);
    let served = AtomicU64::new(0);
    let work = || {
        while let Ok((stream, _)) = listener.accept() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            // Whether all went well is the program's to say.
            if answer(stream).is_ok() {
                served.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let result = thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
        let result = meanwhile(address.port());
        over.store(true, Ordering::Relaxed);
        for _ in 0..WORKERS {
            // Wakes one of them.
            let _ = TcpStream::connect(address);
        }
        result
    });
    Ok((served.load(Ordering::Relaxed), result?))
}

/// Returns one line.
pub(crate) fn return_line(stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    stream.get_mut().write_all(line.as_bytes())?;
    // The client closes first.
    stream.read_to_string(&mut line)?;
    Ok(())
}

/// Answers one request of HTTP by its path, and closes.
pub(crate) fn give_page(stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request)?;
    let mut header = String::new();
    while header != "\r\n" {
        header.clear();
        if stream.read_line(&mut header)? == 0 {
            return Err(wrong("a request has no end"));
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let page = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{path}",
        path.len()
    );
    stream.get_mut().write_all(page.as_bytes())
}
