//! The server under test: a Lua program in a process of its own, with a control connection to it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use conformance::run::{Output, Session};

use crate::options::Options;
use crate::request::Service;

/// A service and where it listens.
pub(crate) type Target = (Service, SocketAddr);

/// A running server; dropping it kills it.
pub(crate) struct Server {
    session: Session,
    control: BufReader<TcpStream>,
    pub(crate) pid: u32,
    pub(crate) targets: Vec<Target>,
}

/// What the server says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// Clients being served now, in all so far, and done.
    pub(crate) open: u64,
    pub(crate) accepted: u64,
    pub(crate) closed: u64,
    /// Memory of the Lua state in KiB.
    pub(crate) lua_kib: u64,
    /// Results that no client may cause; empty if all is well.
    pub(crate) odd: String,
}

impl Server {
    /// Starts the server that `options` describe and waits until it listens.
    ///
    /// # Errors
    ///
    /// A sentence if it cannot be talked to.
    ///
    /// # Panics
    ///
    /// With all that it wrote, if it does not come up at all.
    pub(crate) fn start(options: &Options) -> Result<Server, String> {
        let program =
            conformance::repository().join(PathBuf::from("conformance/lua/soak/server.lua"));
        let mut session = Session::start(options.subject.script(options.lua, &program));
        let line = session.next_line(Duration::from_secs(60));
        let targets = options.services.iter().map(|&service| {
            let port = value(&line, service.name())?;
            Ok((service, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        });
        let targets = targets.collect::<Result<_, String>>()?;
        let control = TcpStream::connect((Ipv4Addr::LOCALHOST, value(&line, "control")?))
            .and_then(|stream| {
                stream.set_read_timeout(Some(options.plan.patience))?;
                Ok(BufReader::new(stream))
            })
            .map_err(|error| format!("control connection: {error}"))?;
        Ok(Server {
            session,
            control,
            pid: value(&line, "pid")?,
            targets,
        })
    }

    /// Asks for the server's own counts; `collect` makes it collect garbage first.
    ///
    /// # Errors
    ///
    /// A sentence if it does not answer, or not so.
    pub(crate) fn stats(&mut self, collect: bool) -> Result<Stats, String> {
        let answer = self.ask(if collect { "collect" } else { "stats" })?;
        Stats::parse(&answer).ok_or_else(|| format!("the server's counts are unreadable: {answer}"))
    }

    /// Tells the server to end, and leaves it as the last of its clients.
    ///
    /// # Errors
    ///
    /// A sentence if it does not answer.
    pub(crate) fn quit(&mut self) -> Result<(), String> {
        let answer = self.ask("quit")?;
        if answer != "bye" {
            return Err(format!("the server answers \"{answer}\" to quit"));
        }
        let closed = self.control.get_ref().shutdown(Shutdown::Both);
        closed.map_err(|error| format!("control connection: {error}"))
    }

    /// Waits until the server ends, kills it after `limit`, and returns how it ended.
    pub(crate) fn finish(self, limit: Duration) -> Output {
        self.session.finish(limit)
    }

    fn ask(&mut self, command: &str) -> Result<String, String> {
        let mut answer = String::new();
        let request = format!("{command}\n");
        let written = self.control.get_mut().write_all(request.as_bytes());
        written
            .and_then(|()| self.control.read_line(&mut answer))
            .map_err(|error| format!("the server does not answer \"{command}\": {error}"))?;
        match answer.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => Err(format!(
                "the server closed the control connection at \"{command}\""
            )),
        }
    }
}

impl Stats {
    fn parse(line: &str) -> Option<Stats> {
        let (counts, odd) = line.split_once(" odd=")?;
        Some(Stats {
            open: value(counts, "open").ok()?,
            accepted: value(counts, "accepted").ok()?,
            closed: value(counts, "closed").ok()?,
            lua_kib: value(counts, "lua_kib").ok()?,
            odd: odd.to_owned(),
        })
    }
}

/// The number after `name=` in a line of such words.
fn value<N: std::str::FromStr>(line: &str, name: &str) -> Result<N, String> {
    let mut pairs = line.split(' ').filter_map(|word| word.split_once('='));
    let text = pairs.find(|(key, _)| *key == name).map(|(_, text)| text);
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("no {name} in \"{line}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_nonsense_is_not() {
        let line = "open=3 accepted=10 closed=7 lua_kib=99 odd=send: refused x2";
        let stats = Stats {
            open: 3,
            accepted: 10,
            closed: 7,
            lua_kib: 99,
            odd: "send: refused x2".into(),
        };
        assert_eq!(Stats::parse(line), Some(stats));
        assert_eq!(Stats::parse("open=3 accepted=10 closed=7 odd="), None);
        assert_eq!(Stats::parse("bye"), None);
    }

    #[test]
    fn ports_are_found_by_name() {
        assert_eq!(value("ready line=10 echo=20", "echo"), Ok(20_u16));
        assert_eq!(
            value::<u16>("ready line=70000", "line").unwrap_err(),
            "no line in \"ready line=70000\""
        );
    }
}
