//! Events in a file that the user names (`events_logfile_path` in containers.conf), in Podman's format: one object a line.
//!
//! Other programs read such a file, and Podman may write to it, so it is theirs in everything: when it would be longer than
//! it may, its younger half takes its place, between two lines that say so. Where a limit is set all writers hold a
//! `flock(2)` on `<path>.lock`, since what was written to a file that another takes the place of would be lost.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::events::{Event, LINE_LIMIT};
use crate::base::time::rfc3339;

/// What a line says that begins or ends the part of a file that is older than the file.
const ROTATION: &str = "log-rotation";
const ROTATION_KEY: &str = "io.podman.event.rotate";
const BEGIN: &str = "begin";
const END: &str = "end";

/// An event as Podman writes it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(rename = "ContainerExitCode", skip_serializing_if = "Option::is_none")]
    exit: Option<i32>,
    #[serde(rename = "ID", skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(rename = "Image", skip_serializing_if = "String::is_empty")]
    image: String,
    #[serde(rename = "Name", skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(rename = "Status")]
    status: String,
    #[serde(rename = "Time")]
    time: String,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    health_status: String,
    #[serde(rename = "Error", skip_serializing_if = "String::is_empty")]
    error: String,
    #[serde(rename = "Attributes")]
    attributes: Option<BTreeMap<String, String>>,
}

impl Line {
    fn of(event: Event) -> Self {
        let mut attributes = event.attributes;
        let mut take = |key: &str| attributes.remove(key).unwrap_or_default();
        Self {
            exit: event.exit,
            id: event.id,
            image: event.image,
            name: event.name,
            status: event.action.into_owned(),
            time: rfc3339(UNIX_EPOCH + Duration::from_nanos(event.time)),
            kind: event.kind.into_owned(),
            health_status: take("health_status"),
            error: take("error"),
            attributes: Some(attributes).filter(|attributes| !attributes.is_empty()),
        }
    }

    /// None: it is no event.
    fn event(self) -> Option<Event> {
        let time: jiff::Timestamp = self.time.parse().ok()?;
        let mut event = Event::read(self.kind, self.status, time.as_nanosecond().try_into().ok()?);
        event.exit = self.exit;
        (event.id, event.name, event.image) = (self.id, self.name, self.image);
        event.attributes = self.attributes.unwrap_or_default();
        for (key, value) in [("health_status", self.health_status), ("error", self.error)] {
            if !value.is_empty() {
                event.attributes.insert(key.into(), value);
            }
        }
        Some(event)
    }

    fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("strings and numbers can be JSON");
        text.push(b'\n');
        text
    }
}

/// Appends events that happened at `time`.
pub(super) fn append(
    path: &Path,
    limit: u64,
    events: impl IntoIterator<Item = Event>,
    time: u64,
) -> io::Result<()> {
    let lines: Vec<u8> = events
        .into_iter()
        .flat_map(|event| Line::of(Event { time, ..event }).text())
        .collect();
    let open = || {
        // Nobody waits for the reader of a pipe.
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(path)?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is no regular file")),
        }
    };
    if limit == 0 {
        return open()?.write_all(&lines);
    }
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(lock)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    let mut file = open()?;
    if file.metadata()?.len() + lines.len() as u64 >= limit {
        cut(path, time)?;
        file = open()?;
    }
    file.write_all(&lines)
}

/// Puts the younger half of a file in its place.
fn cut(path: &Path, time: u64) -> io::Result<()> {
    let mark = |word: &str| {
        let mut mark = Event::read("system".into(), ROTATION.into(), time);
        mark.name = path.display().to_string();
        Line::of(mark.with(ROTATION_KEY, word)).text()
    };
    let mut old = File::open(path)?;
    old.seek(SeekFrom::Start(old.metadata()?.len() / 2))?;
    let mut old = BufReader::new(old);
    old.skip_until(b'\n')?;
    let mut content = mark(BEGIN);
    old.read_to_end(&mut content)?;
    content.extend(mark(END));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&content))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Reads such a file, the oldest event first.
pub struct FileReader {
    path: PathBuf,
    file: BufReader<File>,
    /// The beginning of a line that is not there whole.
    partial: Vec<u8>,
    /// The file took the place of one that was read: its older part is passed over.
    is_cut: bool,
}

