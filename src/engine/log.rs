//! A container's log: Docker's json-file format, one object a line, with rotation.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::base::time;
use crate::store::container::Log;

/// The file in the container's directory; rotated ones carry `.1` and so on.
pub const LOG: &str = "log";
/// A line that does not end is cut here, as Docker does, so that memory stays bounded.
const LINE_LIMIT: usize = 16 << 10;

/// Writes what a container puts out.
pub struct LogWriter {
    /// Whether there is to be a log at all.
    is_kept: bool,
    /// The container was removed: its directory is being deleted and gets no more files.
    is_removed: bool,
    file: Option<OwnedFd>,
    directory: OwnedFd,
    size: u64,
    max_size: Option<u64>,
    max_files: u32,
    /// The unfinished line of each stream.
    partial: [Vec<u8>; 2],
}

impl LogWriter {
    /// A writer of the log in a container's directory, which is made with the first line.
    pub fn open(directory: BorrowedFd<'_>, log: &Log) -> io::Result<Self> {
        let directory = rustix::io::fcntl_dupfd_cloexec(directory, 3)?;
        let mut writer = Self {
            is_kept: false,
            is_removed: false,
            file: None,
            directory,
            size: 0,
            max_size: None,
            max_files: 1,
            partial: [Vec::new(), Vec::new()],
        };
        if let Log::JsonFile { max_size, max_files } = log {
            (writer.max_size, writer.max_files) = (*max_size, *max_files);
            writer.is_kept = true;
        }
        Ok(writer)
    }

    /// From now on nothing is written but to the file that is open, which somebody may be reading to its end.
    pub fn make_no_more_files(&mut self) {
        self.is_removed = true;
    }

    fn reopen(&mut self) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, LOG, flags, Mode::RUSR | Mode::WUSR)?;
        self.size = rustix::fs::fstat(&file)?.st_size as u64;
        self.file = Some(file);
        Ok(())
    }

    /// Takes what came on a stream. A full disk loses lines, never the container.
    pub fn write(&mut self, is_error: bool, data: &[u8]) {
        if !self.is_kept {
            return;
        }
        let mut entries = Vec::with_capacity(data.len() + 128);
        let now = time::now();
        let partial = &mut self.partial[usize::from(is_error)];
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while partial.len() + rest.len() >= LINE_LIMIT {
                let (cut, after) = rest.split_at(LINE_LIMIT - partial.len());
                partial.extend_from_slice(cut);
                entry(&mut entries, is_error, partial, &now);
                partial.clear();
                rest = after;
            }
            partial.extend_from_slice(rest);
            if partial.ends_with(b"\n") {
                entry(&mut entries, is_error, partial, &now);
                partial.clear();
            }
        }
        self.append(&entries);
    }

    fn append(&mut self, entries: &[u8]) {
        if entries.is_empty() {
            return;
        }
        if self.file.is_none() && !self.is_removed {
            let _ = self.reopen();
        }
        if let Some(file) = &self.file {
            let mut left = entries;
            while let (false, Ok(length)) = (left.is_empty(), rustix::io::write(file, left)) {
                left = &left[length..];
            }
            self.size += (entries.len() - left.len()) as u64;
        }
        if self.max_size.is_some_and(|limit| self.size >= limit) && !self.is_removed {
            self.rotate();
        }
    }

    /// Shifts `log` to `log.1` and so on; the oldest falls off.
    fn rotate(&mut self) {
        let name = |number: u32| {
            if number == 0 {
                LOG.to_owned()
            } else {
                format!("{LOG}.{number}")
            }
        };
        if self.max_files <= 1 {
            let _ = rustix::fs::unlinkat(&self.directory, LOG, rustix::fs::AtFlags::empty());
        }
        for number in (1..self.max_files).rev() {
            let _ = rustix::fs::renameat(&self.directory, name(number - 1), &self.directory, name(number));
        }
        let _ = self.reopen();
    }

    /// Writes what is left of unfinished lines.
    pub fn flush(&mut self) {
        let now = time::now();
        let mut entries = Vec::new();
        for is_error in [false, true] {
            let partial = std::mem::take(&mut self.partial[usize::from(is_error)]);
            if !partial.is_empty() {
                entry(&mut entries, is_error, &partial, &now);
            }
        }
        self.append(&entries);
    }
}

