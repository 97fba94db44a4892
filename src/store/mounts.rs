//! Where the user has the files of an object mounted: `mounts.json` in the object's directory.
//!
//! The record only says at which places to look. Whether anything is mounted there, and how many times, the kernel says
//! (`/proc/PID/mountinfo`), so that neither a kill nor a restart of the machine can make the record lie. A place is
//! written down before anything is made there, and crossed out after it is gone. Whoever does either holds the object
//! exclusively, and so does whoever removes it.
//!
//! A mount lies in one mount namespace: that of the user, or of a `coracle unshare`. Those of others are looked for
//! among all processes that can be seen. A namespace without any process, kept by a descriptor alone, is not found.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use serde::{Deserialize, Serialize};

use super::locks::Locked;
use super::{Kind, Result, Store, StoreError};
use crate::base::bytes::ByteString;
use crate::base::digest::Digest;
use crate::base::file::Durability;
use crate::base::machine::machine;

const RECORD: &str = "mounts.json";
const VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    version: u32,
    places: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    /// Absolute and without links, as the kernel has it.
    path: ByteString,
    /// The machine it is on: a home may be shared.
    machine: String,
}

/// A place at which something of the object is mounted, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    pub path: PathBuf,
    /// How many times, in our mount namespace.
    pub here: usize,
    /// Whether it is in that of somebody else, or on another machine, where that cannot be seen.
    pub elsewhere: bool,
}

impl Mounted {
    fn is_gone(&self) -> bool {
        self.here == 0 && !self.elsewhere
    }
}

impl Store {
    /// Where the object is mounted. Takes no lock, so that it may be old news unless the caller holds the object.
    pub fn mounts(&self, kind: Kind, name: &str) -> Result<Vec<Mounted>> {
        let mut mounts = self.places(kind, name)?;
        mounts.retain(|mounted| !mounted.is_gone());
        Ok(mounts)
    }

    /// Writes down a place before anything is mounted there.
    pub fn note_mount(&self, object: &Locked, kind: Kind, name: &str, path: &Path) -> Result<()> {
        let mut record = self.mount_record(kind, name)?;
        let place = Place {
            path: path.into(),
            machine: machine(),
        };
        if !record.places.contains(&place) {
            record.places.push(place);
        }
        self.write_mounts(object, kind, name, record)
    }

    /// Takes away the uppermost mount at every place in our namespace, or `all` of them. Files that are open stay so.
    /// `false`: there was none.
    pub fn unmount(&self, object: &Locked, kind: Kind, name: &str, all: bool) -> Result<bool> {
        let mut found = false;
        for mounted in self.places(kind, name)? {
            for _ in 0..if all { mounted.here } else { mounted.here.min(1) } {
                let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
                rustix::mount::unmount(&mounted.path, flags).map_err(|error| failed(&mounted.path, error))?;
                found = true;
            }
        }
        self.sweep_mounts(object, kind, name)?;
        Ok(found)
    }

    /// Takes away all mounts of the object on this machine, in whatever namespace, and forgets those on others.
    pub fn unmount_everywhere(&self, object: &Locked, kind: Kind, name: &str) -> Result<()> {
        self.unmount(object, kind, name, true)?;
        let own = machine();
        for place in self.mount_record(kind, name)?.places {
            if place.machine == own {
                // Removing a directory takes away what other namespaces have mounted on it (since Linux 3.18).
                remove_place(place.path.as_path())?;
            }
        }
        self.write_mounts(object, kind, name, Record::default())
    }

    /// Crosses out the places at which nothing is mounted any more, and removes their directories.
    pub fn sweep_mounts(&self, object: &Locked, kind: Kind, name: &str) -> Result<()> {
        let mut record = self.mount_record(kind, name)?;
        let before = record.places.len();
        for mounted in self.places(kind, name)? {
            if mounted.is_gone() {
                remove_place(&mounted.path)?;
                record.places.retain(|place| place.path.as_path() != mounted.path);
            }
        }
        if record.places.len() == before {
            return Ok(());
        }
        self.write_mounts(object, kind, name, record)
    }

