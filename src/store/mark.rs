//! `mark/`: a layer with nothing but the file `/run/.containerenv`, by which programs know that they are in a container. It lies
//! below the layers of images, so that it changes nothing that they have; it is made once and never changed.

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Result, Store};

/// The tree, from the root of the store.
pub const MARK: &str = "mark";
const DIRECTORY: &str = "mark/run";
const FILE: &str = "mark/run/.containerenv";

impl Store {
    /// The tree, made where it is missing. Whoever makes it at the same time makes the same.
    pub fn mark(&self) -> Result<&'static str> {
        if rustix::fs::statat(self.root(), FILE, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Ok(MARK);
        }
        self.make_mark().map_err(|error| self.io(FILE, error.into()))?;
        Ok(MARK)
    }

    /// Under modes that do not depend on the caller's mask. The file comes last, and tells that all is there.
    fn make_mark(&self) -> rustix::io::Result<()> {
        let open = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        for directory in [MARK, DIRECTORY] {
            match rustix::fs::mkdirat(self.root(), directory, open) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            rustix::fs::chmodat(self.root(), directory, open, AtFlags::empty())?;
        }
        let readable = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.root(), FILE, flags, readable)?;
        rustix::fs::fchmod(&file, readable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_made_once_and_readable_to_all() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        for _ in 0..2 {
            assert_eq!(store.mark().unwrap(), MARK);
        }
        for (path, mode) in [("mark", 0o755), ("mark/run", 0o755), (FILE, 0o644)] {
            let status = std::fs::symlink_metadata(store.path().join(path)).unwrap();
            assert_eq!(status.permissions().mode() & 0o7777, mode, "{path}");
        }
    }
}
