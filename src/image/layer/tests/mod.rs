//! Tests of whole layers: unpacked, looked at, written again.

mod archives;
mod compare;
mod fix_up;
mod hostile;
mod round_trip;
mod unpacked;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::testing::{Fields, Tar};
use super::*;
use crate::base::digest::Digest;

/// A directory for one layer, beside one that must stay as it is.
pub struct Place {
    outer: tempfile::TempDir,
    before: Vec<String>,
}

impl Place {
    pub fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir(outer.path().join("layer")).unwrap();
        let canary = outer.path().join("K");
        fs::create_dir(&canary).unwrap();
        fs::set_permissions(&canary, fs::Permissions::from_mode(0o750)).unwrap();
        fs::write(canary.join("secret"), "secret").unwrap();
        let before = describe(&canary);
        Self { outer, before }
    }

    pub fn canary(&self) -> PathBuf {
        self.outer.path().join("K")
    }

    pub fn open(&self) -> File {
        File::open(self.outer.path().join("layer")).unwrap()
    }

    pub fn tree(&self) -> PathBuf {
        self.outer.path().join("layer/tree")
    }

    /// What is in the tree, one line each.
    pub fn list(&self) -> Vec<String> {
        describe(&self.tree())
    }

    /// Fails if anything outside of the layer was touched.
    pub fn assert_untouched(&self) {
        assert_eq!(describe(&self.canary()), self.before, "the canary was touched");
        let mut names: Vec<_> = fs::read_dir(self.outer.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["K", "layer"], "something was made beside the layer");
        for entry in fs::read_dir(self.outer.path().join("layer")).unwrap() {
            let name = entry.unwrap().file_name();
            let name = name.to_str().unwrap();
            assert!(
                ["tree", "split", "split.displaced", "layer.json"].contains(&name),
                "{name}"
            );
        }
    }

    pub fn unpack(&self, tar: &[u8]) -> Result<LayerRecord, UnpackError> {
        let owners = if is_root() {
            Owners::AsWritten
        } else {
            Owners::Single
        };
        let options = UnpackOptions {
            owners,
            ..UnpackOptions::default()
        };
        let result = super::unpack(tar, self.open().as_fd(), &options);
        self.assert_untouched();
        result
    }

    pub fn tar(&self) -> Result<Vec<u8>, RecreateError> {
        let mut tar = Vec::new();
        write_tar(self.open().as_fd(), &mut tar).map(|_| tar)
    }
}

/// A layer unpacked from `tar`, which has also been found to come out as it went in.
pub fn unpacked(tar: &[u8]) -> (Place, LayerRecord) {
    let place = Place::new();
    let record = place.unpack(tar).unwrap();
    assert_eq!((record.diff_id, record.size), (Digest::of(tar), tar.len() as u64));
    assert!(
        place.tar().unwrap() == tar,
        "the tar does not come out as it went in"
    );
    assert_eq!(read_record(place.open().as_fd()).unwrap(), record);
    (place, record)
}

/// Why `tar` is refused.
pub fn refusal(tar: &[u8]) -> String {
    match Place::new().unpack(tar) {
        Ok(_) => panic!("not refused"),
        Err(error) => error.to_string(),
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test cannot run here, in the form that the test harness counts.
pub fn skipped(why: &str) {
    println!("SKIPPED: {why}");
}

/// Path, type, mode, links, size or target of all below `root`, in order.
pub fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    describe_below(root, root, &mut lines);
    lines.sort();
    lines
}

fn describe_below(root: &Path, path: &Path, lines: &mut Vec<String>) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let name = path
        .strip_prefix(root)
        .unwrap()
        .as_os_str()
        .as_bytes()
        .escape_ascii()
        .to_string();
    let (mode, kind) = (metadata.mode() & 0o7777, metadata.mode() & 0o170000);
    lines.push(match kind {
        0o040000 => {
            let fd = File::open(path).unwrap();
            let opaque = if attributes::is_opaque(fd.as_fd()).unwrap() {
                " opaque"
            } else {
                ""
            };
            format!("{name}/ {mode:o}{opaque}")
        }
        0o100000 => {
            let content = fs::read(path).unwrap();
            let shown = if content.len() > 40 {
                format!("{} bytes", content.len())
            } else {
                content.escape_ascii().to_string()
            };
            format!("{name} {mode:o} {} [{shown}]", metadata.nlink())
        }
        0o120000 => format!(
            "{name} -> {}",
            fs::read_link(path).unwrap().as_os_str().as_bytes().escape_ascii()
        ),
        0o020000 if metadata.rdev() == 0 => format!("{name} whiteout"),
        kind => format!("{name} {kind:o} {mode:o} {}", metadata.rdev()),
    });
    if kind == 0o040000 {
        for entry in fs::read_dir(path).unwrap() {
            describe_below(root, &entry.unwrap().path(), lines);
        }
    }
}
