//! OCI artifacts: files with a manifest that makes no image of them.
//!
//! ```text
//! artifacts/<escaped name>/   artifact.json, and what the manifest names and itself, by the digits of their digests
//! ```
//!
//! An artifact is one directory, made in staging and put in its place by one rename, in exchange for the one that had
//! the name: there is nothing to sweep. What several artifacts hold is one file with several names. Who reads an
//! artifact's files holds it shared; who replaces or removes it holds it exclusively.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::locks::{Hold, Locked};
use super::staging::{Staging, make_file};
use super::tags::file_name;
use super::{Kind, Result, Store, StoreError};
use crate::base::digest::{Digest, Hashing};
use crate::base::file::{self, Durability};

const RECORD: &str = "artifact.json";
/// The version of the record.
pub const VERSION: u32 = 1;

/// `artifact.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    pub version: u32,
    /// In normalised form, with a tag or a digest.
    pub name: String,
    /// Of its manifest.
    pub digest: Digest,
    /// When it came into this store.
    pub stored: String,
    /// What a newer program wrote and we do not know.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// An artifact that is being made.
pub struct NewArtifact<'a> {
    store: &'a Store,
    staging: Staging<'a>,
}

impl Store {
    /// All artifacts, by name, and what is wrong with those that cannot be read.
    pub fn artifacts(&self) -> Result<(Vec<Artifact>, Vec<StoreError>)> {
        let names = match self.names(Kind::Artifacts) {
            // A store of before there were any.
            Err(error) if error.is_missing() => Vec::new(),
            names => names?,
        };
        let (mut artifacts, mut damaged) = (Vec::new(), Vec::new());
        for name in names {
            match self.read_artifact(&name) {
                Ok(artifact) => artifacts.extend(artifact),
                Err(error) => damaged.push(error),
            }
        }
        artifacts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((artifacts, damaged))
    }

    /// The artifact of that name.
    pub fn artifact(&self, name: &str) -> Result<Option<Artifact>> {
        self.read_artifact(&file_name(name))
    }

    fn read_artifact(&self, directory: &str) -> Result<Option<Artifact>> {
        loop {
            let object = match self.object(Kind::Artifacts, directory) {
                Err(error) if error.is_missing() => return Ok(None),
                object => object?,
            };
            match self.read_record::<Artifact>(object.as_fd(), &artifact_path(directory), RECORD) {
                Ok(artifact) if file_name(&artifact.name) == directory && artifact.version <= VERSION => {
                    return Ok(Some(artifact));
                }
                Ok(artifact) => {
                    return Err(StoreError::Damaged {
                        path: self.path_of(Kind::Artifacts, directory).join(RECORD),
                        reason: format!("it is of version {} and for {}", artifact.version, artifact.name),
                    });
                }
                // Removed or replaced meanwhile; where the directory is still in its place, its record is lost.
                Err(error)
                    if error.is_missing() && !self.is_current(Kind::Artifacts, directory, object.as_fd()) => {
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Locks the artifact of that name. `None`: there is none.
    pub fn lock_artifact(&self, name: &str, hold: Hold) -> Result<Option<Locked>> {
        self.lock(Kind::Artifacts, &file_name(name), hold, &mut || ())
    }

    /// A file of an artifact, which the caller holds.
    pub fn artifact_file(&self, held: &Locked, digest: &Digest) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(held.as_fd(), digest.hex(), flags, Mode::empty());
        file.map(Into::into).map_err(|error| {
            self.io(
                &format!("{}/…/{}", Kind::Artifacts.path(), digest.hex()),
                error.into(),
            )
        })
    }

    /// The manifest of an artifact that the caller holds.
    pub fn artifact_manifest(&self, held: &Locked, artifact: &Artifact, limit: u64) -> Result<Vec<u8>> {
        let name = artifact.digest.hex();
        let content = file::read_bounded(held, Path::new(&name), limit)
            .map_err(|error| self.io(&artifact_path(&name), error))?;
        if Digest::of(&content) != artifact.digest {
            return Err(StoreError::Damaged {
                path: self
                    .path_of(Kind::Artifacts, &file_name(&artifact.name))
                    .join(name),
                reason: "the content does not have the digest that names it".into(),
            });
        }
        Ok(content)
    }

    /// Removes the artifact of that name. `false`: there is none.
    pub fn remove_artifact(&self, name: &str) -> Result<bool> {
        let Some(_held) = self.lock_artifact(name, Hold::Exclusive)? else {
            return Ok(false);
        };
        let removed = self.discard(Kind::Artifacts, &file_name(name))?;
        // It is gone; what cannot be deleted now goes with a later sweep.
        let _ = self.empty_trash();
        Ok(removed)
    }

    /// Begins an artifact.
    pub fn new_artifact(&self) -> Result<NewArtifact<'_>> {
        let path = Kind::Artifacts.path();
        match rustix::fs::mkdirat(self.root(), path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(self.io(path, error.into())),
        }
        Ok(NewArtifact {
            store: self,
            staging: self.stage(None)?,
        })
    }
}

impl<'a> NewArtifact<'a> {
    /// Takes in everything that `reader` gives, at most `limit` bytes.
    pub fn take(&self, reader: impl Read, limit: u64) -> io::Result<(Digest, u64)> {
        take(self.staging.directory(), reader, limit)
    }

    /// Takes in a file that another artifact has. `false`: it has it not.
    pub fn link(&self, other: BorrowedFd<'_>, digest: &Digest) -> Result<bool> {
        let name = digest.hex();
        match rustix::fs::linkat(other, &name, self.staging.directory(), &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::EXIST) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.store.io(&artifact_path(&name), error.into())),
        }
    }