    /// All places of the record, with what the kernel says of them.
    fn places(&self, kind: Kind, name: &str) -> Result<Vec<Mounted>> {
        let record = self.mount_record(kind, name)?;
        if record.places.is_empty() {
            return Ok(Vec::new());
        }
        let proc = |error| StoreError::Io {
            path: "/proc/self/mountinfo".into(),
            source: error,
        };
        let here = std::fs::read("/proc/self/mountinfo").map_err(proc)?;
        let others = other_namespaces();
        let own = machine();
        let look = |place: Place| {
            let path = place.path.as_bytes();
            let is_ours = place.machine == own;
            Mounted {
                here: if is_ours { overlays_at(&here, path) } else { 0 },
                elsewhere: !is_ours || others.iter().any(|mounts| overlays_at(mounts, path) > 0),
                path: place.path.as_path().to_owned(),
            }
        };
        Ok(record.places.into_iter().map(look).collect())
    }

    fn mount_record(&self, kind: Kind, name: &str) -> Result<Record> {
        let directory = match self.object(kind, name) {
            Ok(directory) => directory,
            Err(error) if error.is_missing() => return Ok(Record::default()),
            Err(error) => return Err(error),
        };
        let described = format!("{}/{name}", kind.path());
        match self.read_record::<Record>(directory.as_fd(), &described, RECORD) {
            Ok(record) if record.version > VERSION => Err(StoreError::Damaged {
                path: self.path_of(kind, name).join(RECORD),
                reason: format!("it is of version {}", record.version),
            }),
            Err(error) if error.is_missing() => Ok(Record::default()),
            // Not synced to disk, so a loss of power may have cut it, and then nothing is mounted any more.
            Err(StoreError::Damaged { .. }) => Ok(Record::default()),
            result => result,
        }
    }

    fn write_mounts(&self, object: &Locked, kind: Kind, name: &str, mut record: Record) -> Result<()> {
        let path = format!("{}/{name}/{RECORD}", kind.path());
        if record.places.is_empty() {
            return match rustix::fs::unlinkat(object.as_fd(), RECORD, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(self.io(&path, error.into())),
            };
        }
        record.version = VERSION;
        let described = format!("{}/{name}", kind.path());
        // After a loss of power nothing is mounted.
        self.write_record(object.as_fd(), &described, RECORD, &record, Durability::Transient)
    }
}

fn failed(path: &Path, error: Errno) -> StoreError {
    StoreError::Io {
        path: path.into(),
        source: error.into(),
    }
}

/// Removes the directory that was mounted on. One that is not empty is not of our making any more.
fn remove_place(path: &Path) -> Result<()> {
    match rustix::fs::unlinkat(rustix::fs::CWD, path, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY) => Ok(()),
        Err(error) => Err(failed(path, error)),
    }
}

/// The mounts of all mount namespaces but ours that processes live in, as far as we may look.
fn other_namespaces() -> Vec<Vec<u8>> {
    let namespace = |process: &Path| std::fs::read_link(process.join("ns/mnt"));
    let mut seen: HashSet<PathBuf> = namespace(Path::new("/proc/self")).into_iter().collect();
    let mut found = Vec::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.filter(|entry| entry.file_name().as_bytes()[0].is_ascii_digit()) {
        let process = process.path();
        let Ok(name) = namespace(&process) else { continue };
        // Who has changed his root sees its mounts alone; another process of that namespace may see more.
        let sees_all = std::fs::read_link(process.join("root")).is_ok_and(|root| root == Path::new("/"));
        if sees_all && seen.insert(name) {
            found.extend(read(&process));
        }
    }
    found
}

fn read(process: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(process.join("mountinfo"))
}

/// How many overlays are mounted on one another at `path` (`proc_pid_mountinfo(5)`).
fn overlays_at(mountinfo: &[u8], path: &[u8]) -> usize {
    let lines = mountinfo.split(|byte| *byte == b'\n');
    lines.filter(|line| is_overlay_at(line, path)).count()
}

fn is_overlay_at(line: &[u8], path: &[u8]) -> bool {
    let mut fields = line.split(|byte| *byte == b' ');
    let Some(place) = fields.nth(4) else { return false };
    // Optional fields end with a dash; the kind of file system follows.
    let kind = fields.skip_while(|field| *field != b"-").nth(1);
    kind == Some(b"overlay") && unescape(place) == path
}

