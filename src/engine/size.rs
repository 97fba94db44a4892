//! How much a container has on the disk.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use super::state::Found;
use super::{Engine, Result, errno};
use crate::store::Kind;
use crate::store::container::Root;

/// Deeper trees are not followed: nobody makes them but to make us fall.
const DEEPEST: usize = 1000;

impl Engine {
    /// Bytes of the files that a container has changed, and of all its files. Hard links count once for each name, as in
    /// Docker.
    pub fn sizes(&self, found: &Found) -> Result<(u64, u64)> {
        let upper = self
            .store
            .path_of(Kind::Containers, &found.container.id)
            .join("upper");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let own = match rustix::fs::open(&upper, flags, Mode::empty()) {
            Ok(upper) => tree(upper.as_fd(), 0).map_err(errno(upper_name(found)))?,
            Err(rustix::io::Errno::NOENT) => 0,
            Err(error) => return Err(errno(upper_name(found))(error)),
        };
        let below = match &found.container.root {
            Root::Image { id, .. } => self.store.image(id)?.map_or(0, |image| image.size()),
            Root::Directory { .. } => 0,
        };
        Ok((own, own + below))
    }
}

fn upper_name(found: &Found) -> String {
    format!("files of container {}", found.container.id)
}

/// Bytes of the regular files below a directory.
fn tree(directory: BorrowedFd<'_>, depth: usize) -> rustix::io::Result<u64> {
    let mut total = 0;
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        // What vanishes meanwhile counts nothing.
        let Ok(status) = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => total += u64::try_from(status.st_size).unwrap_or(0),
            FileType::Directory if depth < DEEPEST => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let below: OwnedFd = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
                    Ok(below) => below,
                    Err(_) => continue,
                };
                total += tree(below.as_fd(), depth + 1)?;
            }
            _ => {}
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        std::fs::write(directory.path().join("a/b/file"), "12345").unwrap();
        std::fs::write(directory.path().join("top"), "123").unwrap();
        std::os::unix::fs::symlink("/usr", directory.path().join("link")).unwrap();
        let opened = std::fs::File::open(directory.path()).unwrap();
        assert_eq!(tree(opened.as_fd(), 0), Ok(8));
    }
}
