//! Reading a container's log, and waiting for more of it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::client::connect;
use super::log::{files, place};
use super::log_lines::{Format, Line, find};
use super::protocol::{Connection, Packet, Received, Wishes};
use super::watch::Watch;
use super::{EngineError, Result, errno, io};
use crate::base::id::short;
use crate::store::container::{Container, Log, Status};
use crate::store::{Kind, Store};

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// What is longer than this without an end of line is no entry of ours.
const ENTRY_LIMIT: usize = 1 << 20;
/// One that follows the log of a container that ends and starts again all the time does not ask more often than this.
const PAUSE: Duration = Duration::from_millis(100);

/// The log of one container, from its oldest line on.
pub struct LogReader {
    directory: OwnedFd,
    name: OsString,
    format: Format,
    /// Opened at once, so that a rotation takes nothing away from us.
    files: VecDeque<File>,
    /// What was read, and which part of it has not been given out.
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    /// So far of that part there is no end of line.
    searched: usize,
}

/// Where a container's log is kept, if that is a file.
fn file_of(store: &Store, container: &Container) -> Result<(OwnedFd, OsString, Format)> {
    let (file, format) = match &container.config.log {
        Log::JsonFile(file) => (file, Format::Json),
        Log::K8sFile(file) => (file, Format::Kubernetes),
        Log::Journald { .. } => {
            let id = short(&container.id);
            return Err(EngineError::Refused(format!(
                "the log of container {} is in the journal: journalctl CONTAINER_ID={id}",
                container.name
            )));
        }
        Log::Passthrough | Log::PassthroughTty => {
            return Err(EngineError::Refused(format!(
                "the output of container {} goes to where it was started from (--log-driver=passthrough)",
                container.name
            )));
        }
        Log::None => {
            return Err(EngineError::Refused(format!(
                "this container is using the 'none' log driver, cannot read logs: {}",
                container.name
            )));
        }
    };
    let directory = store.object(Kind::Containers, &container.id)?;
    let what = || format!("the log of container {}", container.name);
    let (directory, name) = place(directory.as_fd(), file.path.as_ref()).map_err(io(what()))?;
    Ok((directory, name, format))
}

impl LogReader {
    pub fn open(store: &Store, container: &Container) -> Result<Self> {
        let (directory, name, format) = file_of(store, container)?;
        let mut reader = Self {
            directory,
            name,
            format,
            files: VecDeque::new(),
            buffer: vec![0; CHUNK],
            begin: 0,
            end: 0,
            searched: 0,
        };
        reader.files = reader.younger().into();
        Ok(reader)
    }

