//! Reading a container's log, and waiting for more of it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

use super::client::connect;
use super::log::{Entry, LOG, files};
use super::protocol::{Connection, Packet, Received, Wishes};
use super::watch::Watch;
use super::{Result, errno, io};
use crate::store::{Kind, Store};

/// The log of one container, from its oldest line on.
pub struct LogReader {
    directory: OwnedFd,
    /// Opened at once, so that a rotation takes nothing away from us.
    files: VecDeque<BufReader<File>>,
    /// The beginning of a line that is not written whole yet.
    partial: Vec<u8>,
}

impl LogReader {
    pub fn open(store: &Store, id: &str) -> Result<Self> {
        let directory = store.object(Kind::Containers, id)?;
        let mut reader = Self {
            directory,
            files: VecDeque::new(),
            partial: Vec::new(),
        };
        for name in files(&reader.directory) {
            reader.files.extend(reader.open_file(&name));
        }
        Ok(reader)
    }

    fn open_file(&self, name: &str) -> Option<BufReader<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, name, flags, Mode::empty()).ok()?;
        Some(BufReader::new(File::from(file)))
    }

    /// The next line; none when there is none yet. A line that cannot be read is passed over.
    pub fn read(&mut self) -> Result<Option<Entry>> {
        loop {
            let Some(file) = self.files.front_mut() else {
                match self.open_file(LOG) {
                    Some(file) => self.files.push_back(file),
                    None => return Ok(None),
                }
                continue;
            };
            file.read_until(b'\n', &mut self.partial)
                .map_err(io("the container's log"))?;
            if self.partial.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.partial);
                match serde_json::from_slice(&line) {
                    Ok(entry) => return Ok(Some(entry)),
                    Err(_) => continue,
                }
            }
            if self.files.len() > 1 {
                self.partial.clear();
                self.files.pop_front();
            } else if self.is_rotated() {
                self.partial.clear();
                self.files.extend(self.open_file(LOG));
                if self.files.len() == 1 {
                    return Ok(None);
                }
            } else {
                return Ok(None);
            }
        }
    }

    /// Whether the file we are at the end of is no longer the one that is written.
    fn is_rotated(&self) -> bool {
        let inode = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
        let ours = self
            .files
            .front()
            .and_then(|file| rustix::fs::fstat(file.get_ref()).ok())
            .map(inode);
        let current = rustix::fs::statat(&self.directory, LOG, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        current.is_ok_and(|current| ours.is_some_and(|ours| ours != inode(current)))
    }
}

/// Waits for more of a log.
pub struct LogWatch {
    changes: Watch,
    /// To the monitor; none once the container has ended.
    connection: Option<Connection>,
}

/// Watches a container's log. To be made before the log is read to its end, so that nothing falls in between.
pub fn watch_log(store: &Store, id: &str) -> Result<LogWatch> {
    let failed = || format!("cannot watch the log of container {id}");
    let directory = store.object(Kind::Containers, id)?;
    let changes = Watch::of(directory.as_fd()).map_err(errno(failed()))?;
    let connection = connect(store, id, Wishes::default())?;
    Ok(LogWatch { changes, connection })
}

impl LogWatch {
    /// Waits until there may be more. `false`: the container has ended, and what it wrote is in the log.
    pub fn wait(&mut self) -> Result<bool> {
        let Some(connection) = &self.connection else {
            return Ok(false);
        };
        loop {
            let mut fds = [
                PollFd::new(&self.changes, PollFlags::IN),
                PollFd::new(connection, PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(errno("waiting for the container's log")(error)),
            }
            let (changed, spoke) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
            if changed {
                self.changes.drain();
                return Ok(true);
            }
            if spoke {
                match connection
                    .receive(false)
                    .map_err(errno("the container's monitor"))?
                {
                    Received::Packet(Packet::Exit(_)) | Received::End => {
                        self.connection = None;
                        return Ok(false);
                    }
                    Received::Packet(_) | Received::Nothing => {}
                }
            }
        }
    }
}
