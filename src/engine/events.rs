//! Following what happens in a store.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::SystemTime;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::events_journal::JournalReader;
use super::watch::Watch;
use super::{EngineError, Result, errno, io};
use crate::store::Store;
use crate::store::event_file::FileReader;
use crate::store::events::Event;
use crate::store::read_events::EventReader;
use crate::store::recording::Recording;

/// The events of a store, and those to come.
pub struct Follower {
    reader: Reader,
    watch: Option<Watch>,
}

enum Reader {
    Log(EventReader),
    File(FileReader),
    Journal(JournalReader),
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Nothing before.
    pub since: Option<SystemTime>,
    /// What has happened as well.
    pub from_start: bool,
    /// What will happen as well.
    pub waits: bool,
    /// Who has made them happen, as the journal knows its writers.
    pub user: u32,
}

/// Whether there may be more events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    More,
    /// The time is over.
    Over,
    /// Nobody reads what we write.
    Closed,
}

impl Follower {
    /// Of where the store records them.
    pub fn open(store: &Store, wanted: Wanted) -> Result<Self> {
        let (from_start, waits) = (wanted.from_start, wanted.waits);
        let failed = || "the events of the store".to_owned();
        let reader = match &store.recording {
            Recording::Log => Reader::Log(EventReader::open(store, from_start).map_err(io(failed()))?),
            Recording::File { path, .. } => {
                let what = format!("the events in {}", path.display());
                Reader::File(FileReader::open(path, from_start).map_err(io(what))?)
            }
            Recording::Journal => {
                let flow = (from_start, waits);
                Reader::Journal(JournalReader::open(store, wanted.since, flow, wanted.user)?)
            }
            Recording::Nothing => {
                return Err(EngineError::Refused(
                    "cannot read events with the \"none\" backend".to_owned(),
                ));
            }
        };
        let watched = |directory: BorrowedFd<'_>| {
            Watch::of(directory).map_err(errno("cannot watch the events of the store"))
        };
        let watch = match &reader {
            Reader::Log(log) if waits => Some(watched(log.directory())?),
            Reader::File(file) if waits => {
                let directory = file.directory().map_err(io(failed()))?;
                Some(watched(directory.as_fd())?)
            }
            _ => None,
        };
        Ok(Self { reader, watch })
    }

    /// The next event; none when there is none yet.
    pub fn read(&mut self) -> Result<Option<Event>> {
        match &mut self.reader {
            Reader::Log(log) => log.read().map_err(io("the events of the store")),
            Reader::File(file) => file.read().map_err(io("the events of the store")),
            Reader::Journal(journal) => Ok(journal.read()),
        }
    }

    /// Waits until there may be more, no longer than `until`, and no longer than somebody reads `output`.
    pub fn wait(&mut self, until: Option<SystemTime>, output: BorrowedFd<'_>) -> Result<Wait> {
        loop {
            let source = match (&self.reader, &self.watch) {
                (Reader::Journal(journal), _) => journal.as_fd(),
                (_, Some(watch)) => watch.as_fd(),
                (_, None) => return Ok(Wait::Over),
            };
            let left = match until.map(|until| until.duration_since(SystemTime::now())) {
                None => None,
                Some(Ok(left)) => Timespec::try_from(left).ok(),
                Some(Err(_)) => return Ok(Wait::Over),
            };
            let mut fds = [
                PollFd::from_borrowed_fd(source, PollFlags::IN),
                PollFd::from_borrowed_fd(output, PollFlags::empty()),
            ];
            match poll(&mut fds, left.as_ref()) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(errno("waiting for events")(error)),
            }
            if !fds[1].revents().is_empty() {
                return Ok(Wait::Closed);
            }
            if let Some(watch) = &self.watch {
                watch.drain();
            }
            if let Reader::Journal(journal) = &mut self.reader
                && !journal.fill()?
            {
                return Ok(Wait::Over);
            }
            return Ok(Wait::More);
        }
    }
}
