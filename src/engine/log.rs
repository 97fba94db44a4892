//! What a container puts out, on its way into its log: a file with rotation, or the journal.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::log_journal::{self, Journal};
use super::log_lines::{self, Format};
use crate::base::bytes::ByteString;
use crate::base::journal::SOCKET;
use crate::base::time;
use crate::store::container::{Container, Log, LogFile};

/// The file in the container's directory; rotated ones carry `.1` and so on.
pub const LOG: &str = "log";
/// A line that does not end is cut here, as Docker does, so that memory stays bounded.
const LINE_LIMIT: usize = 16 << 10;

/// Writes what a container puts out.
pub struct LogWriter {
    target: Target,
    /// The unfinished line of each stream.
    partial: [Vec<u8>; 2],
}

enum Target {
    Nothing,
    File(FileWriter),
    Journal(Journal),
}

impl LogWriter {
    /// A writer of the log of a container with that directory. A file is made with the first line.
    pub fn open(directory: BorrowedFd<'_>, container: &Container) -> io::Result<Self> {
        let target = match &container.config.log {
            Log::None | Log::Passthrough | Log::PassthroughTty => Target::Nothing,
            Log::JsonFile(file) => {
                let mut told = file.details.of(&container.config);
                let tag = file.tag.as_deref().filter(|tag| !tag.is_empty());
                told.extend(tag.map(|tag| ("tag".to_owned(), log_journal::tag(tag, container))));
                let details = log_lines::details(&told);
                Target::File(FileWriter::open(directory, file, Format::Json, details)?)
            }
            Log::K8sFile(file) => Target::File(FileWriter::open(
                directory,
                file,
                Format::Kubernetes,
                String::new(),
            )?),
            Log::Journald { tag, details } => {
                let path = SOCKET;
                let journal = Journal::connect(Path::new(path), container, tag.as_deref(), details).map_err(
                    |error| {
                        let cure = "use --log-driver=json-file";
                        io::Error::new(error.kind(), format!("no journal is at {path} ({error}): {cure}"))
                    },
                )?;
                Target::Journal(journal)
            }
        };
        Ok(Self {
            target,
            partial: [Vec::new(), Vec::new()],
        })
    }

    /// From now on nothing is written but to the file that is open, which somebody may be reading to its end.
    pub fn make_no_more_files(&mut self) {
        if let Target::File(file) = &mut self.target {
            file.is_removed = true;
        }
    }

    /// Takes what came on a stream. A full disk loses lines, never the container.
    pub fn write(&mut self, is_error: bool, data: &[u8]) {
        if matches!(self.target, Target::Nothing) {
            return;
        }
        let mut batch = self.target.begin();
        let partial = &mut self.partial[usize::from(is_error)];
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while partial.len() + rest.len() >= LINE_LIMIT {
                let (cut, after) = rest.split_at(LINE_LIMIT - partial.len());
                partial.extend_from_slice(cut);
                batch.add(is_error, partial);
                partial.clear();
                rest = after;
            }
            if partial.is_empty() && rest.ends_with(b"\n") {
                batch.add(is_error, rest);
                continue;
            }
            partial.extend_from_slice(rest);
            if partial.ends_with(b"\n") {
                batch.add(is_error, partial);
                partial.clear();
            }
        }
        batch.end();
    }

    /// Writes what is left of unfinished lines.
    pub fn flush(&mut self) {
        let mut batch = self.target.begin();
        for is_error in [false, true] {
            let partial = std::mem::take(&mut self.partial[usize::from(is_error)]);
            if !partial.is_empty() {
                batch.add(is_error, &partial);
            }
        }
        batch.end();
    }
}

/// Lines that are written together.
struct Batch<'a> {
    target: &'a mut Target,
    entries: Vec<u8>,
    time: String,
}

impl Target {
    fn begin(&mut self) -> Batch<'_> {
        let time = match self {
            Self::File(_) => time::now(),
            Self::Nothing | Self::Journal(_) => String::new(),
        };
        Batch {
            target: self,
            entries: Vec::new(),
            time,
        }
    }
}

impl Batch<'_> {
    fn add(&mut self, is_error: bool, text: &[u8]) {
        match self.target {
            Target::Nothing => {}
            Target::File(file) => {
                let (format, details) = (file.format, &file.details);
                format.write(&mut self.entries, is_error, text, &self.time, details);
            }
            Target::Journal(journal) => journal.send(is_error, text),
        }
    }

    fn end(self) {
        if let Target::File(file) = self.target {
            file.append(&self.entries);
        }
    }
}

/// Where a log file is: a directory, and its name in that.
pub fn place(directory: BorrowedFd<'_>, path: Option<&ByteString>) -> io::Result<(OwnedFd, OsString)> {
    let Some(path) = path.map(ByteString::as_path) else {
        return Ok((rustix::io::fcntl_dupfd_cloexec(directory, 3)?, LOG.into()));
    };
    let parts = path.parent().zip(path.file_name());
    let (parent, name) = parts.ok_or_else(|| io::Error::other(format!("{path:?} is no file")))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::open(parent, flags, Mode::empty())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", parent.display())))?;
    Ok((parent, name.to_owned()))
}

/// The name of the log, or of what it was before so many rotations.
fn numbered(name: &OsStr, number: u32) -> OsString {
    let mut numbered = name.to_owned();
    if number > 0 {
        numbered.push(format!(".{number}"));
    }
    numbered
}

struct FileWriter {
    format: Format,
    /// What every line says of its container.
    details: String,
    /// The container was removed: its directory is being deleted and gets no more files.
    is_removed: bool,
    file: Option<OwnedFd>,
    directory: OwnedFd,
    name: OsString,
    size: u64,
    max_size: Option<u64>,
    max_files: u32,
}

