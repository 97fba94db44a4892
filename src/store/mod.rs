//! Everything on disk: where it lies, how it is written, locked, published and swept.
//!
//! ```text
//! <root>/
//!   version                       format number; a newer one than ours is refused
//!   userns                        byte locks that tell who lives in the user namespace (runtime::rootless)
//!   blobs/sha256/<hex>            manifests and configs, raw bytes as received
//!   layers/<hex of diff id>/      tree/ layer.json split; never changed once published
//!   layers/<hex of chain id>.fix/ tree/: what the layers of one chain need on top of them (see image::layer)
//!   images/<hex of image id>/     image.json, and files/ of a list of manifests (see lists); mounts.json (see mounts)
//!   tags/<escaped reference>      file that holds an image id
//!   containers/<id>/              container.json state.json live upper/ work/ log socket, and
//!                                 dependents/ where others require it (see dependents)
//!   names/<name>                  symbolic link to a container's id; counts when its record bears the name
//!   active/<id>                   the container is in motion or running; what the dead have left is found here
//!   volumes/<name>/               volume.json _data/
//!   artifacts/<escaped name>/      artifact.json, its manifest and files (see artifacts)
//!   locks/<00..3f>                exclusion over names, by hash
//!   events/log                    what happened, one event a line (see events)
//!   mark/run/.containerenv        what tells programs that they are in a container (see mark)
//!   downloads/<hex>               the beginning of a blob on its way from a registry; whoever adds to it holds a lock
//!   staging/<id>/                 being made; its maker holds a lock on it
//!   trash/<anything>              to be deleted
//! ```
//!
//! A store that is shared with other users has the same parts but containers and volumes; see [`shared`].
//!
//! Rules that hold everywhere:
//! - An object is one directory. It is made below `staging/` and published by one rename; it is
//!   removed by one rename into `trash/` and deleted later.
//! - A record is one JSON file in it, replaced whole. Readers take no lock: they see the old record or
//!   the new one, and `ENOENT` means that the object has been removed meanwhile.
//! - **Exclusion** is `flock(2)` on the object's directory itself: it moves with the directory and
//!   leaves no lock file behind. After it is taken the directory's inode is compared with the path's.
//! - **Liveness** is a POSIX lock (`fcntl(2)`), which no child inherits and which can be probed together with
//!   its holder's pid without being taken.
//! - Order of locks: network, pod, container (by id), image, layer, volume. Names are locked last and alone.

pub mod artifacts;
pub mod blobs;
pub mod container;
pub mod dependents;
pub mod downloads;
pub mod event_file;
pub mod event_journal;
pub mod events;
pub mod health;
pub mod images;
pub mod layer;
pub mod life;
pub mod lists;
pub mod locks;
pub mod mark;
pub mod mounts;
pub mod names;
pub mod read_events;
pub mod recording;
pub mod remote;
pub mod resources;
pub mod shared;
pub mod staging;
pub mod summary;
pub mod tags;
pub mod volumes;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags};

use self::recording::Recording;
use crate::base::file::{self, Durability};

/// The format this program reads and writes.
const VERSION: u32 = 1;
/// The file that tells it.
const VERSION_FILE: &str = "version";

/// Directories are opened for reading, so that they can be listed, locked and synced.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Of directories that are closed to others, and of those that are open to them.
const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
const PUBLIC_DIRECTORY: Mode = Mode::from_raw_mode(0o755);

/// The most that any record of ours may hold.
const RECORD_LIMIT: u64 = 16 << 20;

/// The directories below the root of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Blobs,
    Layers,
    Images,
    Tags,
    Containers,
    Names,
    Active,
    Volumes,
    Artifacts,
    Locks,
    Downloads,
    Staging,
    Trash,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Blobs,
        Self::Layers,
        Self::Images,
        Self::Tags,
        Self::Containers,
        Self::Names,
        Self::Active,
        Self::Volumes,
        Self::Artifacts,
        Self::Locks,
        Self::Downloads,
        Self::Staging,
        Self::Trash,
    ];

    /// The path below the root.
    pub fn path(self) -> &'static str {
        match self {
            Self::Blobs => "blobs/sha256",
            Self::Layers => "layers",
            Self::Images => "images",
            Self::Tags => "tags",
            Self::Containers => "containers",
            Self::Names => "names",
            Self::Active => "active",
            Self::Volumes => "volumes",
            Self::Artifacts => "artifacts",
            Self::Locks => "locks",
            Self::Downloads => "downloads",
            Self::Staging => "staging",
            Self::Trash => "trash",
        }
    }
}

