//! `image mount` and `image unmount`: the files of an image at a place where the user's programs see them.
//!
//! Beside containers' own, these are the only mounts we make; they lie in the mount namespace of the caller. The store
//! keeps where they are ([`crate::store::mounts`]), and the kernel whether they are.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{Engine, EngineError, Result, errno, io};
use crate::runtime::{overlay, rootfs};
use crate::store::events::Event;
use crate::store::images::Image;
use crate::store::locks::{Hold, Locked};
use crate::store::mounts::places_of;
use crate::store::staging::make_directory;
use crate::store::{Kind, Store};
use crate::sys::process::{self, Namespaces};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Engine {
    /// Gives an ordinary user's process mounts of its own, in which it and what it executes may mount. The host's
    /// unmounting still reaches it. It stays in the user namespace for others to join, so that they can see its mounts.
    pub fn settle_in_namespaces(&self) -> Result<()> {
        let Some(member) = &self.member else {
            return Ok(());
        };
        let failed = errno("cannot stay in the user namespace");
        member.outlive_execution().map_err(failed)?;
        process::unshare(Namespaces::MOUNT).map_err(errno("cannot make a mount namespace"))
    }

    /// Mounts the files of an image, read-only, below the directory `run`, and tells where. Once more at the same place
    /// where they are mounted already; each mount is taken away by itself.
    pub fn mount_image(&self, image: &Image, run: &Path, waiting: &mut dyn FnMut()) -> Result<PathBuf> {
        let id = image.id.hex();
        let lowers = image.lowers();
        if lowers.is_empty() {
            let short = crate::base::id::short(&id);
            return Err(EngineError::Refused(format!(
                "image {short} has no layers: there is nothing to mount"
            )));
        }
        let held = self.claim_image(&id, waiting)?;
        self.store.sweep_mounts(&held, Kind::Images, &id)?;
        let mounts = self.store.mounts(Kind::Images, &id)?;
        if let Some(mounted) = mounts.into_iter().find(|mounted| mounted.here > 0) {
            let failed = || errno(format!("cannot mount again at {}", mounted.path.display()));
            let root = rustix::fs::open(&mounted.path, DIRECTORY, Mode::empty()).map_err(failed())?;
            let mount = overlay::mount_again(root.as_fd()).map_err(failed())?;
            rootfs::attach_on(mount.as_fd(), root.as_fd()).map_err(failed())?;
            self.store
                .tell([Event::image("mount", &id, mounted.path.display())]);
            return Ok(mounted.path);
        }
        let place = Place::new(&self.store, run)?;
        let path = place.path.join(&id);
        self.store.note_mount(&held, Kind::Images, &id, &path)?;
        let mounted = place.mount(&self.store, &id, &lowers, &image.data());
        if mounted.is_err() {
            self.store.sweep_mounts(&held, Kind::Images, &id)?;
        }
        mounted.map_err(errno(format!("cannot mount the image at {}", path.display())))?;
        self.store.tell([Event::image("mount", &id, path.display())]);
        Ok(path)
    }

    /// Takes away the latest mount of an image, or `all` of them. `false`: it is not mounted in our mount namespace.
    pub fn unmount_image(&self, image: &Image, all: bool, waiting: &mut dyn FnMut()) -> Result<bool> {
        let id = image.id.hex();
        if image.is_elsewhere {
            // Nothing of it was ever used.
            return Ok(false);
        }
        let held = self.claim_image(&id, waiting)?;
        let unmounted = self.store.unmount(&held, Kind::Images, &id, all)?;
        if unmounted {
            self.store.tell([Event::image("unmount", &id, &id)]);
        }
        Ok(unmounted)
    }

    /// Where an image is mounted in our mount namespace.
    pub fn image_mount(&self, image: &Image) -> Result<Option<PathBuf>> {
        let mounts = self.store.mounts(Kind::Images, &image.id.hex())?;
        let here = mounts.into_iter().find(|mounted| mounted.here > 0);
        Ok(here.map(|mounted| mounted.path))
    }

    fn claim_image(&self, id: &str, waiting: &mut dyn FnMut()) -> Result<Locked> {
        let held = self.store.lock(Kind::Images, id, Hold::Exclusive, waiting)?;
        held.ok_or_else(|| EngineError::Refused(format!("image {id} was removed meanwhile")))
    }
}

/// The directory in which the places of one store's mounts are.
struct Place {
    /// As the kernel has it, without links.
    path: PathBuf,
    directory: OwnedFd,
}

impl Place {
    fn new(store: &Store, run: &Path) -> Result<Self> {
        let failed = || io(run.display().to_string());
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(run)
            .map_err(failed())?;
        let failed = || errno(run.display().to_string());
        let top = rustix::fs::open(run, DIRECTORY, Mode::empty()).map_err(failed())?;
        check_owner(run, top.as_fd())?;
        let mounts = make_or_open(top.as_fd(), "mounts").map_err(failed())?;
        let directory = make_or_open(mounts.as_fd(), &places_of(store)).map_err(failed())?;
        let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
        let path = rustix::fs::readlink(link, Vec::new()).map_err(failed())?;
        Ok(Self {
            path: OsStr::from_bytes(path.as_bytes()).into(),
            directory,
        })
    }

    fn mount(&self, store: &Store, id: &str, lowers: &[String], data: &[String]) -> rustix::io::Result<()> {
        let place = make_or_open(self.directory.as_fd(), id)?;
        // By its descriptor: no word of its path means anything to overlayfs, and nobody can change what it leads to.
        let empty = format!("/proc/self/fd/{}", place.as_raw_fd());
        rustix::process::fchdir(store.root())?;
        let mount = overlay::mount_read_only(lowers, data, &empty)?;
        rootfs::attach_on(mount.as_fd(), place.as_fd())
    }
}

/// The run directory may lie where others can make one before us.
fn check_owner(path: &Path, directory: BorrowedFd<'_>) -> Result<()> {
    let status = rustix::fs::fstat(directory).map_err(errno(path.display().to_string()))?;
    if status.st_uid == rustix::process::geteuid().as_raw() && status.st_mode & 0o022 == 0 {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "{}: it belongs to user {}, or others may write to it: give a directory of your own by --runroot",
        path.display(),
        status.st_uid
    )))
}

fn make_or_open(parent: BorrowedFd<'_>, name: &str) -> rustix::io::Result<OwnedFd> {
    match make_directory(parent, name, Mode::RWXU) {
        Err(Errno::EXIST) => rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()),
        result => result,
    }
}
