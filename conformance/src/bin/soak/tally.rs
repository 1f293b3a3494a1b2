//! What a run did, counted, and what went wrong in it.

/// Counts over a whole run; each act of the clients has one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: u64,
    pub(crate) replaced: u64,
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) dribbled_bytes: u64,
    pub(crate) pauses: u64,
    pub(crate) deaf: u64,
    /// Times a deaf client could not even write any more: the server surely waited in its send.
    pub(crate) walls: u64,
    pub(crate) binary: u64,
    pub(crate) resets: u64,
    pub(crate) abrupt_closes: u64,
    pub(crate) closes: u64,
    pub(crate) half_closes: u64,
    pub(crate) cut_requests: u64,
    pub(crate) refusals: u64,
    /// Clients that do not read just now.
    pub(crate) deaf_now: usize,
}

impl Tally {
    /// The counts as lines of text.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Tally {
            connected,
            replaced,
            asked,
            answered,
            bytes_sent,
            bytes_received,
            dribbled_bytes,
            pauses,
            deaf,
            walls,
            binary,
            resets,
            abrupt_closes,
            closes,
            half_closes,
            cut_requests,
            refusals,
            deaf_now: _,
        } = self;
        vec![
            format!("connections: {connected} opened, {replaced} of them in place of ended ones"),
            format!("requests: {asked} asked, {answered} answered; {binary} of any bytes"),
            format!("bytes: {bytes_sent} sent, {bytes_received} received and compared"),
            format!("writes: {dribbled_bytes} of one byte, {pauses} pauses within a request"),
            format!(
                "stalls: {deaf} clients stopped reading, {walls} of them until writing blocked"
            ),
            format!(
                "ends: {resets} resets, {abrupt_closes} closes at any moment, {closes} orderly closes"
            ),
            format!("ends: {half_closes} half-closes ({cut_requests} within a request)"),
            format!("ends: {refusals} refusals of garbage"),
        ]
    }
}

/// Failures: all are counted, the first ones kept.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    texts: Vec<String>,
    count: usize,
}

impl Failures {
    const KEPT: usize = 12;
    /// From here on a run is not worth its time.
    pub(crate) const MANY: usize = 40;

    pub(crate) fn add(&mut self, text: String) {
        self.count += 1;
        if self.texts.len() < Failures::KEPT {
            self.texts.push(text);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }
}