/// Spaces, tabs, line feeds and backslashes are written as a backslash and three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        rest = match (first, code) {
            (b'\\', Some(code)) => {
                bytes.push(code);
                &after[3..]
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    bytes
}

/// The name of the directory below a run directory for the mounts of one store: two stores may have the same image.
pub fn places_of(store: &Store) -> String {
    Digest::of(store.path().as_os_str().as_bytes()).hex()[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::locks::Hold;
    use super::*;
    use proptest::prelude::*;

    const MOUNTS: &[u8] = b"\
22 1 0:20 / /proc rw,nosuid - proc proc rw
30 1 0:30 / /run/a\\040b\\134c ro,nosuid shared:5 master:1 - overlay coracle ro,lowerdir=x
31 30 0:30 / /run/a\\040b\\134c ro,nosuid - overlay coracle ro
32 1 0:31 / /run/plain ro - tmpfs overlay ro
33 1 0:31 / /run/over ro - overlay - ro
";

    #[test]
    fn the_kernel_is_believed() {
        for (path, expected) in [
            (&b"/run/a b\\c"[..], 2),
            (b"/run/plain", 0),
            (b"/run/over", 1),
            (b"/run", 0),
            (b"", 0),
        ] {
            assert_eq!(overlays_at(MOUNTS, path), expected, "{}", path.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_mountinfo_is_read(bytes: Vec<u8>) {
            overlays_at(&bytes, b"/run");
        }
    }

    fn store() -> (tempfile::TempDir, Store, Locked) {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        std::fs::create_dir(store.path_of(Kind::Images, "one")).unwrap();
        let held = store.try_lock(Kind::Images, "one", Hold::Exclusive).unwrap();
        (parent, store, held.unwrap())
    }

    /// Killed after the place was written down, or after the machine was restarted.
    #[test]
    fn places_without_a_mount_are_swept() {
        let (parent, store, held) = store();
        let place = parent.path().join("place");
        assert!(!store.unmount(&held, Kind::Images, "one", true).unwrap());
        for makes in [true, false] {
            store.note_mount(&held, Kind::Images, "one", &place).unwrap();
            store.note_mount(&held, Kind::Images, "one", &place).unwrap();
            if makes {
                std::fs::create_dir(&place).unwrap();
            }
            assert!(store.mounts(Kind::Images, "one").unwrap().is_empty());
            store.sweep_mounts(&held, Kind::Images, "one").unwrap();
            assert!(!place.exists());
            assert!(!store.path_of(Kind::Images, "one").join(RECORD).exists());
        }
        assert!(store.mounts(Kind::Images, "none").unwrap().is_empty());
    }

    /// It is not synced to disk, so a loss of power may leave it empty.
    #[test]
    fn a_record_that_was_cut_keeps_nobody() {
        let (parent, store, held) = store();
        let file = store.path_of(Kind::Images, "one").join(RECORD);
        for content in ["", "{\"version\":1,\"pla"] {
            std::fs::write(&file, content).unwrap();
            assert!(store.mounts(Kind::Images, "one").unwrap().is_empty());
            store
                .note_mount(&held, Kind::Images, "one", &parent.path().join("place"))
                .unwrap();
            store.unmount_everywhere(&held, Kind::Images, "one").unwrap();
            assert!(!file.exists());
        }
    }

    #[test]
    fn what_another_machine_has_mounted_stays_until_it_is_removed_by_force() {
        let (parent, store, held) = store();
        let path = parent.path().join("place");
        let record = Record {
            version: 1,
            places: vec![Place {
                path: path.as_path().into(),
                machine: "another".into(),
            }],
        };
        std::fs::create_dir(&path).unwrap();
        store.write_mounts(&held, Kind::Images, "one", record).unwrap();
        store.sweep_mounts(&held, Kind::Images, "one").unwrap();
        let mounts = store.mounts(Kind::Images, "one").unwrap();
        assert_eq!((mounts.len(), mounts[0].here, mounts[0].elsewhere), (1, 0, true));
        store.unmount_everywhere(&held, Kind::Images, "one").unwrap();
        assert!(store.mounts(Kind::Images, "one").unwrap().is_empty() && path.exists());
    }
}
