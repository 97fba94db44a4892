//! Copies a directory tree: contents, owners, modes, times, extended attributes, hard links among its files.
//!
//! Works by descriptors and last components alone, so no link is ever followed, whatever the tree holds. The target
//! is new and nobody else's. Directories get their attributes when they are complete.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

/// Why a tree was not copied whole.
#[derive(Debug, thiserror::Error)]
#[error("cannot copy {path:?}: {source}")]
pub struct CopyError {
    pub path: String,
    pub source: io::Error,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// Longest value of an extended attribute (XATTR_SIZE_MAX) and list of names (XATTR_LIST_MAX).
const XATTR_BYTES: usize = 64 << 10;
/// File capabilities.
const CAPABILITY: &[u8] = b"security.capability";

/// One directory on the way down.
struct Level {
    from: OwnedFd,
    to: OwnedFd,
    /// Directories in it that are still to be copied.
    pending: Vec<CString>,
    /// How long the path of the directory is.
    path: usize,
}

/// A copy under way.
struct Copy {
    /// Of what is being copied, relative to the top.
    path: Vec<u8>,
    /// The first copy of each file that has several names, relative to the top.
    links: HashMap<(u64, u64), Vec<u8>>,
    buffer: Vec<u8>,
    xattr: Vec<u8>,
}

/// Copies what is in the directory `from`, and its attributes, to the empty directory `to`.
pub fn copy_tree(from: OwnedFd, to: OwnedFd) -> Result<(), CopyError> {
    let mut copy = Copy {
        path: Vec::new(),
        links: HashMap::new(),
        buffer: vec![0; 256 << 10],
        xattr: vec![0; XATTR_BYTES],
    };
    copy.tree(from, to).map_err(|error| CopyError {
        path: format!("/{}", String::from_utf8_lossy(&copy.path)),
        source: error.into(),
    })
}

impl Copy {
    /// The levels stand on a stack of our own, since a hostile tree may be deeper than the process's.
    fn tree(&mut self, from: OwnedFd, to: OwnedFd) -> Result<(), Errno> {
        let top = rustix::io::fcntl_dupfd_cloexec(&to, 0)?;
        let mut levels = vec![self.enter(top.as_fd(), from, to)?];
        while let Some(level) = levels.last_mut() {
            self.path.truncate(level.path);
            let Some(name) = level.pending.pop() else {
                self.attributes(level.from.as_fd(), level.to.as_fd())?;
                levels.pop();
                continue;
            };
            self.push(name.to_bytes());
            let from = rustix::fs::openat(&level.from, &name, DIRECTORY, Mode::empty())?;
            rustix::fs::mkdirat(&level.to, &name, Mode::RWXU)?;
            let to = rustix::fs::openat(&level.to, &name, DIRECTORY, Mode::empty())?;
            levels.push(self.enter(top.as_fd(), from, to)?);
        }
        Ok(())
    }

    fn push(&mut self, name: &[u8]) {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }

    /// Copies all of a directory but the directories in it.
    fn enter(&mut self, top: BorrowedFd<'_>, from: OwnedFd, to: OwnedFd) -> Result<Level, Errno> {
        let path = self.path.len();
        let mut pending = Vec::new();
        for entry in Dir::read_from(&from)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let status = rustix::fs::statat(&from, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(status.st_mode) == FileType::Directory {
                pending.push(name.to_owned());
                continue;
            }
            self.push(name.to_bytes());
            if !self.link(top, to.as_fd(), name, &status)? {
                self.file(from.as_fd(), to.as_fd(), name, &status)?;
            }
            self.path.truncate(path);
        }
        Ok(Level {
            from,
            to,
            pending,
            path,
        })
    }

