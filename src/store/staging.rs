//! Making and removing whole objects: staging, publishing, trash, and the sweep.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::locks::{Hold, flock, reopen};
use super::{DIRECTORY, Kind, Result, Store};
use crate::base::id;

/// A directory being made. It is removed when this is dropped before it was published, and swept
/// when its process dies.
pub struct Staging<'a> {
    store: &'a Store,
    name: String,
    /// Open and locked; the lock moves along when the directory is published.
    directory: Option<OwnedFd>,
}

impl Store {
    /// Makes a staging directory named by a new identifier, or by `name`, which must be new as well.
    pub fn stage(&self, name: Option<&str>) -> Result<Staging<'_>> {
        loop {
            let name = name.map_or_else(id::random, str::to_owned);
            let path = format!("{}/{name}", Kind::Staging.path());
            let io = |error: Errno| self.io(&path, error.into());
            rustix::fs::mkdirat(&self.root, path.as_str(), Mode::RWXU).map_err(io)?;
            let directory = match rustix::fs::openat(&self.root, path.as_str(), DIRECTORY, Mode::empty()) {
                Ok(directory) => directory,
                // Swept between the two calls, before we could lock it.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(io(error)),
            };
            match flock(directory.as_fd(), Hold::Exclusive, false) {
                Ok(()) => {}
                // A sweeper was faster, or, where the name was given, this is the directory of another maker, who put
                // it there after a sweep. That one is not waited for: it may be waiting for what we hold.
                Err(Errno::WOULDBLOCK) => continue,
                Err(error) => return Err(io(error)),
            }
            // A sweeper that held the lock for a moment has taken the directory away.
            if self.is_current(Kind::Staging, &name, directory.as_fd()) {
                return Ok(Staging {
                    store: self,
                    name,
                    directory: Some(directory),
                });
            }
        }
    }

    /// Renames an object into the trash, so that it is gone for everybody at once.
    /// The caller holds it exclusively. `false`: it was not there.
    pub fn discard(&self, kind: Kind, name: &str) -> Result<bool> {
        let path = format!("{}/{name}", kind.path());
        // The trash name is unique, so that it can never collide with what still lies there.
        let trash = format!("{}/{}", Kind::Trash.path(), id::random());
        match rustix::fs::renameat(&self.root, path.as_str(), &self.root, trash.as_str()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    /// Deletes what lies in the trash. What cannot be deleted stays for the next sweep; the first such error is
    /// returned after everything has been tried.
    pub fn empty_trash(&self) -> Result<()> {
        let trash = self.directory(Kind::Trash)?;
        empty(trash.as_fd()).map_err(|error| self.io(Kind::Trash.path(), error))
    }

    /// Removes what dead makers left in staging, and empties the trash. Cheap when there is nothing: two listings.
    pub fn sweep(&self) -> Result<()> {
        for name in self.names(Kind::Staging)? {
            // Whoever makes it holds it exclusively; the lock ends with the process. Ours is held until it is gone.
            if let Some(_held) = self.try_lock(Kind::Staging, &name, Hold::Exclusive)? {
                self.discard(Kind::Staging, &name)?;
            }
        }
        self.empty_trash()
    }
}

impl Staging<'_> {
    /// The identifier that names the directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory itself.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_ref().expect("open until published").as_fd()
    }

    /// Moves the directory to its place. `false`: an object of that name is already there, and the
    /// staged one is dropped. The lock is returned, still held, so that the maker can finish under it.
    pub fn publish(mut self, kind: Kind, name: &str) -> Result<(bool, Option<OwnedFd>)> {
        if self.store.is_public {
            super::shared::open_to_all(self.directory()).map_err(|error| self.store.io(name, error))?;
        }
        let from = format!("{}/{}", Kind::Staging.path(), self.name);
        let to = format!("{}/{name}", kind.path());
        let root = &self.store.root;
        match rustix::fs::renameat_with(root, from.as_str(), root, to.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => Ok((true, self.directory.take())),
            Err(Errno::EXIST) => Ok((false, None)),
            Err(error) => Err(self.store.io(&to, error.into())),
        }
    }

    /// Writes all data of the file system that holds the staging directory to disk: once per image, not per file.
    pub fn sync(&self) -> Result<()> {
        let directory = reopen(self.directory()).map_err(|error| self.store.io(&self.name, error.into()))?;
        rustix::fs::syncfs(directory).map_err(|error| self.store.io(&self.name, error.into()))
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if self.directory.is_some() {
            // What fails here is swept later.
            let _ = self.store.discard(Kind::Staging, &self.name);
            let _ = self.store.empty_trash();
        }
    }
}

/// Deletes everything below `directory`, links not followed and other mounts not entered.
/// Goes on after an error and returns the first.
pub fn empty(directory: BorrowedFd<'_>) -> io::Result<()> {
    let device = rustix::fs::fstat(directory)?.st_dev;
    let mut first = None;
    empty_on(directory, device, &mut first);
    first.map_or(Ok(()), |error: Errno| Err(error.into()))
}

