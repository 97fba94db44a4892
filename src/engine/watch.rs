//! Waiting for files in a directory to change, without looking again and again.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify;
use rustix::io::Errno;

use crate::sys::notify;
use crate::sys::signal::Signals;

/// A directory whose files are written, made or renamed now and then.
pub struct Watch(Means);

enum Means {
    Changes(OwnedFd),
    /// Where the user has no inotify instance left.
    Signals {
        signals: Signals,
        _directory: OwnedFd,
    },
}

impl Watch {
    /// Watches the open `directory`. To be made before its files are read to their ends, so that nothing falls in between.
    pub fn of(directory: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let changes = match inotify::init(flags) {
            Ok(changes) => changes,
            Err(Errno::MFILE | Errno::NOSYS) => return Self::by_signals(directory),
            Err(error) => return Err(error),
        };
        let events = inotify::WatchFlags::MODIFY
            | inotify::WatchFlags::CREATE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::MOVE_SELF;
        // By the descriptor: the directory may have got another name since it was opened.
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&directory));
        match inotify::add_watch(&changes, path, events) {
            Ok(_) => Ok(Self(Means::Changes(changes))),
            Err(Errno::NOSPC) => Self::by_signals(directory),
            Err(error) => Err(error),
        }
    }

    fn by_signals(directory: BorrowedFd<'_>) -> rustix::io::Result<Self> {
        // Blocked before the first can come.
        let signals = Signals::of(&[notify::SIGNAL])?;
        let directory = rustix::io::fcntl_dupfd_cloexec(directory, 3)?;
        notify::notify(&directory)?;
        Ok(Self(Means::Signals {
            signals,
            _directory: directory,
        }))
    }

    /// Forgets the changes that were told.
    pub fn drain(&self) {
        match &self.0 {
            Means::Changes(changes) => {
                let mut buffer = [0; 4096];
                while rustix::io::read(changes, &mut buffer).is_ok_and(|length| length > 0) {}
            }
            Means::Signals { signals, .. } => while let Ok(Some(_)) = signals.next() {},
        }
    }
}

/// Readable when something has changed.
impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Means::Changes(changes) => changes.as_fd(),
            Means::Signals { signals, .. } => signals.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_ready(watch: &Watch, seconds: i64) -> bool {
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&limit)) == Ok(1)
    }

    #[test]
    fn inotify_tells_of_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let file = std::fs::File::open(path).unwrap();
        let watch = Watch::of(file.as_fd()).unwrap();
        assert!(!is_ready(&watch, 0));
        for _ in 0..2 {
            std::fs::write(path.join("log"), "x").unwrap();
            assert!(is_ready(&watch, 10));
            watch.drain();
            assert!(!is_ready(&watch, 0));
            std::fs::rename(path.join("log"), path.join("log.1")).unwrap();
            assert!(is_ready(&watch, 10));
            watch.drain();
        }
    }
}
