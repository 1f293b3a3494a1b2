//! Connections of one line, from both sides.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{PATIENCE, wrong};

/// How many clients or servers work at once.
const WORKERS: usize = 4;

/// Connects, asks, and reads to the end, for `time`; the number of connections.
pub(crate) fn visit(server: SocketAddr, time: Duration) -> io::Result<u64> {
    let start = Instant::now();
    thread::scope(|scope| {
        let visit_for_time = || {
            let mut visits = 0;
            while start.elapsed() < time {
                visit_once(server, visits)?;
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

fn visit_once(server: SocketAddr, number: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let line = format!("visit {number}\n");
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer != line {
        return Err(wrong(format!("{answer:?} is the answer to {line:?}")));
    }
    Ok(())
}

/// Serves connections of one line while `meanwhile` runs; the number of connections and its result.
pub(crate) fn serve<T>(meanwhile: impl FnOnce(u16) -> io::Result<T>) -> io::Result<(u64, T)> {
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

fn answer(stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    stream.get_mut().write_all(line.as_bytes())?;
    // The client closes first.
    stream.read_to_string(&mut line)?;
    Ok(())
}
