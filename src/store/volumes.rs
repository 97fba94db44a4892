//! Volumes: `volumes/<name>/` with the record `volume.json` and the data in `_data/`.
//!
//! A volume is relied on by the containers whose records name it. Whoever makes such a record holds the volume shared
//! until the record is published; whoever removes the volume holds it exclusively and reads the records under that
//! lock. What an image has for a new volume is copied in staging, under a claim that one process at a time has, and
//! becomes `_data/` by a rename, which the kernel refuses when there is something in it already.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::locks::{Hold, Locked};
use super::staging::{Staging, make_directory};
use super::{Kind, Result, Store, StoreError};
use crate::base::digest::Digest;
use crate::base::file::Durability;

/// The version of the record.
pub const VERSION: u32 = 1;
/// The directory that is mounted.
pub const DATA: &str = "_data";

const RECORD: &str = "volume.json";

/// `volume.json`: what a volume is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub version: u32,
    pub name: String,
    /// There is only `local`.
    pub driver: String,
    /// RFC 3339.
    pub created: String,
    /// Made for one container, without a name that anybody chose.
    #[serde(default)]
    pub anonymous: bool,
    /// No container has used it: the first one may fill it with what its image has.
    #[serde(default)]
    pub fresh: bool,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Who owns the data's directory, where that was said; ids as containers see them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// What a newer program wrote and we do not know.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// A volume whose record cannot be read.
#[derive(Debug)]
pub struct DamagedVolume {
    pub name: String,
    pub reason: StoreError,
}

impl Volume {
    /// A volume that nobody has used, made now.
    pub fn new(name: &str, anonymous: bool) -> Self {
        Self {
            version: VERSION,
            name: name.to_owned(),
            driver: "local".into(),
            created: crate::base::time::now(),
            anonymous,
            fresh: true,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
            uid: None,
            gid: None,
            extra: serde_json::Map::new(),
        }
    }

    /// Gives the data's directory the owner that was asked for.
    pub fn give(&self, data: BorrowedFd<'_>) -> rustix::io::Result<()> {
        if self.uid.is_none() && self.gid.is_none() {
            return Ok(());
        }
        rustix::fs::fchown(data, self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw))
    }
}

