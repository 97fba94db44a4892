//! Reading what happened in a store, and what happens from now on.
//!
//! A follower takes no lock and stops nobody. It knows files by their inodes, which cannot be used anew while it has them
//! open, so that no event comes twice; and it keeps the file before the last open, since a process that had opened it
//! before it was renamed still writes to it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Store;
use super::events::{Event, LINE_LIMIT, LOG, numbers};

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// Reads the events of one store, the oldest first.
pub struct EventReader {
    directory: OwnedFd,
    /// The oldest first. Once all is read: the file that is written, and the one before.
    files: Vec<Tail>,
    /// The highest number of a file that was opened or passed over.
    seen: u64,
    /// Events that were read and not given yet.
    ready: VecDeque<Event>,
}

/// A file and what is not read of it yet.
struct Tail {
    file: File,
    inode: (u64, u64),
    /// The beginning of a line that is not there whole.
    partial: Vec<u8>,
    /// The rest of a line that is too long to be ours.
    skipping: bool,
}

impl EventReader {
    /// Begins with the oldest event that is kept, or with the next one.
    pub fn open(store: &Store, from_start: bool) -> io::Result<Self> {
        let mut reader = Self {
            directory: store.make_events()?,
            files: Vec::new(),
            seen: 0,
            ready: VecDeque::new(),
        };
        reader.look()?;
        if !from_start {
            for tail in &mut reader.files {
                tail.file.seek(SeekFrom::End(0))?;
            }
        }
        Ok(reader)
    }