impl FileReader {
    /// Begins with the oldest event, or with the next one. The file is made where there is none.
    pub fn open(path: &Path, from_start: bool) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(path)?;
        if !from_start {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self {
            path: path.into(),
            file: BufReader::new(file),
            partial: Vec::new(),
            is_cut: false,
        })
    }

    /// The directory to be watched for more.
    pub fn directory(&self) -> io::Result<File> {
        let parent = self.path.parent().filter(|parent| parent.as_os_str() != "");
        File::open(parent.unwrap_or(Path::new(".")))
    }

    /// The next event; none when there is none yet. What is no event is passed over.
    pub fn read(&mut self) -> io::Result<Option<Event>> {
        loop {
            let room = (LINE_LIMIT as u64 * 64).saturating_sub(self.partial.len() as u64);
            let mut bounded = (&mut self.file).take(room);
            let length = bounded.read_until(b'\n', &mut self.partial)?;
            if !self.partial.ends_with(b"\n") {
                if room > 0 && length > 0 {
                    continue;
                }
                if room == 0 {
                    // No line of ours is so long.
                    self.partial.clear();
                    continue;
                }
                if !self.follow()? {
                    return Ok(None);
                }
                continue;
            }
            let line = std::mem::take(&mut self.partial);
            let Some(event) = serde_json::from_slice::<Line>(&line).ok().and_then(Line::event) else {
                continue;
            };
            let word = event.attributes.get(ROTATION_KEY).map(String::as_str);
            match (event.action == ROTATION).then_some(word).flatten() {
                Some(BEGIN) if self.is_cut => continue,
                Some(END) => self.is_cut = false,
                _ if self.is_cut => continue,
                _ => {}
            }
            return Ok(Some(event));
        }
    }

    /// Goes on with the file that has taken the place of ours, if one has.
    fn follow(&mut self) -> io::Result<bool> {
        let inode = |status: &fs::Metadata| (status.dev(), status.ino());
        let ours = self.file.get_ref().metadata()?;
        let Ok(file) = File::open(&self.path) else {
            return Ok(false);
        };
        if inode(&file.metadata()?) == inode(&ours) {
            return Ok(false);
        }
        let mut file = BufReader::new(file);
        let begins = file.fill_buf()?;
        let begin = begins.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = serde_json::from_slice::<Line>(begin).unwrap_or_default();
        self.is_cut = line.status == ROTATION;
        self.file = file;
        self.partial.clear();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut FileReader) -> Vec<String> {
        std::iter::from_fn(|| reader.read().unwrap())
            .map(|event| format!("{} {}", event.action, event.name))
            .collect()
    }

    #[test]
    fn lines_are_podmans() {
        let event = Event::image("pull-error", "", "x").with("error", "no");
        let line = Line::of(Event {
            time: 1_500_000_000,
            ..event
        });
        let text = String::from_utf8(line.text()).unwrap();
        let expected = r#"{"Name":"x","Status":"pull-error","Time":"1970-01-01T00:00:01.500000000Z","Type":"image","Error":"no","Attributes":null}"#;
        assert_eq!(text.trim_end(), expected);
        let theirs = r#"{"Name":"b","Status":"pull","Time":"1970-01-01T02:00:01.25+02:00","Type":"image","Attributes":null}"#;
        let event = serde_json::from_str::<Line>(theirs).unwrap().event().unwrap();
        assert_eq!((event.time, &*event.name), (1_250_000_000, "b"));
    }

    #[test]
    fn a_file_that_is_cut_is_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        let put = |name: &str, limit| append(&path, limit, [Event::volume("create", name)], 1).unwrap();
        put("one", 0);
        put("two", 0);
        let mut follower = FileReader::open(&path, true).unwrap();
        assert_eq!(read(&mut follower), ["create one", "create two"]);
        put("three", 200);
        let end = format!("{ROTATION} {}", path.display());
        assert_eq!(read(&mut follower), [end.as_str(), "create three"]);
        let whole = read(&mut FileReader::open(&path, true).unwrap());
        assert_eq!(whole, [&end, &end, "create three"]);
        put("four", 10_000);
        assert_eq!(read(&mut follower), ["create four"]);
        fs::write(&path, "nonsense\n").unwrap();
        assert_eq!(read(&mut FileReader::open(&path, true).unwrap()), [""; 0]);
    }
}
