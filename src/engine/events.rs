//! Following what happens in a store.

use std::os::fd::BorrowedFd;
use std::time::SystemTime;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::watch::Watch;
use super::{Result, errno, io};
use crate::store::Store;
use crate::store::events::Event;
use crate::store::read_events::EventReader;

/// The events of a store, and those to come.
pub struct Follower {
    reader: EventReader,
    watch: Option<Watch>,
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
    /// `from_start`: what has happened as well. `waits`: what will happen as well.
    pub fn open(store: &Store, from_start: bool, waits: bool) -> Result<Self> {
        let failed = || "the events of the store".to_owned();
        let reader = EventReader::open(store, from_start).map_err(io(failed()))?;
        let watch = waits.then(|| Watch::of(reader.directory())).transpose();
        let watch = watch.map_err(errno("cannot watch the events of the store"))?;
        Ok(Self { reader, watch })
    }

    /// The next event; none when there is none yet.
    pub fn read(&mut self) -> Result<Option<Event>> {
        self.reader.read().map_err(io("the events of the store"))
    }

    /// Waits until there may be more, no longer than `until`, and no longer than somebody reads `output`.
    pub fn wait(&self, until: Option<SystemTime>, output: BorrowedFd<'_>) -> Result<Wait> {
        let Some(watch) = &self.watch else {
            return Ok(Wait::Over);
        };
        loop {
            let left = match until.map(|until| until.duration_since(SystemTime::now())) {
                None => None,
                Some(Ok(left)) => Timespec::try_from(left).ok(),
                Some(Err(_)) => return Ok(Wait::Over),
            };
            let mut fds = [
                PollFd::new(watch, PollFlags::IN),
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
            watch.drain();
            return Ok(Wait::More);
        }
    }
}