impl FileWriter {
    fn open(directory: BorrowedFd<'_>, file: &LogFile, format: Format, details: String) -> io::Result<Self> {
        let (directory, name) = place(directory, file.path.as_ref())?;
        Ok(Self {
            format,
            details,
            is_removed: false,
            file: None,
            directory,
            name,
            size: 0,
            max_size: file.max_size,
            max_files: file.max_files,
        })
    }

    fn reopen(&mut self) -> io::Result<()> {
        let flags = OFlags::WRONLY
            | OFlags::CREATE
            | OFlags::APPEND
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, &self.name, flags, Mode::RUSR | Mode::WUSR)?;
        let status = rustix::fs::fstat(&file)?;
        if !rustix::fs::FileType::from_raw_mode(status.st_mode).is_file() {
            // A device or a pipe is not ours to rename or to remove.
            self.max_size = None;
        }
        self.size = status.st_size as u64;
        self.file = Some(file);
        Ok(())
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
        let name = |number: u32| numbered(&self.name, number);
        if self.max_files <= 1 {
            let _ = rustix::fs::unlinkat(&self.directory, &self.name, rustix::fs::AtFlags::empty());
        }
        for number in (1..self.max_files).rev() {
            let _ = rustix::fs::renameat(&self.directory, name(number - 1), &self.directory, name(number));
        }
        let _ = self.reopen();
    }
}

/// Names of the files of a log that there are, oldest first.
pub fn files(directory: impl AsFd, name: &OsStr) -> Vec<OsString> {
    let exists = |name: &OsString| {
        rustix::fs::statat(directory.as_fd(), name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok()
    };
    let mut names: Vec<OsString> = (1..)
        .map(|number| numbered(name, number))
        .take_while(exists)
        .collect();
    names.reverse();
    names.extend(Some(name.to_owned()).filter(exists));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of each line, and whether it was an error.
    fn lines(directory: &tempfile::TempDir, name: impl AsRef<Path>) -> Vec<(String, bool)> {
        let content = std::fs::read(directory.path().join(name)).unwrap_or_default();
        let lines = content.split_inclusive(|byte| *byte == b'\n');
        lines
            .map(|entry| {
                let line = Format::Json.parse(entry).unwrap();
                let end = if line.is_whole { "\n" } else { "" };
                (
                    String::from_utf8(line.text.into_owned()).unwrap() + end,
                    line.is_error,
                )
            })
            .collect()
    }

    fn json(max_size: Option<u64>, max_files: u32) -> Log {
        Log::JsonFile(LogFile {
            max_size,
            max_files,
            ..LogFile::default()
        })
    }

    fn writer(directory: &tempfile::TempDir, log: &Log) -> LogWriter {
        let root = serde_json::json!({"directory": {"path": "/", "overlay": false}});
        let record = serde_json::json!({
            "version": 1, "id": "0", "name": "one", "created": "", "root": root, "config": {"log": log},
        });
        let file = std::fs::File::open(directory.path()).unwrap();
        LogWriter::open(file.as_fd(), &serde_json::from_value(record).unwrap()).unwrap()
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
        let texts: Vec<_> = lines.iter().map(|(text, _)| text.as_str()).collect();
        let long = "x".repeat(LINE_LIMIT);
        assert_eq!(texts, ["one\n", "error\n", "two\n", "\x1b\"\n", &long, "x"]);
        assert_eq!(lines[1], ("error\n".into(), true));
    }

    #[test]
    fn rotation_keeps_so_many_files() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(&directory, &json(Some(100), 3));
        for number in 0..20 {
            log.write(false, format!("line {number}\n").as_bytes());
        }
        log.flush();
        let names = files(std::fs::File::open(directory.path()).unwrap(), OsStr::new(LOG));
        assert_eq!(names, ["log.2", "log.1", "log"]);
        let all: Vec<_> = names.iter().flat_map(|name| lines(&directory, name)).collect();
        assert_eq!(all.last().unwrap().0, "line 19\n");
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
        let small = json(Some(1), 3);
        let mut log = writer(&directory, &small);
        log.write(false, b"one\n");
        let before = names();
        log.make_no_more_files();
        log.write(false, b"two\n");
        log.flush();
        assert_eq!(names(), before);
        let last: String = lines(&directory, LOG).into_iter().map(|(text, _)| text).collect();
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

    #[test]
    fn a_file_elsewhere_in_the_format_of_kubernetes() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = elsewhere.path().join("my.log");
        let file = LogFile {
            max_size: Some(1),
            max_files: 2,
            path: Some(path.as_path().into()),
            ..LogFile::default()
        };
        let mut log = writer(&directory, &Log::K8sFile(file));
        log.write(false, b"one\n");
        log.write(true, b"two");
        log.flush();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        let read = |name: &str| std::fs::read_to_string(elsewhere.path().join(name)).unwrap();
        assert!(
            read("my.log.1").ends_with(" stderr P two\n"),
            "{}",
            read("my.log.1")
        );
        assert_eq!(read("my.log"), "");
    }

    #[test]
    fn a_journal_that_is_not_there_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let file = std::fs::File::open(directory.path()).unwrap();
        if Path::new(SOCKET).exists() {
            return;
        }
        let root = serde_json::json!({"directory": {"path": "/", "overlay": false}});
        let record = serde_json::json!({
            "version": 1, "id": "0", "name": "one", "created": "", "root": root,
            "config": {"log": {"journald": {"tag": null}}},
        });
        let container = serde_json::from_value(record).unwrap();
        let error = LogWriter::open(file.as_fd(), &container)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("--log-driver=json-file"), "{error}");
    }
}