    /// Takes in a file of this size that any artifact has.
    pub fn find(&self, digest: &Digest, size: u64) -> Result<bool> {
        for name in self.store.names(Kind::Artifacts)? {
            let Ok(object) = self.store.object(Kind::Artifacts, &name) else {
                continue;
            };
            let status = rustix::fs::statat(&object, digest.hex(), AtFlags::SYMLINK_NOFOLLOW);
            let fits = status.is_ok_and(|status| u64::try_from(status.st_size) == Ok(size));
            if fits && self.link(object.as_fd(), digest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The directory of the files.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.staging.directory()
    }

    /// Publishes the artifact. Where there is one of its name the caller gives the lock that he holds on it, and the two
    /// change places. `false`: there is one, and it stays.
    pub fn publish(self, artifact: &Artifact, manifest: &[u8], old: Option<Locked>) -> Result<bool> {
        let name = file_name(&artifact.name);
        let directory = self.staging.directory();
        self.take(manifest, u64::MAX)
            .map_err(|error| self.store.io(&artifact_path(&name), error))?;
        let path = artifact_path(self.staging.name());
        self.store
            .write_record(directory, &path, RECORD, artifact, Durability::Synced)?;
        let store = self.store;
        let all = store.directory(Kind::Artifacts)?;
        let is_published = match old {
            None => self.staging.publish(Kind::Artifacts, &name)?.0,
            Some(_held) => {
                let staged = format!("{}/{}", Kind::Staging.path(), self.staging.name());
                let place = artifact_path(&name);
                let (root, flags) = (store.root(), RenameFlags::EXCHANGE);
                rustix::fs::renameat_with(root, &staged, root, &place, flags)
                    .map_err(|error| store.io(&place, error.into()))?;
                // What is dropped with the staging directory is the old one now.
                drop(self.staging);
                true
            }
        };
        rustix::fs::fsync(all).map_err(|error| store.io(Kind::Artifacts.path(), error.into()))?;
        Ok(is_published)
    }
}

/// The name of the directory of an artifact.
pub fn artifact_directory(name: &str) -> String {
    file_name(name)
}

fn artifact_path(directory: &str) -> String {
    format!("{}/{directory}", Kind::Artifacts.path())
}

/// Writes a file into a directory that nobody sees yet, on disk and named by its digest.
pub fn take(directory: BorrowedFd<'_>, reader: impl Read, limit: u64) -> io::Result<(Digest, u64)> {
    const UNNAMED: &str = "unnamed";
    let mut file = File::from(make_file(directory, UNNAMED)?);
    let mut hashing = Hashing::new(reader.take(limit.saturating_add(1)));
    let copied = io::copy(&mut hashing, &mut file).and_then(|length| match length > limit {
        true => Err(io::Error::other(format!("longer than {limit} bytes"))),
        false => file.flush().and_then(|()| file.sync_data()),
    });
    if let Err(error) = copied {
        let _ = rustix::fs::unlinkat(directory, UNNAMED, AtFlags::empty());
        return Err(error);
    }
    let (_, digest, size) = hashing.finish();
    rustix::fs::renameat(directory, UNNAMED, directory, digest.hex())?;
    Ok((digest, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "reg.example/a:1";

    fn record(manifest: &[u8]) -> Artifact {
        Artifact {
            version: VERSION,
            name: NAME.into(),
            digest: Digest::of(manifest),
            stored: crate::base::time::now(),
            extra: serde_json::Map::new(),
        }
    }

    #[test]
    fn made_read_replaced_and_removed() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        std::fs::remove_dir(store.path().join("artifacts")).unwrap();
        assert!(store.artifacts().unwrap().0.is_empty() && store.artifact(NAME).unwrap().is_none());
        let new = store.new_artifact().unwrap();
        let (digest, size) = new.take(&b"content"[..], 7).unwrap();
        assert!(new.take(&b"content"[..], 6).is_err());
        assert!(new.publish(&record(b"one"), b"one", None).unwrap());
        let second = store.new_artifact().unwrap();
        assert!(!second.publish(&record(b"two"), b"two", None).unwrap());

        let artifact = store.artifact(NAME).unwrap().unwrap();
        let held = store.lock_artifact(NAME, Hold::Exclusive).unwrap().unwrap();
        assert_eq!(store.artifact_manifest(&held, &artifact, 3).unwrap(), b"one");
        let new = store.new_artifact().unwrap();
        assert!(new.find(&digest, size).unwrap() && !new.find(&digest, 8).unwrap());
        assert!(!new.find(&Digest::of(b"x"), 1).unwrap());
        assert!(new.publish(&record(b"two"), b"two", Some(held)).unwrap());
        assert!(store.names(Kind::Staging).unwrap().is_empty());
        assert_eq!(
            store.artifacts().unwrap().0,
            [store.artifact(NAME).unwrap().unwrap()]
        );
        let held = store.lock_artifact(NAME, Hold::Shared).unwrap().unwrap();
        let mut content = String::new();
        let mut file = store.artifact_file(&held, &digest).unwrap();
        file.read_to_string(&mut content).unwrap();
        assert_eq!(content, "content");
        drop(held);
        assert!(store.remove_artifact(NAME).unwrap() && !store.remove_artifact(NAME).unwrap());
        assert!(store.names(Kind::Trash).unwrap().is_empty());
    }

    #[test]
    fn one_that_is_replaced_meanwhile_is_read() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let publish = |old| {
            let new = store.new_artifact().unwrap();
            assert!(new.publish(&record(b"one"), b"one", old).unwrap());
        };
        publish(None);
        std::thread::scope(|scope| {
            let replacing = scope.spawn(|| {
                for _ in 0..150 {
                    publish(store.lock_artifact(NAME, Hold::Exclusive).unwrap());
                }
            });
            while !replacing.is_finished() {
                assert!(store.artifact(NAME).unwrap().is_some());
            }
        });
        std::fs::remove_file(store.path_of(Kind::Artifacts, &file_name(NAME)).join(RECORD)).unwrap();
        assert!(store.artifact(NAME).is_err());
    }

    #[test]
    fn a_record_of_another_name_is_damage() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let new = store.new_artifact().unwrap();
        new.publish(&record(b"one"), b"one", None).unwrap();
        let place = store.path_of(Kind::Artifacts, &file_name(NAME));
        std::fs::rename(&place, store.path_of(Kind::Artifacts, "other")).unwrap();
        let (artifacts, damaged) = store.artifacts().unwrap();
        assert!(artifacts.is_empty() && damaged.len() == 1);
    }
}
