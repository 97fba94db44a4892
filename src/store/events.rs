//! What happened in a store, for whoever looks back or follows: containers made, images pulled, volumes removed.
//!
//! ```text
//! <root>/events/log             one event a line, as JSON; appended to by everybody
//! <root>/events/log.<number>    what was the log before; a higher number is younger
//! ```
//!
//! - **A write is whole.** Each event, or each few that belong together, is one `write(2)` with `O_APPEND`, which the kernel
//!   does not mix with others'. No lock is taken and nothing is synced: an event is news, not a record.
//! - **Nobody fails for an event.** One that cannot be written is lost; what it tells of has happened all the same.
//! - **The log is bounded.** Whoever makes it longer than [`FILE_LIMIT`] renames it, holding a `flock(2)` on the directory that it
//!   does not wait for. Who has just opened the file goes on writing to it under its new name, so that followers keep an
//!   eye on the one before the last (see [`read`](super::read_events)).
//! - **What is torn is passed over.** A full disk or a loss of power can leave half a line, to which the next event is then
//!   appended. Each begins with [`OPENING`], which no string in JSON can hold, so that its begin is found.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::container::{Container, Root};
use super::recording::Recording;
use super::{DIRECTORY, Store, event_file, event_journal};

/// The directory of the log below a store's root.
pub const EVENTS: &str = "events";
/// The file in it that is written.
pub(super) const LOG: &str = "log";
/// How every event begins.
pub(super) const OPENING: &[u8] = b"{\"v\":1,";
/// The longest event. One that is longer loses attributes.
pub(super) const LINE_LIMIT: usize = 16 << 10;
/// From this length on the log is renamed.
const FILE_LIMIT: u64 = 1 << 20;
/// How many files are kept beside the one that is written.
const KEPT: usize = 3;

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The version of this format, first in each line.
    pub(super) v: u32,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What it happened to: `container`, `image`, `volume`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// What happened, in Podman's words.
    pub action: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// That a container is made of.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// A container's labels, and what else there is to say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Event {
    fn new(kind: &'static str, action: &'static str) -> Self {
        Self {
            v: 1,
            kind: kind.into(),
            action: action.into(),
            ..Self::default()
        }
    }

    /// As it was read somewhere.
    pub(super) fn read(kind: String, action: String, time: u64) -> Self {
        Self {
            v: 1,
            time,
            kind: kind.into(),
            action: action.into(),
            ..Self::default()
        }
    }

    pub fn container(action: &'static str, container: &Container) -> Self {
        Self {
            id: container.id.clone(),
            name: container.name.clone(),
            image: match &container.root {
                Root::Image { name, .. } => name.clone(),
                Root::Directory { path, .. } => path.lossy().into_owned(),
            },
            attributes: container.config.labels.clone(),
            ..Self::new("container", action)
        }
    }

    /// `id`: hexadecimal digits. `name`: as it was given, or is now.
    pub fn image(action: &'static str, id: &str, name: impl ToString) -> Self {
        Self {
            id: id.into(),
            name: name.to_string(),
            ..Self::new("image", action)
        }
    }

    pub fn volume(action: &'static str, name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::new("volume", action)
        }
    }

    /// What was unused was removed, so many bytes.
    pub fn prune(kind: &'static str, reclaimed: u64) -> Self {
        Self::new(kind, "prune").with("reclaimed", reclaimed)
    }

    pub fn exit(self, code: i32) -> Self {
        Self {
            exit: Some(code),
            ..self
        }
    }

    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.attributes.insert(key.into(), value.to_string());
        self
    }

    /// The event as its line, if it can be made short enough.
    fn line(mut self, time: u64) -> Option<Vec<u8>> {
        self.time = time;
        for longest in [usize::MAX, 256, 0] {
            self.attributes
                .retain(|key, value| key.len().saturating_add(value.len()) <= longest);
            let mut line = serde_json::to_vec(&self).ok()?;
            line.push(b'\n');
            if line.len() <= LINE_LIMIT {
                return Some(line);
            }
        }
        None
    }

    /// Reads a line. None: it is not whole, or not one of ours.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let begin = line.windows(OPENING.len()).rposition(|bytes| bytes == OPENING)?;
        serde_json::from_slice(&line[begin..]).ok()
    }
}

