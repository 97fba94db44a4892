//! Stores that one user fills and everybody reads: `system share` writes them, all other commands only look.
//!
//! ```text
//! <root>/
//!   version                       `shared 1`: nobody takes it for a store of his own
//!   blobs/ images/ tags/          as in every store, readable by all
//!   layers/<hex of diff id>/      layer.json split
//!     tree/                       the files: readable by all and of no rights, whatever the image says
//!     data/<name>                 the same files that have content, by short names (see image::layer::share)
//!   locks/ staging/ trash/ …      closed to others
//! ```
//!
//! What an image says of owners and modes is in the split alone, so that no set-uid program and no secret file of an
//! image lies where other users of the machine reach it, whoever fills the store.
//!
//! Everything is published whole by a rename, and readers write nothing. Whoever uses a layer at this moment may hold its
//! directory shared by `flock(2)`, which takes no right but to read; the sweep leaves such a layer alone. As everybody can
//! lock so, exclusively too, nobody waits for such a lock or believes it.
//!
//! A store is believed when nobody but the superuser and ourselves can have written it: it and all directories above
//! it belong to one of the two, and nobody else may write there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::locks::{Hold, Locked, ask_to_stay};
use super::recording::Recording;
use super::{DIRECTORY, Kind, PUBLIC_DIRECTORY, Result, Store, StoreError, VERSION_FILE, make_root};
use crate::base::file;

/// What is open to all.
pub(super) const KINDS: [Kind; 4] = [Kind::Blobs, Kind::Layers, Kind::Images, Kind::Tags];
/// What the version file holds.
const VERSION: &str = "shared 1\n";
/// Others may write, and remove what they do not own.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

impl Store {
    /// Opens the store at `path`, an absolute path, for sharing images in it, and makes it first where there is none.
    pub fn open_sharing(path: &Path) -> Result<Self> {
        if let Some(mut store) = Self::open_root(path)?
            && has_version(&store)?
        {
            store.is_public = true;
            return Ok(store);
        }
        let io = |source| StoreError::Io {
            path: path.into(),
            source,
        };
        make_root(path, PUBLIC_DIRECTORY).map_err(io)?;
        let occupied = std::fs::read_dir(path).map_err(io)?.flatten().any(|entry| {
            !Kind::ALL
                .iter()
                .any(|kind| Path::new(kind.path()).starts_with(entry.file_name()))
        });
        if occupied {
            return Err(StoreError::Foreign {
                path: path.into(),
                reason: "it is not empty, and images are shared in a directory of their own".into(),
            });
        }
        let mode = rustix::fs::open(path, DIRECTORY, Mode::empty())
            .and_then(|root| rustix::fs::fchmod(root, PUBLIC_DIRECTORY));
        mode.map_err(|error| io(error.into()))?;
        Self::furnish(path, true, VERSION)
    }

