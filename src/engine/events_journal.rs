//! Events that are in the journal of systemd, as journalctl prints them: its files are not ours to take apart.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::log_lines::find;
use super::{EngineError, Result, io};
use crate::store::Store;
use crate::store::event_journal::{IDENTIFIER, STORE, parse};
use crate::store::events::Event;

/// What is longer than this without an end of line is no event.
const LINE_LIMIT: usize = 1 << 20;

/// A journalctl that runs, and what it has printed.
pub struct JournalReader {
    journalctl: Child,
    output: ChildStdout,
    buffer: Vec<u8>,
}

impl JournalReader {
    /// `since`: nothing before is wanted. `from_start`: what has happened as well. `waits`: what will happen as well.
    /// `user`: whose events.
    pub fn open(
        store: &Store,
        since: Option<SystemTime>,
        (from_start, waits): (bool, bool),
        user: u32,
    ) -> Result<Self> {
        let mut command = Command::new("journalctl");
        command.args(["--quiet", "--all", "--output=json", IDENTIFIER]);
        command.arg(format!("_UID={user}"));
        command.arg(format!("{STORE}={}", store.path().to_string_lossy()));
        if waits {
            command.arg("--follow");
        }
        match (from_start, waits) {
            (true, true) => command.arg("--no-tail"),
            (false, true) => command.arg("--lines=0"),
            (_, false) => &mut command,
        };
        if let Some(since) = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok()) {
            command.arg(format!("--since=@{}", since.as_secs()));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut journalctl = command.spawn().map_err(|error| {
            EngineError::Refused(format!(
                "events are in the journal, which journalctl reads, and that cannot be run: {error}"
            ))
        })?;
        let output = journalctl.stdout.take().expect("it was asked for");
        Ok(Self {
            journalctl,
            output,
            buffer: Vec::new(),
        })
    }

    /// The next event of those that are here.
    pub fn read(&mut self) -> Option<Event> {
        while let Some(end) = find(b'\n', &self.buffer) {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            if let Some(event) = parse(&line) {
                return Some(event);
            }
        }
        None
    }

    /// Takes what journalctl prints; `false` where it has ended.
    pub fn fill(&mut self) -> Result<bool> {
        if self.buffer.len() > LINE_LIMIT {
            self.buffer.clear();
        }
        let mut chunk = [0; 64 << 10];
        let length = self
            .output
            .read(&mut chunk)
            .map_err(io("the output of journalctl"))?;
        self.buffer.extend_from_slice(&chunk[..length]);
        Ok(length > 0)
    }
}

/// Readable when it has printed something, or has ended.
impl AsFd for JournalReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

impl Drop for JournalReader {
    fn drop(&mut self) {
        let _ = self.journalctl.kill();
        let _ = self.journalctl.wait();
    }
}