impl Store {
    /// Records what has happened, in this order.
    pub fn tell(&self, events: impl IntoIterator<Item = Event>) {
        // What others see in a store that everybody may read is none of their business.
        if self.is_public {
            return;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        match &self.recording {
            Recording::Log => self.tell_log(events, now, since.subsec_micros()),
            Recording::File { path, limit } => {
                let _ = event_file::append(path, *limit, events, now);
            }
            Recording::Journal => {
                let _ = event_journal::send(self.path(), events, now);
            }
            Recording::Nothing => {}
        }
    }

    fn tell_log(&self, events: impl IntoIterator<Item = Event>, now: u64, part: u32) {
        let lines: Vec<u8> = events
            .into_iter()
            .filter_map(|event| event.line(now))
            .flatten()
            .collect();
        if !lines.is_empty() {
            let _ = self.append(&lines, part);
        }
    }

    fn append(&self, lines: &[u8], time: u32) -> rustix::io::Result<()> {
        let file = match open(self.root(), &format!("{EVENTS}/{LOG}")) {
            Err(Errno::NOENT) => {
                self.make_events()?;
                open(self.root(), &format!("{EVENTS}/{LOG}"))?
            }
            result => result?,
        };
        rustix::io::write(&file, lines)?;
        // Of short writes one in eight looks how long the log is: the start of a container has three.
        if lines.len() < LINE_LIMIT / 4 && time & 7 != 0 {
            return Ok(());
        }
        // Where this write ended, whoever else has written since.
        if rustix::fs::seek(&file, SeekFrom::Current(0))? >= FILE_LIMIT {
            self.rotate(&file)?;
        }
        Ok(())
    }

    /// The directory of the log, made where it is missing.
    pub(super) fn make_events(&self) -> rustix::io::Result<OwnedFd> {
        match rustix::fs::mkdirat(self.root(), EVENTS, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        rustix::fs::openat(self.root(), EVENTS, DIRECTORY, Mode::empty())
    }

    /// Gives the log another name, unless somebody else does at this moment or has.
    fn rotate(&self, file: &OwnedFd) -> rustix::io::Result<()> {
        let directory = self.make_events()?;
        rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
        let current = rustix::fs::statat(&directory, LOG, AtFlags::SYMLINK_NOFOLLOW)?;
        let ours = rustix::fs::fstat(file)?;
        if (current.st_dev, current.st_ino) != (ours.st_dev, ours.st_ino) {
            return Ok(());
        }
        let numbers = numbers(directory.as_fd())?;
        let next = numbers.last().map_or(Some(1), |last| last.checked_add(1));
        let next = next.ok_or(Errno::OVERFLOW)?;
        rustix::fs::renameat(&directory, LOG, &directory, format!("{LOG}.{next}"))?;
        for old in numbers.iter().rev().skip(KEPT - 1) {
            rustix::fs::unlinkat(&directory, format!("{LOG}.{old}"), AtFlags::empty())?;
        }
        Ok(())
    }
}

fn open(root: BorrowedFd<'_>, path: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(root, path, flags, Mode::RUSR | Mode::WUSR)
}

/// The numbers of the files that were the log, the oldest first.
pub(super) fn numbers(directory: BorrowedFd<'_>) -> rustix::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let number: Option<u64> = name
            .strip_prefix(b"log.")
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_even_behind_a_torn_one() {
        let event = Event::image("pull", "abc", "x\n{\"v\":1,").with("a", "b");
        let line = event.clone().line(7).unwrap();
        let read = |line: &[u8]| Event::parse(line.trim_ascii_end());
        let expected = Event { time: 7, ..event };
        assert!(line.starts_with(OPENING) && line.ends_with(b"}\n"));
        assert_eq!(read(&line).as_ref(), Some(&expected));
        for cut in 0..line.len() - 1 {
            assert_eq!(read(&line[..cut]), None);
            let both = [&line[..cut], &line].concat();
            assert_eq!(read(&both).as_ref(), Some(&expected), "{cut}");
        }
        assert_eq!(Event::parse(b"\xff\x00{}"), None);
    }

    #[test]
    fn lines_are_bounded() {
        let long = "x".repeat(LINE_LIMIT);
        let event = Event::volume("create", "v").with("short", 1).with("long", &long);
        let line = event.line(1).unwrap();
        let read = Event::parse(&line).unwrap();
        assert_eq!(read.attributes.keys().collect::<Vec<_>>(), ["short"]);
        let mut many = Event::volume("create", "v");
        for number in 0..LINE_LIMIT {
            many = many.with(&number.to_string(), "");
        }
        assert!(
            Event::parse(&many.line(1).unwrap())
                .unwrap()
                .attributes
                .is_empty()
        );
        assert_eq!(Event::volume("create", &long).line(1), None);
    }

    #[test]
    fn the_log_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        let long = "x".repeat(LINE_LIMIT - 200);
        for _ in 0..(KEPT as u64 + 3) * FILE_LIMIT / LINE_LIMIT as u64 {
            store.tell([Event::volume("create", &long)]);
        }
        let sizes: Vec<u64> = std::fs::read_dir(store.path().join(EVENTS))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert!(sizes.len() <= KEPT + 1 && sizes.len() >= KEPT, "{sizes:?}");
        assert!(
            sizes
                .iter()
                .all(|size| *size < FILE_LIMIT + 2 * LINE_LIMIT as u64)
        );
    }

    #[test]
    fn a_silent_store_records_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(&directory.path().join("store")).unwrap();
        store.recording = Recording::Nothing;
        store.tell([Event::volume("create", "v")]);
        assert!(!store.path().join(EVENTS).exists());
    }
}