/// Directories are walked with an explicit stack, since a hostile tree may be deeper than ours would be.
fn empty_on(directory: BorrowedFd<'_>, device: u64, first: &mut Option<Errno>) {
    let mut keep = |error: Errno| {
        // Another process that empties the same trash is a help, not an error.
        if error != Errno::NOENT {
            first.get_or_insert(error);
        }
    };
    // Each level: its descriptor, and the names of directories still to be entered.
    let mut levels: Vec<(OwnedFd, Vec<std::ffi::CString>)> = Vec::new();
    match reopen(directory).and_then(|fd| Ok((clear_files(&fd, &mut keep)?, fd))) {
        Ok((pending, fd)) => levels.push((fd, pending)),
        Err(error) => keep(error),
    }
    // Names of the directories that were entered, to be removed on the way out.
    let mut entered: Vec<std::ffi::CString> = Vec::new();
    while let Some((fd, pending)) = levels.last_mut() {
        let Some(name) = pending.pop() else {
            levels.pop();
            if let (Some((parent, _)), Some(name)) = (levels.last(), entered.pop())
                && let Err(error) = rustix::fs::unlinkat(parent, &name, AtFlags::REMOVEDIR)
            {
                keep(error);
            }
            continue;
        };
        match open_child(fd, &name, device) {
            Ok(child) => match clear_files(&child, &mut keep) {
                Ok(pending) => {
                    entered.push(name);
                    levels.push((child, pending));
                }
                Err(error) => keep(error),
            },
            Err(error) => keep(error),
        }
    }
}

/// Opens a directory to be emptied, making it accessible first where its owner has shut himself out.
fn open_child(parent: &OwnedFd, name: &std::ffi::CStr, device: u64) -> rustix::io::Result<OwnedFd> {
    let child = match rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
            rustix::fs::openat(parent, name, DIRECTORY, Mode::empty())?
        }
        result => result?,
    };
    if rustix::fs::fstat(&child)?.st_dev != device {
        return Err(Errno::XDEV);
    }
    Ok(child)
}

/// Unlinks all that is not a directory and returns the names of the directories.
fn clear_files(
    directory: &OwnedFd,
    keep: &mut dyn FnMut(Errno),
) -> rustix::io::Result<Vec<std::ffi::CString>> {
    let mut directories = Vec::new();
    let status = rustix::fs::fstat(directory)?;
    if status.st_mode & 0o700 != 0o700 {
        // Read-only directories of a user are no obstacle to that user.
        let _ = rustix::fs::fchmod(directory, Mode::RWXU);
    }
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let is_directory = match entry.file_type() {
            FileType::Directory => true,
            FileType::Unknown => {
                let status = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(status.st_mode) == FileType::Directory
            }
            _ => false,
        };
        if is_directory {
            directories.push(name.to_owned());
        } else if let Err(error) = rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            keep(error);
        }
    }
    Ok(directories)
}

/// Makes a directory below another and opens it.
pub fn make_directory(parent: BorrowedFd<'_>, name: &str, mode: Mode) -> rustix::io::Result<OwnedFd> {
    rustix::fs::mkdirat(parent, name, mode)?;
    rustix::fs::openat(parent, name, DIRECTORY, Mode::empty())
}

/// Makes an empty file, closed to others.
pub fn make_file(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn store() -> (tempfile::TempDir, Store) {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        (parent, store)
    }

    #[test]
    fn staged_directories_are_published_once() {
        let (_parent, store) = store();
        let staging = store.stage(None).unwrap();
        make_directory(staging.directory(), "upper", Mode::RWXU).unwrap();
        let (published, lock) = staging.publish(Kind::Volumes, "v").unwrap();
        assert!(published && lock.is_some());
        assert!(
            store
                .try_lock(Kind::Volumes, "v", Hold::Shared)
                .unwrap()
                .is_none()
        );
        drop(lock);
        assert!(
            store
                .try_lock(Kind::Volumes, "v", Hold::Shared)
                .unwrap()
                .is_some()
        );
        assert!(!store.stage(None).unwrap().publish(Kind::Volumes, "v").unwrap().0);
        assert!(store.names(Kind::Staging).unwrap().is_empty());
    }

    #[test]
    fn dropped_and_orphaned_staging_vanishes_but_a_live_one_stays() {
        let (_parent, store) = store();
        drop(store.stage(None).unwrap());
        assert!(store.names(Kind::Staging).unwrap().is_empty());
        let live = store.stage(None).unwrap();
        std::fs::create_dir_all(store.path_of(Kind::Staging, "orphan").join("a/b")).unwrap();
        store.sweep().unwrap();
        assert_eq!(store.names(Kind::Staging).unwrap(), [live.name()]);
        assert!(store.names(Kind::Trash).unwrap().is_empty());
    }

    #[test]
    fn a_sweep_takes_nothing_that_is_just_being_made() {
        let (_parent, store) = store();
        std::thread::scope(|scope| {
            let sweep = || (0..1000).for_each(|_| store.sweep().unwrap());
            let sweepers: Vec<_> = (0..8).map(|_| scope.spawn(sweep)).collect();
            while !sweepers.iter().all(|sweeper| sweeper.is_finished()) {
                let staging = store.stage(None).unwrap();
                std::thread::yield_now();
                assert!(store.is_current(Kind::Staging, staging.name(), staging.directory()));
            }
        });
    }

    #[test]
    fn trash_of_any_shape_is_deleted_and_links_are_not_followed() {
        let (parent, store) = store();
        let outside = parent.path().join("outside");
        std::fs::write(&outside, "kept").unwrap();
        let mut deep = store.path_of(Kind::Volumes, "v");
        std::fs::create_dir(&deep).unwrap();
        std::os::unix::fs::symlink(parent.path(), deep.join("link")).unwrap();
        for _ in 0..300 {
            deep.push("directory");
            std::fs::create_dir(&deep).unwrap();
        }
        let shut = store.path_of(Kind::Volumes, "v").join("shut");
        std::fs::create_dir_all(shut.join("inner")).unwrap();
        std::fs::set_permissions(&shut, PermissionsExt::from_mode(0o0)).unwrap();
        assert!(store.discard(Kind::Volumes, "v").unwrap());
        assert!(!store.discard(Kind::Volumes, "v").unwrap());
        store.empty_trash().unwrap();
        assert!(store.names(Kind::Trash).unwrap().is_empty());
        assert_eq!(std::fs::read_to_string(outside).unwrap(), "kept");
    }
}