    fn open_file(&self, name: &OsString) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, name, flags, Mode::empty()).ok()?;
        Some(File::from(file))
    }

    /// Goes to where only so many entries follow. Before anything is read.
    pub fn skip_to_last(&mut self, count: usize) -> Result<()> {
        let mut left = count;
        for index in (0..self.files.len()).rev() {
            let found = last_lines(&mut self.files[index], self.format, left, &mut self.buffer);
            let (offset, lines) = found.map_err(io("the container's log"))?;
            left -= lines;
            let seeked = self.files[index].seek(SeekFrom::Start(offset));
            seeked.map_err(io("the container's log"))?;
            if left == 0 {
                self.files.drain(..index);
                break;
            }
        }
        Ok(())
    }

    /// The next line; none when there is none yet. What cannot be read is passed over.
    pub fn read(&mut self) -> Result<Option<Line<'_>>> {
        loop {
            let Some(entry) = self.entry()? else {
                return Ok(None);
            };
            // Borrowed anew, as the compiler does not see that the loop ends with what was found.
            if self.format.parse(&self.buffer[entry.clone()]).is_some() {
                return Ok(self.format.parse(&self.buffer[entry]));
            }
        }
    }

    /// Where the next entry is in the buffer.
    fn entry(&mut self) -> Result<Option<std::ops::Range<usize>>> {
        loop {
            if let Some(length) = find(b'\n', &self.buffer[self.searched..self.end]) {
                let entry = self.begin..self.searched + length + 1;
                self.begin = entry.end;
                self.searched = entry.end;
                return Ok(Some(entry));
            }
            self.searched = self.end;
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more into the buffer, from the next file if need be; `false` where there is no more yet.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.searched -= self.begin;
        self.begin = 0;
        if self.end == self.buffer.len() {
            if self.buffer.len() >= ENTRY_LIMIT {
                self.forget();
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        loop {
            let Some(file) = self.files.front_mut() else {
                let all = self.younger();
                if all.is_empty() {
                    return Ok(false);
                }
                self.files.extend(all);
                continue;
            };
            let length = file
                .read(&mut self.buffer[self.end..])
                .map_err(io("the container's log"))?;
            if length > 0 {
                self.end += length;
                return Ok(true);
            }
            if self.files.len() == 1 {
                let younger = self.younger();
                if younger.is_empty() {
                    return Ok(false);
                }
                self.files.extend(younger);
                // What was added before it got another name.
                continue;
            }
            // Nothing is added to a file that has another name.
            self.forget();
            self.files.pop_front();
        }
    }

    fn forget(&mut self) {
        (self.begin, self.end, self.searched) = (0, 0, 0);
    }

    /// The files that were begun after the one we are at the end of, oldest first; all where we had none.
    fn younger(&self) -> Vec<File> {
        let inode = |file: &File| {
            rustix::fs::fstat(file)
                .map(|status| (status.st_dev, status.st_ino))
                .ok()
        };
        let ours = self.files.front().and_then(inode);
        let open = || -> Vec<File> {
            let names = files(&self.directory, &self.name);
            names.iter().filter_map(|name| self.open_file(name)).collect()
        };
        let mut found = open();
        // Between two looks that find the same nothing was renamed.
        loop {
            let again = open();
            if again.iter().map(inode).eq(found.iter().map(inode)) {
                break;
            }
            found = again;
        }
        match found.iter().position(|file| inode(file) == ours) {
            Some(place) => found.split_off(place + 1),
            // So many were begun that ours is not kept any more.
            None => found,
        }
    }
}

/// Where the last `count` lines of a file begin, and how many they are if it has less. The pieces of a line that was cut are
/// one.
fn last_lines(
    file: &mut File,
    format: Format,
    count: usize,
    buffer: &mut [u8],
) -> std::io::Result<(u64, usize)> {
    let mut end = file.seek(SeekFrom::End(0))?;
    if count == 0 {
        return Ok((end, 0));
    }
    let mut lines = 0;
    // Where the entry begins that was passed last, and where the last one of all ends.
    let (mut after, mut last) = (None, 0);
    while end > 0 {
        let length = end.min(buffer.len() as u64) as usize;
        let begin = end - length as u64;
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut buffer[..length])?;
        let known = (&buffer[..length], begin);
        for (index, _) in known
            .0
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
        {
            let start = begin + index as u64 + 1;
            match after {
                None => last = start,
                // A line begins behind an entry that ends one.
                Some(after) if after < last && ends_line(file, format, start..after, known)? => {
                    lines += 1;
                    if lines == count {
                        return Ok((after, count));
                    }
                }
                Some(_) => {}
            }
            after = Some(start);
        }
        end = begin;
    }
    let Some(after) = after else {
        return Ok((0, 0));
    };
    if after < last && ends_line(file, format, 0..after, (&[], 0))? {
        lines += 1;
        if lines == count {
            return Ok((after, count));
        }
    }
    Ok((0, lines + 1))
}

/// Whether the entry at that place of a file ends its line. `known`: what was read of the file, and from where on.
fn ends_line(
    file: &File,
    format: Format,
    place: std::ops::Range<u64>,
    (known, from): (&[u8], u64),
) -> std::io::Result<bool> {
    let length = (place.end - place.start) as usize;
    let begin = place.start.checked_sub(from).map(|begin| begin as usize);
    let known = begin.and_then(|begin| known.get(begin..begin + length));
    let mut read = Vec::new();
    let entry = match known {
        Some(known) => known,
        // It is no entry of ours.
        None if length > ENTRY_LIMIT => return Ok(true),
        None => {
            read.resize(length, 0);
            file.read_exact_at(&mut read, place.start)?;
            &read
        }
    };
    Ok(format.parse(entry).is_none_or(|line| line.is_whole))
}

/// Waits for more of a log.
pub struct LogWatch<'a> {
    store: &'a Store,
    id: String,
    changes: Watch,
    /// To the monitor; none once the container has ended.
    connection: Option<Connection>,
    connected: Instant,
    /// Somebody has to look at the log.
    pub is_due: bool,
}

/// Watches a container's log. To be made before the log is read to its end, so that nothing falls in between.
pub fn watch_log<'a>(store: &'a Store, container: &Container) -> Result<LogWatch<'a>> {
    let failed = || format!("cannot watch the log of container {}", container.id);
    let (directory, ..) = file_of(store, container)?;
    let changes = Watch::of(directory.as_fd()).map_err(errno(failed()))?;
    let connection = connect(store, &container.id, Wishes::default())?;
    Ok(LogWatch {
        store,
        id: container.id.clone(),
        changes,
        connection,
        connected: Instant::now(),
        is_due: true,
    })
}

impl LogWatch<'_> {
    /// Whether the container has ended for good, and what it wrote is in the log.
    pub fn is_over(&self) -> bool {
        self.connection.is_none()
    }

    /// Reads what the monitor says.
    fn listen(&mut self, connection: Connection) -> Result<Option<Connection>> {
        let received = connection
            .receive(false)
            .map_err(errno("the container's monitor"))?;
        match received {
            Received::Packet(Packet::Exit(_)) | Received::End => {
                self.is_due = true;
                self.reconnect()
            }
            Received::Packet(_) | Received::Nothing => Ok(Some(connection)),
        }
    }

    /// The connection to a monitor that starts the container again.
    fn reconnect(&mut self) -> Result<Option<Connection>> {
        let Ok(directory) = self.store.object(Kind::Containers, &self.id) else {
            return Ok(None);
        };
        let state = self.store.read_state(directory.as_fd(), &self.id);
        if !state.is_ok_and(|state| matches!(state.status, Status::Restarting | Status::Running)) {
            return Ok(None);
        }
        if let Some(left) = PAUSE.checked_sub(self.connected.elapsed()) {
            let left = Timespec::try_from(left).ok();
            let _ = poll(&mut [], left.as_ref());
        }
        self.connected = Instant::now();
        connect(self.store, &self.id, Wishes::default())
    }
}