    /// The directory to be watched for more.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The next event; none when there is none yet.
    pub fn read(&mut self) -> io::Result<Option<Event>> {
        while self.ready.is_empty() {
            let mut found = false;
            for tail in &mut self.files {
                // One file after the other, so that events come in their order.
                if tail.read(&mut self.ready)? {
                    found = true;
                    break;
                }
            }
            if found {
                continue;
            }
            let spare = self.files.len().saturating_sub(2);
            self.files.drain(..spare);
            if !self.is_behind()? || !self.look()? {
                return Ok(None);
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Whether another file is written than the last that we have.
    fn is_behind(&self) -> io::Result<bool> {
        match rustix::fs::statat(&self.directory, LOG, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(self.files.last().is_none_or(|tail| tail.inode != inode(&status))),
            // Renamed, and no new one yet.
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the files that have come since; whether there are any.
    fn look(&mut self) -> io::Result<bool> {
        loop {
            let before = numbers(self.directory.as_fd())?;
            let mut fresh = Vec::new();
            let names = before.iter().filter(|number| **number > self.seen);
            let names = names.map(|number| format!("{LOG}.{number}"));
            for name in names.chain([LOG.to_owned()]) {
                if let Some(tail) = self.open_file(&name)?
                    && !self
                        .files
                        .iter()
                        .chain(&fresh)
                        .any(|known| known.inode == tail.inode)
                {
                    fresh.push(tail);
                }
            }
            // A file that was renamed meanwhile may have escaped us.
            if numbers(self.directory.as_fd())? == before {
                self.seen = before.last().copied().unwrap_or(0).max(self.seen);
                let found = !fresh.is_empty();
                self.files.append(&mut fresh);
                return Ok(found);
            }
        }
    }

    fn open_file(&self, name: &str) -> io::Result<Option<Tail>> {
        // A pipe that somebody put there would make us wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let inode = inode(&rustix::fs::fstat(&file)?);
        Ok(Some(Tail {
            file: file.into(),
            inode,
            partial: Vec::new(),
            skipping: false,
        }))
    }
}

impl Tail {
    /// Reads some more; `false` at the end.
    fn read(&mut self, ready: &mut VecDeque<Event>) -> io::Result<bool> {
        let mut chunk = [0; CHUNK];
        let length = match self.file.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        for piece in chunk[..length].split_inclusive(|byte| *byte == b'\n') {
            if !self.skipping {
                self.partial.extend_from_slice(piece);
            }
            // Behind a torn line stands a whole one.
            if self.partial.len() > 2 * LINE_LIMIT {
                self.partial.clear();
                self.skipping = true;
            }
            if piece.ends_with(b"\n") {
                self.skipping = false;
                ready.extend(Event::parse(&self.partial));
                self.partial.clear();
            }
        }
        Ok(true)
    }
}

fn inode(status: &Stat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

#[cfg(test)]
mod tests {
    use super::super::events::EVENTS;
    use super::*;
    use std::io::Write;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        (directory, store)
    }

    fn all(reader: &mut EventReader) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(event) = reader.read().unwrap() {
            names.push(event.name);
        }
        names
    }

    #[test]
    fn from_the_start_or_from_now_on() {
        let (_directory, store) = store();
        store.tell([Event::volume("create", "a"), Event::volume("create", "b")]);
        let mut start = EventReader::open(&store, true).unwrap();
        let mut now = EventReader::open(&store, false).unwrap();
        store.tell([Event::volume("create", "c")]);
        assert_eq!(all(&mut start), ["a", "b", "c"]);
        assert_eq!(all(&mut now), ["c"]);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let (_directory, store) = store();
        store.tell([Event::volume("create", "a")]);
        let path = store.path().join(EVENTS).join(LOG);
        let mut file = File::options().append(true).open(&path).unwrap();
        let mut add = |bytes: &[u8]| file.write_all(bytes).unwrap();
        add(b"nonsense\n\xff\xfe\0\n");
        add(&vec![b'x'; 10 * LINE_LIMIT]);
        add(b"\n{\"v\":1,\"time\":5,\"type\":\"volume\",\"act");
        store.tell([Event::volume("create", "b")]);
        assert_eq!(all(&mut EventReader::open(&store, true).unwrap()), ["a", "b"]);
    }

    #[test]
    fn followers_go_over_to_the_next_file_without_loss() {
        let (_directory, store) = store();
        let path = store.path().join(EVENTS);
        let mut reader = EventReader::open(&store, true).unwrap();
        store.tell([Event::volume("create", "a")]);
        assert_eq!(all(&mut reader), ["a"]);
        // Opened before and written after the file got another name.
        let mut late = File::options().append(true).open(path.join(LOG)).unwrap();
        std::fs::rename(path.join(LOG), path.join("log.1")).unwrap();
        assert!(all(&mut reader).is_empty());
        store.tell([Event::volume("create", "c")]);
        assert_eq!(all(&mut reader), ["c"]);
        late.write_all(b"{\"v\":1,\"time\":1,\"type\":\"volume\",\"action\":\"create\",\"name\":\"b\"}\n")
            .unwrap();
        assert_eq!(all(&mut reader), ["b"]);
        // Several files further while nobody looked.
        for (number, name) in [(2, "d"), (3, "e"), (4, "f")] {
            std::fs::rename(path.join(LOG), path.join(format!("log.{number}"))).unwrap();
            store.tell([Event::volume("create", name)]);
        }
        assert_eq!(all(&mut reader), ["d", "e", "f"]);
    }

    #[test]
    fn nothing_is_lost_or_doubled_while_many_write() {
        let (_directory, store) = store();
        let mut reader = EventReader::open(&store, true).unwrap();
        // Less than what is kept, so that nothing is removed unread.
        let (writers, count) = (4, 350);
        let padding = "x".repeat(1000);
        let mut names = Vec::new();
        std::thread::scope(|scope| {
            for writer in 0..writers {
                let (store, padding) = (&store, &padding);
                scope.spawn(move || {
                    for number in 0..count {
                        let event = Event::volume("create", &format!("{writer}-{number}"));
                        store.tell([event.with("padding", padding).with("more", padding)]);
                    }
                });
            }
            while names.len() < writers * count {
                names.extend(all(&mut reader));
            }
        });
        names.sort();
        names.dedup();
        assert_eq!(names.len(), writers * count);
    }
}
