//! Directories of a tree by path, opened without ever following a link or leaving the tree.
//!
//! Archives name the files of a directory one after another, so the last few dozen directories stay open and a file
//! costs no walk. Only `O_PATH` descriptors are kept: they serve as a place to work from and nothing else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::name;

/// Directories kept open. Layers written depth first need as many as the tree is deep.
const KEPT: usize = 48;

/// The directories of one tree.
pub struct Parents {
    root: OwnedFd,
    open: Vec<Kept>,
    /// Most that are kept open.
    limit: usize,
    clock: u64,
}

struct Kept {
    path: Vec<u8>,
    fd: OwnedFd,
    used: u64,
}

impl Parents {
    pub fn new(root: OwnedFd) -> Self {
        Self::keeping(root, KEPT)
    }

    /// Keeps no more than `limit` directories open, at least one: enough for paths in their order, and too few for
    /// [`Parents::pair`].
    pub fn keeping(root: OwnedFd, limit: usize) -> Self {
        Self {
            root,
            open: Vec::with_capacity(limit),
            limit,
            clock: 0,
        }
    }

    /// The directory `path`, which is in normal form. `LOOP` says that a link is in the way, `NOTDIR` another file.
    pub fn get(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Errno> {
        if path.is_empty() {
            return Ok(self.root.as_fd());
        }
        self.clock += 1;
        if let Some(position) = self.open.iter().position(|kept| kept.path == path) {
            let kept = &mut self.open[position];
            kept.used = self.clock;
            return Ok(kept.fd.as_fd());
        }
        let fd = open_beneath(self.root.as_fd(), path, OFlags::PATH | OFlags::DIRECTORY)?;
        let kept = Kept {
            path: path.to_vec(),
            fd,
            used: self.clock,
        };
        let position = if self.open.len() < self.limit {
            self.open.push(kept);
            self.open.len() - 1
        } else {
            let oldest = (0..self.open.len())
                .min_by_key(|&position| self.open[position].used)
                .expect("the limit is not 0");
            self.open[oldest] = kept;
            oldest
        };
        Ok(self.open[position].fd.as_fd())
    }

    /// Two directories at once.
    pub fn pair(&mut self, one: &[u8], other: &[u8]) -> Result<(BorrowedFd<'_>, BorrowedFd<'_>), Errno> {
        debug_assert!(self.limit > 1, "two are open at once");
        self.get(one)?;
        // `one` was used last but for `other`, so that it is not the one to be closed.
        self.get(other)?;
        let find = |path: &[u8]| match self.open.iter().find(|kept| kept.path == path) {
            Some(kept) => kept.fd.as_fd(),
            None => self.root.as_fd(),
        };
        Ok((find(one), find(other)))
    }

    /// The directory above `path`, and the name of `path` in it.
    pub fn place<'p>(&mut self, path: &'p [u8]) -> Result<(BorrowedFd<'_>, &'p [u8]), Errno> {
        let (directory, base) = name::split(path);
        Ok((self.get(directory)?, base))
    }

    /// Closes `path` and what lies below it: it is about to go.
    pub fn forget(&mut self, path: &[u8]) {
        self.open.retain(|kept| !name::within(&kept.path, path));
    }

    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Opens `path`, in normal form, below `root`. Links are followed nowhere.
pub fn open_beneath(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let path = if path.is_empty() { b"." } else { path };
    loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            // EAGAIN: something was renamed meanwhile; the kernel could not be sure.
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Sandboxes and old emulations have no openat2.
            Err(Errno::NOSYS) => return walk_beneath(root, path, flags),
            done => return done,
        }
    }
}

/// What `openat2` does, in single steps of which none follows a link.
fn walk_beneath(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let (directory, base) = name::split(path);
    let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut current: Option<OwnedFd> = None;
    for component in directory
        .split(|&byte| byte == b'/')
        .filter(|component| !component.is_empty())
    {
        let from = current.as_ref().map_or(root, AsFd::as_fd);
        let next = rustix::fs::openat(from, component, step, Mode::empty());
        current = Some(next.map_err(|error| link_in_the_way(from, component, error))?);
    }
    let from = current.as_ref().map_or(root, AsFd::as_fd);
    let opened = rustix::fs::openat(from, base, flags | OFlags::NOFOLLOW, Mode::empty());
    opened.map_err(|error| link_in_the_way(from, base, error))
}

/// `O_DIRECTORY | O_NOFOLLOW` says `NOTDIR` of a link.
fn link_in_the_way(directory: BorrowedFd<'_>, name: &[u8], error: Errno) -> Errno {
    let is_link = || {
        let stat = rustix::fs::statat(directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
    };
    if error == Errno::NOTDIR && is_link() {
        Errno::LOOP
    } else {
        error
    }
}

/// Opens the directory `name` of `parent` for use as a root.
pub fn open_directory(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn links_and_files_in_the_way_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        symlink("a", directory.path().join("link")).unwrap();
        symlink("/", directory.path().join("out")).unwrap();
        let root = fs::File::open(directory.path()).unwrap();
        for open in [open_beneath, walk_beneath] {
            let open = |path: &str| {
                open(
                    root.as_fd(),
                    path.as_bytes(),
                    OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
                )
            };
            assert!(open("a/b").is_ok());
            assert_eq!(open("link").unwrap_err(), Errno::LOOP);
            assert_eq!(open("link/b").unwrap_err(), Errno::LOOP);
            assert_eq!(open("out/etc").unwrap_err(), Errno::LOOP);
            assert_eq!(open("file").unwrap_err(), Errno::NOTDIR);
            assert_eq!(open("file/b").unwrap_err(), Errno::NOTDIR);
            assert_eq!(open("none").unwrap_err(), Errno::NOENT);
        }
    }

    #[test]
    fn many_directories_take_few_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        let mut parents = Parents::new(fs::File::open(directory.path()).unwrap().into());
        for round in 0..2 {
            for number in 0..KEPT + 20 {
                let name = format!("d{number}");
                if round == 0 {
                    fs::create_dir(directory.path().join(&name)).unwrap();
                }
                let fd = parents.get(name.as_bytes()).unwrap();
                let inode = rustix::fs::fstat(fd).unwrap().st_ino;
                assert_eq!(inode, fs::metadata(directory.path().join(&name)).unwrap().ino());
            }
        }
        assert_eq!(parents.open.len(), KEPT);
    }

    #[test]
    fn a_forgotten_directory_is_opened_anew() {
        let directory = tempfile::tempdir().unwrap();
        let mut parents = Parents::new(fs::File::open(directory.path()).unwrap().into());
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        parents.get(b"a/b").unwrap();
        fs::remove_dir_all(directory.path().join("a")).unwrap();
        parents.forget(b"a");
        assert_eq!(parents.get(b"a/b").unwrap_err(), Errno::NOENT);
    }
}