impl Store {
    /// The record of a volume; none where there is no such volume.
    pub fn volume(&self, name: &str) -> Result<Option<Volume>> {
        if !super::names::is_valid(name) {
            return Ok(None);
        }
        let directory = match self.object(Kind::Volumes, name) {
            Ok(directory) => directory,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let path = volume_path(name);
        match self.read_record::<Volume>(directory.as_fd(), &path, RECORD) {
            Ok(volume) if volume.name == name && volume.version <= VERSION => Ok(Some(volume)),
            Ok(volume) => Err(StoreError::Damaged {
                path: self.path_of(Kind::Volumes, name).join(RECORD),
                reason: format!(
                    "it is of version {} and for volume {:?}",
                    volume.version, volume.name
                ),
            }),
            Err(error) if error.is_missing() && self.object(Kind::Volumes, name).is_err() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All volumes by name, and what is wrong with those that cannot be read.
    pub fn volumes(&self) -> Result<(Vec<Volume>, Vec<DamagedVolume>)> {
        let (mut volumes, mut damaged) = (Vec::new(), Vec::new());
        for name in self.names(Kind::Volumes)? {
            match self.volume(&name) {
                Ok(volume) => volumes.extend(volume),
                Err(reason) => damaged.push(DamagedVolume { name, reason }),
            }
        }
        volumes.sort_by(|one, two| one.name.cmp(&two.name));
        Ok((volumes, damaged))
    }

    /// The directory that a container sees.
    pub fn volume_data(&self, name: &str) -> PathBuf {
        self.path_of(Kind::Volumes, name).join(DATA)
    }

    /// Makes a volume with an empty directory. `false`: there is one of that name.
    pub fn make_volume(&self, volume: &Volume, durability: Durability) -> Result<bool> {
        let staging = self.stage(None)?;
        let path = volume_path(&volume.name);
        let failed = |error: Errno| self.io(&path, error.into());
        let data = make_directory(staging.directory(), DATA, Mode::RWXU).map_err(failed)?;
        rustix::fs::fchmod(&data, Mode::from_raw_mode(0o755)).map_err(failed)?;
        volume.give(data.as_fd()).map_err(failed)?;
        self.write_record(staging.directory(), &path, RECORD, volume, durability)?;
        let (made, _lock) = staging.publish(Kind::Volumes, &volume.name)?;
        if made && durability == Durability::Synced {
            rustix::fs::fsync(self.directory(Kind::Volumes)?).map_err(failed)?;
        }
        Ok(made)
    }

    /// Replaces the record of a volume that the caller holds exclusively.
    pub fn write_volume(&self, held: &Locked, volume: &Volume, durability: Durability) -> Result<()> {
        self.write_record(
            held.as_fd(),
            &volume_path(&volume.name),
            RECORD,
            volume,
            durability,
        )
    }

    /// Makes the staging directory in which one process at a time fills a volume. `None`: another does.
    pub fn claim_volume(&self, name: &str) -> Result<Option<Staging<'_>>> {
        self.claim(&claim_name(name))
    }

    /// Waits until nobody fills the volume any more.
    pub fn await_volume_claim(&self, name: &str) -> Result<()> {
        self.lock(Kind::Staging, &claim_name(name), Hold::Shared, &mut || ())?;
        Ok(())
    }

    /// Puts the data made in `staging` into a volume that the caller holds exclusively, unless it has some.
    pub fn publish_data(&self, staging: &Staging<'_>, held: &Locked, name: &str) -> Result<()> {
        match rustix::fs::renameat(staging.directory(), DATA, held.as_fd(), DATA) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(error) => Err(self.io(&volume_path(name), io::Error::from(error))),
        }
    }
}

fn volume_path(name: &str) -> String {
    format!("{}/{name}", Kind::Volumes.path())
}

/// By digest, since a volume's name may be as long as a directory entry can be.
fn claim_name(volume: &str) -> String {
    format!("volume-{}", Digest::of(volume.as_bytes()).hex())
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
    fn made_once_read_and_listed() {
        let (_parent, store) = store();
        assert_eq!(store.volume("b").unwrap(), None);
        assert_eq!(store.volume("../b").unwrap(), None);
        for name in ["b", "a"] {
            assert!(
                store
                    .make_volume(&Volume::new(name, false), Durability::Synced)
                    .unwrap()
            );
            assert!(
                !store
                    .make_volume(&Volume::new(name, true), Durability::Transient)
                    .unwrap()
            );
        }
        let mode = std::fs::metadata(store.volume_data("b"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o755);
        std::fs::write(store.path_of(Kind::Volumes, "b").join(RECORD), "{").unwrap();
        std::fs::create_dir(store.path_of(Kind::Volumes, "c")).unwrap();
        let (volumes, damaged) = store.volumes().unwrap();
        assert!(volumes.len() == 1 && volumes[0].name == "a" && !volumes[0].anonymous);
        let mut damaged: Vec<_> = damaged.into_iter().map(|volume| volume.name).collect();
        damaged.sort();
        assert_eq!(damaged, ["b", "c"]);
        assert!(store.names(Kind::Staging).unwrap().is_empty());
    }

    #[test]
    fn filling_never_covers_what_is_there() {
        let (_parent, store) = store();
        store
            .make_volume(&Volume::new("v", false), Durability::Transient)
            .unwrap();
        let fill = |content: &str| {
            let staging = store.claim_volume("v").unwrap().unwrap();
            assert!(store.claim_volume("v").unwrap().is_none());
            make_directory(staging.directory(), DATA, Mode::RWXU).unwrap();
            let staged = store.path_of(Kind::Staging, staging.name()).join(DATA);
            std::fs::write(staged.join("file"), content).unwrap();
            let held = store
                .try_lock(Kind::Volumes, "v", Hold::Exclusive)
                .unwrap()
                .unwrap();
            store.publish_data(&staging, &held, "v").unwrap();
        };
        fill("one");
        fill("two");
        store.await_volume_claim("v").unwrap();
        assert_eq!(
            std::fs::read(store.volume_data("v").join("file")).unwrap(),
            b"one"
        );
        assert!(store.names(Kind::Staging).unwrap().is_empty());
    }
}