    /// Makes a further name of a file that was copied already. `false`: it was not.
    fn link(
        &mut self,
        top: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        status: &Stat,
    ) -> Result<bool, Errno> {
        if status.st_nlink < 2 {
            return Ok(false);
        }
        let key = (status.st_dev, status.st_ino);
        let Some(first) = self.links.get(&key) else {
            self.links.insert(key, self.path.clone());
            return Ok(false);
        };
        match rustix::fs::linkat(top, first.as_slice(), to, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            // Too deep to be named from the top, too many names, or a node that was left out: a copy will do.
            Err(Errno::NAMETOOLONG | Errno::MLINK | Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn file(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        status: &Stat,
    ) -> Result<(), Errno> {
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => self.regular(from, to, name, status),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(from, name, Vec::new())?;
                rustix::fs::symlinkat(&target, to, name)?;
                finish_by_name(to, name, status)
            }
            kind => {
                let mode = Mode::from_raw_mode(status.st_mode & 0o7777);
                match rustix::fs::mknodat(to, name, kind, mode, status.st_rdev) {
                    Ok(()) => {
                        finish_by_name(to, name, status)?;
                        // The umask took from it; a node is no link that could be followed.
                        rustix::fs::chmodat(to, name, mode, AtFlags::empty())
                    }
                    // Device nodes are not for user namespaces to make.
                    Err(Errno::PERM) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn regular(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        status: &Stat,
    ) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = rustix::fs::openat(from, name, flags, Mode::empty())?;
        let opened = rustix::fs::fstat(&source)?;
        if (opened.st_dev, opened.st_ino) != (status.st_dev, status.st_ino) {
            return Err(Errno::STALE);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let target = rustix::fs::openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
        self.content(&source, &target, status.st_size as u64)?;
        self.attributes_of(source.as_fd(), target.as_fd(), status)
    }

    /// Copies the data and leaves holes as holes.
    fn content(&mut self, from: &OwnedFd, to: &OwnedFd, size: u64) -> Result<(), Errno> {
        let mut offset = 0;
        while offset < size {
            let begin = match rustix::fs::seek(from, SeekFrom::Data(offset)) {
                Ok(begin) => begin,
                // Nothing but a hole up to the end.
                Err(Errno::NXIO) => break,
                Err(Errno::INVAL | Errno::OPNOTSUPP) => offset,
                Err(error) => return Err(error),
            };
            let end = rustix::fs::seek(from, SeekFrom::Hole(begin))
                .unwrap_or(size)
                .min(size);
            offset = begin;
            while offset < end {
                let part = (end - offset).min(self.buffer.len() as u64) as usize;
                let length = rustix::io::pread(from, &mut self.buffer[..part], offset)?;
                if length == 0 {
                    return Err(Errno::IO);
                }
                let mut written = 0;
                while written < length {
                    written +=
                        rustix::io::pwrite(to, &self.buffer[written..length], offset + written as u64)?;
                }
                offset += length as u64;
            }
        }
        rustix::fs::ftruncate(to, size)
    }

    fn attributes(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Errno> {
        let status = rustix::fs::fstat(from)?;
        self.attributes_of(from, to, &status)
    }

    /// The owner first, since a change of it takes set-uid bits and capabilities away; times last.
    fn attributes_of(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        status: &Stat,
    ) -> Result<(), Errno> {
        let ours = rustix::fs::fstat(to)?;
        if (ours.st_uid, ours.st_gid) != (status.st_uid, status.st_gid) {
            let (uid, gid) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
            rustix::fs::fchown(to, Some(uid), Some(gid))?;
        }
        self.xattrs(from, to)?;
        rustix::fs::fchmod(to, Mode::from_raw_mode(status.st_mode & 0o7777))?;
        rustix::fs::futimens(to, &times(status))
    }

    /// Those that belong to the file's content; what the target's file system does not take is left out.
    fn xattrs(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut names = vec![0; XATTR_BYTES];
        match rustix::fs::flistxattr(from, &mut names[..]) {
            Ok(length) => names.truncate(length),
            Err(Errno::OPNOTSUPP) => return Ok(()),
            Err(error) => return Err(error),
        }
        for name in names.split(|byte| *byte == 0).filter(|name| is_content(name)) {
            let length = match rustix::fs::fgetxattr(from, name, &mut self.xattr[..]) {
                Ok(length) => length,
                Err(Errno::NODATA | Errno::OPNOTSUPP) => continue,
                Err(error) => return Err(error),
            };
            match rustix::fs::fsetxattr(to, name, &self.xattr[..length], XattrFlags::empty()) {
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_content(name: &[u8]) -> bool {
    name == CAPABILITY || name.starts_with(b"user.") && !name.starts_with(b"user.overlay.")
}

fn times(status: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: status.st_atime,
            tv_nsec: status.st_atime_nsec as _,
        },
        last_modification: Timespec {
            tv_sec: status.st_mtime,
            tv_nsec: status.st_mtime_nsec as _,
        },
    }
}

/// Owner and times of what cannot be opened.
fn finish_by_name(to: BorrowedFd<'_>, name: &CStr, status: &Stat) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
    let ours = rustix::fs::statat(to, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if (ours.st_uid, ours.st_gid) != (status.st_uid, status.st_gid) {
        rustix::fs::chownat(to, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    rustix::fs::utimensat(to, name, &times(status), AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    fn open(path: &Path) -> OwnedFd {
        fs::File::open(path).unwrap().into()
    }

    fn tree() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let (from, to) = (parent.path().join("from"), parent.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        (parent, from, to)
    }

    #[test]
    fn everything_of_a_tree_arrives() {
        let (parent, from, to) = tree();
        let secret = parent.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/file"), "content").unwrap();
        fs::set_permissions(from.join("a/file"), PermissionsExt::from_mode(0o4710)).unwrap();
        fs::hard_link(from.join("a/file"), from.join("a/b/again")).unwrap();
        fs::hard_link(from.join("a/file"), from.join("third")).unwrap();
        symlink(&secret, from.join("link")).unwrap();
        symlink("nowhere", from.join("a/broken")).unwrap();
        rustix::fs::mkfifoat(open(&from), "fifo", Mode::from_raw_mode(0o640)).unwrap();
        let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000, 7);
        for path in ["a", "a/file", ""] {
            let file = fs::File::open(from.join(path)).unwrap();
            file.set_times(fs::FileTimes::new().set_modified(old)).unwrap();
        }
        let file = open(&from.join("third"));
        let has_xattrs = rustix::fs::fsetxattr(&file, "user.x", b"y", XattrFlags::empty()).is_ok();
        fs::set_permissions(&from, PermissionsExt::from_mode(0o1751)).unwrap();

        copy_tree(open(&from), open(&to)).unwrap();

        let status = |path: &str| fs::symlink_metadata(to.join(path)).unwrap();
        assert_eq!(fs::read(to.join("a/file")).unwrap(), b"content");
        assert_eq!(status("a/file").mode() & 0o7777, 0o4710);
        assert_eq!(status("a/file").ino(), status("a/b/again").ino());
        assert_eq!(status("a/file").ino(), status("third").ino());
        assert_eq!(fs::read_link(to.join("link")).unwrap(), secret);
        assert_eq!(fs::read_link(to.join("a/broken")).unwrap(), Path::new("nowhere"));
        assert!(status("fifo").file_type().is_fifo() && status("fifo").mode() & 0o777 == 0o640);
        for path in ["a", "a/file", ""] {
            assert_eq!(status(path).modified().unwrap(), old, "{path}");
        }
        assert_eq!(status("").mode() & 0o7777, 0o1751);
        let mut value = [0; 8];
        let copied = rustix::fs::fgetxattr(open(&to.join("third")), "user.x", &mut value[..]);
        assert!(!has_xattrs || copied == Ok(1) && value[0] == b'y');
    }

    #[test]
    fn holes_stay_holes() {
        let (_parent, from, to) = tree();
        let file = fs::File::create(from.join("sparse")).unwrap();
        file.set_len(64 << 20).unwrap();
        rustix::io::pwrite(&file, b"middle", 32 << 20).unwrap();
        copy_tree(open(&from), open(&to)).unwrap();
        let copied = fs::metadata(to.join("sparse")).unwrap();
        assert_eq!(copied.len(), 64 << 20);
        assert!(copied.blocks() * 512 <= fs::metadata(from.join("sparse")).unwrap().blocks() * 512 + 65536);
        let mut middle = [0; 6];
        rustix::io::pread(open(&to.join("sparse")), &mut middle, 32 << 20).unwrap();
        assert_eq!(&middle, b"middle");
    }

    #[test]
    fn a_failure_names_what_it_was() {
        let (_parent, from, to) = tree();
        fs::create_dir(from.join("a")).unwrap();
        fs::write(from.join("a/file"), "").unwrap();
        fs::create_dir(to.join("a")).unwrap();
        let error = copy_tree(open(&from), open(&to)).unwrap_err();
        assert_eq!(error.path, "/a");
    }

    #[test]
    fn a_deep_tree_is_copied() {
        let (_parent, from, to) = tree();
        let mut deep = from.clone();
        for _ in 0..200 {
            deep.push("d");
            fs::create_dir(&deep).unwrap();
        }
        copy_tree(open(&from), open(&to)).unwrap();
        assert!(to.join(deep.strip_prefix(&from).unwrap()).is_dir());
    }
}