/// Why the store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{path}: the store has format {found}, this program knows up to {VERSION}: use the newer coracle"
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("{path}: not a store of ours: {reason}")]
    Foreign { path: PathBuf, reason: String },
    #[error(
        "{path}: a store cannot lie on {kind}, where no files belong to subordinate ids and locks hold on one machine alone: name a local directory with --root"
    )]
    Remote { path: PathBuf, kind: &'static str },
    #[error("{path}: {reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the name {name:?} is already in use by container {id}: remove or rename that container first, or use --replace"
    )]
    NameInUse { name: String, id: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl StoreError {
    /// Whether the object is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// What operations of the store return.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    root: OwnedFd,
    /// Everybody may read it.
    is_public: bool,
    /// Stores of others whose images count as well, after our own; only read.
    pub shared: Arc<Vec<Store>>,
    /// Where what happens is recorded.
    pub recording: Recording,
}

impl Store {
    /// Opens the store at `path`, an absolute path, and makes it first where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(store) = Self::open_existing(path)? {
            return Ok(store);
        }
        if let Some(kind) = remote::remote(path) {
            let path = path.into();
            return Err(StoreError::Remote { path, kind });
        }
        make_root(path, PRIVATE_DIRECTORY).map_err(|source| StoreError::Io {
            path: path.into(),
            source,
        })?;
        Self::furnish(path, false, &format!("{VERSION}\n"))
    }

    /// Makes what is in a new store; its version last.
    fn furnish(path: &Path, is_public: bool, version: &str) -> Result<Self> {
        let mut store = Self::open_root(path)?.ok_or_else(|| StoreError::Damaged {
            path: path.into(),
            reason: "removed while it was being made".into(),
        })?;
        store.is_public = is_public;
        store.make_directories()?;
        let file = Path::new(VERSION_FILE);
        file::publish_by(&store.root, file, version.as_bytes(), store.file_mode())
            .map_err(|error| store.io(VERSION_FILE, error))?;
        Ok(store)
    }

    /// Opens the store at `path`; none where nothing was ever stored, which commands that only list use.
    pub fn open_existing(path: &Path) -> Result<Option<Self>> {
        let Some(store) = Self::open_root(path)? else {
            return Ok(None);
        };
        let content = match file::read_bounded(&store.root, Path::new(VERSION_FILE), 100) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(store.io(VERSION_FILE, error)),
        };
        let text = String::from_utf8_lossy(&content);
        match text.trim().parse::<u32>() {
            Ok(VERSION) => Ok(Some(store)),
            Ok(found) if found > VERSION => Err(StoreError::Newer {
                path: path.into(),
                found,
            }),
            _ => Err(StoreError::Foreign {
                path: path.into(),
                reason: "its version file does not hold a format number".into(),
            }),
        }
    }

    fn open_root(path: &Path) -> Result<Option<Self>> {
        let io = |source| StoreError::Io {
            path: path.into(),
            source,
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(root) => root,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io(error.into())),
        };
        let status = rustix::fs::fstat(&root).map_err(|error| io(error.into()))?;
        let foreign = |reason: String| StoreError::Foreign {
            path: path.into(),
            reason,
        };
        let user = rustix::process::geteuid().as_raw();
        if status.st_uid != user {
            return Err(foreign(format!(
                "it belongs to user {}, and we are {user}",
                status.st_uid
            )));
        }
        if status.st_mode & 0o022 != 0 {
            return Err(foreign(
                "others may write to it: chmod 700 it after a look at what is there".into(),
            ));
        }
        Ok(Some(Self {
            path: path.into(),
            root,
            is_public: false,
            shared: Arc::default(),
            recording: Recording::default(),
        }))
    }

    fn make_directories(&self) -> Result<()> {
        let make = |name: &str, is_public: bool| {
            match rustix::fs::mkdirat(&self.root, name, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(self.io(name, error.into())),
            }
            match is_public {
                true => rustix::fs::chmodat(&self.root, name, PUBLIC_DIRECTORY, rustix::fs::AtFlags::empty())
                    .map_err(|error| self.io(name, error.into())),
                false => Ok(()),
            }
        };
        make("blobs", self.is_public)?;
        let mut kinds = Kind::ALL.into_iter();
        kinds.try_for_each(|kind| make(kind.path(), self.is_public && shared::KINDS.contains(&kind)))
    }

    /// Of files that are published.
    fn file_mode(&self) -> Mode {
        match self.is_public {
            true => file::PUBLIC,
            false => file::PRIVATE,
        }
    }

    /// The absolute path of the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute path of `name` among the objects of one kind.
    pub fn path_of(&self, kind: Kind, name: &str) -> PathBuf {
        self.path.join(kind.path()).join(name)
    }

    /// The root directory.
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens the directory that holds all objects of one kind.
    pub fn directory(&self, kind: Kind) -> Result<OwnedFd> {
        rustix::fs::openat(&self.root, kind.path(), DIRECTORY, Mode::empty())
            .map_err(|error| self.io(kind.path(), error.into()))
    }

    /// Opens the directory of one object. `name` must be one of ours: an id, a digest or a checked name.
    pub fn object(&self, kind: Kind, name: &str) -> Result<OwnedFd> {
        let path = format!("{}/{name}", kind.path());
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let object = rustix::fs::openat2(&self.root, path.as_str(), DIRECTORY, Mode::empty(), resolve)
            .map_err(|error| self.io(&path, error.into()))?;
        self.check_object(&path, object.as_fd())?;
        Ok(object)
    }

    /// The names of all objects of one kind, in no order.
    pub fn names(&self, kind: Kind) -> Result<Vec<String>> {
        let directory = self.directory(kind)?;
        let io = |error: rustix::io::Errno| self.io(kind.path(), error.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            // What is not UTF-8 was not made by us; `.` and unfinished files begin with a dot or hold one.
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    /// Reads the record `file` of an object, given its directory.
    pub fn read_record<T: serde::de::DeserializeOwned>(
        &self,
        object: BorrowedFd<'_>,
        described: &str,
        file: &str,
    ) -> Result<T> {
        let described = || Path::new(described).join(file);
        let content =
            file::read_bounded(object, Path::new(file), RECORD_LIMIT).map_err(|source| StoreError::Io {
                path: self.path.join(described()),
                source,
            })?;
        serde_json::from_slice(&content).map_err(|error| StoreError::Damaged {
            path: self.path.join(described()),
            reason: format!("the record cannot be read: {error}"),
        })
    }

    /// Replaces the record `file` of an object.
    pub fn write_record<T: serde::Serialize>(
        &self,
        object: BorrowedFd<'_>,
        described: &str,
        file: &str,
        record: &T,
        durability: Durability,
    ) -> Result<()> {
        let content = self::record(record);
        file::replace_by(object, Path::new(file), &content, durability, self.file_mode()).map_err(|source| {
            StoreError::Io {
                path: self.path.join(described).join(file),
                source,
            }
        })
    }

    /// An error about something below the root.
    fn io(&self, what: &str, source: io::Error) -> StoreError {
        StoreError::Io {
            path: self.path.join(what),
            source,
        }
    }
}

/// Makes the root with all its parents. The root itself is closed to other users: layers hold set-uid
/// programs (CVE-2021-41091).
fn make_root(path: &Path, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)?;
    }
    match std::fs::DirBuilder::new().mode(mode.bits()).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// A record's bytes.