    /// Opens the store at `path` for reading what others share. `None`: there is nothing. Called before an ordinary user
    /// enters its user namespace, where the superuser's files cannot be told from those of strangers; one that was
    /// opened there is `believed` inside.
    pub fn open_shared(path: &Path, believed: bool) -> Result<Option<Self>> {
        let io = |source| StoreError::Io {
            path: path.into(),
            source,
        };
        let path = match std::fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| io(error.into()))?;
        let store = Self {
            path,
            root,
            is_public: true,
            recording: Recording::default(),
            shared: Arc::default(),
        };
        match has_version(&store) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(error),
        }
        if !believed {
            store.check_owners()?;
        }
        Ok(Some(store))
    }

    /// The directory of a layer, of our own or of one that is shared with us.
    pub fn layer(&self, name: &str) -> Result<OwnedFd> {
        let own = self.object(Kind::Layers, name);
        match &own {
            Err(error) if error.is_missing() => {}
            _ => return own,
        }
        let mut others = self.shared.iter().map(|shared| shared.object(Kind::Layers, name));
        others.find(Result::is_ok).unwrap_or(own)
    }

    /// Holds an image or a layer shared, in our own store or in one that is shared with us.
    pub fn hold(&self, kind: Kind, name: &str) -> Result<Option<Locked>> {
        for store in std::iter::once(self).chain(self.shared.iter()) {
            if let Some(held) = store.lock(kind, name, Hold::Shared, &mut || ())? {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    /// Whether nobody but the superuser and we can have written it.
    fn check_owners(&self) -> Result<()> {
        let io = |path: &Path, error: rustix::io::Errno| StoreError::Io {
            path: path.into(),
            source: error.into(),
        };
        for above in self.path.ancestors().skip(1) {
            let status = rustix::fs::lstat(above).map_err(|error| io(above, error))?;
            check(above, &status, true)?;
        }
        let status = rustix::fs::fstat(&self.root).map_err(|error| io(&self.path, error))?;
        check(&self.path, &status, false)?;
        for kind in KINDS {
            let path = self.path.join(kind.path());
            let directory = self.directory(kind)?;
            let status = rustix::fs::fstat(directory).map_err(|error| io(&path, error))?;
            check(&path, &status, false)?;
        }
        let version = self.path.join(VERSION_FILE);
        let status = rustix::fs::statat(&self.root, VERSION_FILE, AtFlags::SYMLINK_NOFOLLOW);
        check(&version, &status.map_err(|error| io(&version, error))?, false)
    }

    /// Refuses an object in a store of others that is not of whoever fills it. Owners are compared as we see them now.
    pub(super) fn check_object(&self, described: &str, object: BorrowedFd<'_>) -> Result<()> {
        if !self.is_public {
            return Ok(());
        }
        let status =
            |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).map_err(|error| self.io(described, error.into()));
        let (object, root) = (status(object)?, status(self.root.as_fd())?);
        if object.st_uid == root.st_uid && object.st_mode & OTHERS_WRITE == 0 {
            return Ok(());
        }
        Err(StoreError::Foreign {
            path: self.path.join(described),
            reason: "it is not of the owner of this store, or others may write to it".into(),
        })
    }
}

fn has_version(store: &Store) -> Result<bool> {
    match file::read_bounded(&store.root, Path::new(VERSION_FILE), 100) {
        Ok(content) if content == VERSION.as_bytes() => Ok(true),
        Ok(content) if content.starts_with(b"shared ") => Err(StoreError::Foreign {
            path: store.path.clone(),
            reason: "it is shared by a newer coracle".into(),
        }),
        Ok(_) => Err(StoreError::Foreign {
            path: store.path.clone(),
            reason: "it is no store for sharing: `coracle system share` makes one".into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(store.io(VERSION_FILE, error)),
    }
}

/// `is_above`: it only leads to the store, and where it is sticky nobody removes what is another's.
fn check(path: &Path, status: &Stat, is_above: bool) -> Result<()> {
    let foreign = |reason: String| StoreError::Foreign {
        path: path.into(),
        reason,
    };
    let us = rustix::process::geteuid().as_raw();
    if status.st_uid != 0 && status.st_uid != us {
        return Err(foreign(format!(
            "it belongs to user {}, and images are taken from the superuser and from user {us} alone",
            status.st_uid
        )));
    }
    let is_safe = status.st_mode & OTHERS_WRITE == 0 || is_above && status.st_mode & STICKY != 0;
    if !is_safe {
        return Err(foreign(
            "others may write to it, so its images are not used".into(),
        ));
    }
    Ok(())
}

/// Opens a directory that is about to be published, and the files right in it, to all.
pub(super) fn open_to_all(directory: BorrowedFd<'_>) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let status = rustix::fs::statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(status.st_mode).is_file() {
            rustix::fs::chmodat(directory, entry.file_name(), file::PUBLIC, AtFlags::empty())?;
        }
    }
    Ok(rustix::fs::fchmod(directory, PUBLIC_DIRECTORY)?)
}

/// Keeps a layer of a shared store where it is while its content is in use: `data` is its directory of content. `None`:
/// it is gone.
pub fn keep_data(data: &Path) -> io::Result<Option<OwnedFd>> {
    let Some(layer) = data.parent() else {
        return Ok(None);
    };
    let directory = match rustix::fs::open(layer, DIRECTORY, Mode::empty()) {
        Ok(directory) => directory,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Where the file system has no such locks nothing is kept.
    let _ = ask_to_stay(directory.as_fd());
    // Renamed into the trash since it was opened, perhaps.
    let is_there = rustix::fs::stat(data).is_ok();
    Ok(is_there.then_some(directory))
}