/// Adds one line of the log. Bytes that are not UTF-8 are replaced, as by Docker: JSON cannot hold them.
fn entry(entries: &mut Vec<u8>, is_error: bool, line: &[u8], time: &str) {
    let text = String::from_utf8_lossy(line);
    entries.extend_from_slice(b"{\"log\":");
    serde_json::to_writer(&mut *entries, &text).expect("strings can be JSON, and memory can be written");
    let stream = if is_error { "stderr" } else { "stdout" };
    writeln!(entries, ",\"stream\":\"{stream}\",\"time\":\"{time}\"}}").expect("memory can be written");
}

/// One line of a log, read back.
#[derive(Debug, serde::Deserialize)]
pub struct Entry {
    pub log: String,
    pub stream: String,
    pub time: String,
}

/// Names of a container's log files that there are, oldest first.
pub fn files(directory: impl AsFd) -> Vec<String> {
    let exists = |name: &str| {
        rustix::fs::statat(directory.as_fd(), name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok()
    };
    let mut names: Vec<String> = (1..)
        .map(|number| format!("{LOG}.{number}"))
        .take_while(|name| exists(name))
        .collect();
    names.reverse();
    names.extend(exists(LOG).then(|| LOG.to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(directory: &tempfile::TempDir, name: &str) -> Vec<Entry> {
        let text = std::fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn writer(directory: &tempfile::TempDir, log: &Log) -> LogWriter {
        let file = std::fs::File::open(directory.path()).unwrap();
        LogWriter::open(file.as_fd(), log).unwrap()
    }

    #[test]
    fn lines_are_joined_split_and_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(&directory, &Log::default());
        log.write(false, b"one\ntw");
        log.write(true, b"error\n");
        log.write(false, b"o\n\x1b\"\n");
        log.write(false, &vec![b'x'; LINE_LIMIT + 1]);
        log.flush();
        let lines = lines(&directory, LOG);
        let texts: Vec<_> = lines.iter().map(|line| line.log.as_str()).collect();
        let long = "x".repeat(LINE_LIMIT);
        assert_eq!(texts, ["one\n", "error\n", "two\n", "\x1b\"\n", &long, "x"]);
        assert_eq!(lines[1].stream, "stderr");
    }

    #[test]
    fn rotation_keeps_so_many_files() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(
            &directory,
            &Log::JsonFile {
                max_size: Some(100),
                max_files: 3,
            },
        );
        for number in 0..20 {
            log.write(false, format!("line {number}\n").as_bytes());
        }
        log.flush();
        let names = files(std::fs::File::open(directory.path()).unwrap());
        assert_eq!(names, ["log.2", "log.1", "log"]);
        let all: Vec<_> = names.iter().flat_map(|name| lines(&directory, name)).collect();
        assert_eq!(all.last().unwrap().log, "line 19\n");
    }

    #[test]
    fn a_removed_container_gets_no_more_files() {
        let directory = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(directory.path()).unwrap().count();
        let mut log = writer(&directory, &Log::default());
        log.make_no_more_files();
        log.write(false, b"one\ntwo");
        log.flush();
        assert_eq!(names(), 0);
        // Whoever follows a log that was begun reads it to its end.
        let small = Log::JsonFile {
            max_size: Some(1),
            max_files: 3,
        };
        let mut log = writer(&directory, &small);
        log.write(false, b"one\n");
        let before = names();
        log.make_no_more_files();
        log.write(false, b"two\n");
        log.flush();
        assert_eq!(names(), before);
        let last: String = lines(&directory, LOG)
            .into_iter()
            .map(|entry| entry.log)
            .collect();
        assert_eq!(last, "two\n");
    }

    #[test]
    fn no_log_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(&directory, &Log::None);
        log.write(false, b"x\n");
        log.flush();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