/// Waits until there may be more of one of the logs, or one of the containers has ended: then it [is due](LogWatch::is_due).
/// `false` when the moment `until` came before, or nobody reads `output` any more.
pub fn wait_any(
    watches: &mut [LogWatch<'_>],
    until: Option<SystemTime>,
    output: BorrowedFd<'_>,
) -> Result<bool> {
    if watches.iter().any(|watch| watch.is_due) {
        return Ok(true);
    }
    let left = match until.map(|until| until.duration_since(SystemTime::now())) {
        None => None,
        Some(Ok(left)) => Timespec::try_from(left).ok(),
        Some(Err(_)) => return Ok(false),
    };
    let mut fds = Vec::with_capacity(2 * watches.len());
    for watch in watches.iter() {
        fds.push(PollFd::new(&watch.changes, PollFlags::IN));
        if let Some(connection) = &watch.connection {
            fds.push(PollFd::new(connection, PollFlags::IN));
        }
    }
    fds.push(PollFd::from_borrowed_fd(output, PollFlags::empty()));
    match poll(&mut fds, left.as_ref()) {
        // The clock may have been set back meanwhile.
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(true),
        Ok(_) => {}
        Err(error) => return Err(errno("waiting for the log of a container")(error)),
    }
    let mut events: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    drop(fds);
    if events.pop().unwrap_or_default() {
        return Ok(false);
    }
    let mut events = events.into_iter();
    for watch in watches {
        if events.next().unwrap_or_default() {
            watch.changes.drain();
            watch.is_due = true;
        }
        if let Some(connection) = watch.connection.take() {
            watch.connection = match events.next().unwrap_or_default() {
                true => watch.listen(connection)?,
                false => Some(connection),
            };
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        let text = "one\ntwo\n\nfour\n";
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        for (count, expected, lines) in [
            (0, "", 0),
            (1, "four\n", 1),
            (2, "\nfour\n", 2),
            (3, "two\n\nfour\n", 3),
            (4, text, 4),
            (9, text, 4),
        ] {
            for size in [1, 2, 3, 100] {
                let mut buffer = vec![0; size];
                let (offset, found) = last_lines(&mut file, Format::Json, count, &mut buffer).unwrap();
                assert_eq!(
                    (&text[offset as usize..], found),
                    (expected, lines),
                    "{count} {size}"
                );
            }
        }
    }

    #[test]
    fn the_pieces_of_a_line_are_one() {
        let entries: Vec<String> = ["F one", "P two", "P more", "F ", "F three", "P four"]
            .iter()
            .map(|entry| format!("2026-01-01T00:00:00Z stdout {entry}\n"))
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, entries.concat().as_bytes()).unwrap();
        for (count, first, lines) in [(1, 5, 1), (2, 4, 2), (3, 1, 3), (4, 0, 4), (5, 0, 4)] {
            let expected = entries[..first].concat().len() as u64;
            for size in [1, 7, 40, 1000] {
                let mut buffer = vec![0; size];
                let found = last_lines(&mut file, Format::Kubernetes, count, &mut buffer).unwrap();
                assert_eq!(found, (expected, lines), "{count} {size}");
            }
        }
    }

    #[test]
    fn a_log_that_is_rotated_again_and_again_is_read_whole() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let id = "a".repeat(64);
        let directory = store.path_of(Kind::Containers, &id);
        std::fs::create_dir(&directory).unwrap();
        let root = serde_json::json!({"directory": {"path": "/", "overlay": false}});
        let log = serde_json::json!({"json-file": {"max_size": 1, "max_files": 9}});
        let record = serde_json::json!({
            "version": 1, "id": id, "name": "one", "created": "", "root": root, "config": {"log": log},
        });
        let container: Container = serde_json::from_value(record).unwrap();
        let file = File::open(&directory).unwrap();
        let mut writer = super::super::log::LogWriter::open(file.as_fd(), &container).unwrap();
        let mut reader = LogReader::open(&store, &container).unwrap();
        let mut numbers = 0..;
        for lines in [1, 0, 2, 5, 1, 8] {
            let expected: Vec<u32> = numbers.by_ref().take(lines).collect();
            for number in &expected {
                writer.write(false, format!("{number}\n").as_bytes());
            }
            let mut found = Vec::new();
            while let Some(line) = reader.read().unwrap() {
                found.push(String::from_utf8_lossy(&line.text).parse::<u32>().unwrap());
            }
            assert_eq!(found, expected);
        }
    }
}