fn record<T: serde::Serialize>(record: &T) -> Vec<u8> {
    let mut content = serde_json::to_vec(record).expect("records hold only what JSON can");
    content.push(b'\n');
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// CVE-2021-41091: other users have no way in.
    #[test]
    fn opens_makes_and_reopens() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/store");
        assert!(Store::open_existing(&path).unwrap().is_none());
        let store = Store::open(&path).unwrap();
        assert!(store.names(Kind::Containers).unwrap().is_empty());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(Store::open_existing(&path).unwrap().is_some());
    }

    #[test]
    fn newer_foreign_and_writable_stores_are_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("store");
        Store::open(&path).unwrap();
        std::fs::write(path.join(VERSION_FILE), "2").unwrap();
        assert!(matches!(
            Store::open(&path),
            Err(StoreError::Newer { found: 2, .. })
        ));
        std::fs::write(path.join(VERSION_FILE), "x").unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
        std::fs::write(path.join(VERSION_FILE), "1\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Foreign { .. })));
    }

    #[test]
    fn objects_are_not_reached_through_links() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        std::os::unix::fs::symlink("/", store.path_of(Kind::Volumes, "link")).unwrap();
        assert!(store.object(Kind::Volumes, "link").is_err());
        assert!(store.object(Kind::Volumes, "../../..").is_err());
    }
}
