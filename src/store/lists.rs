//! Lists of manifests: records among the images' (`image.json` with the field `list`), so that names, removal and the
//! sweep are the same for both. A list keeps its identifier, which is random, while its index changes.
//!
//! ```text
//! images/<id>/image.json   manifests: the index, alone; list: the members
//! images/<id>/files/<hex>  what members hold that were made of files, by digest
//! ```
//!
//! The bytes of the index and of the members' manifests are blobs. A list holds no layer and no image: its members may
//! be images that are here, or be known by their manifest and by where it came from.

use std::collections::HashSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::images::{Image, ManifestRecord, RECORD, image_path};
use super::locks::{Hold, Locked};
use super::staging::{Staging, make_directory};
use super::{DIRECTORY, Kind, Result, Store, StoreError};
use crate::base::digest::Digest;
use crate::base::file::Durability;

/// The directory of files in that of a list.
const FILES: &str = "files";

/// What is known of a list beside its index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct List {
    pub members: Vec<Member>,
    /// What a newer program wrote and we do not know.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// One manifest that the index names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    #[serde(flatten)]
    pub manifest: ManifestRecord,
    /// The name, with its digest, by which a registry has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Blobs of it that lie with the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Digest>,
}

impl List {
    /// Names of the blobs that hold the members' manifests.
    pub fn blobs(&self) -> impl Iterator<Item = String> + '_ {
        self.members.iter().map(|member| member.manifest.digest.hex())
    }

    pub fn member(&self, digest: &Digest) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.manifest.digest == *digest)
    }
}

impl Store {
    /// Changes a list, under its lock: `change` gets the record as it is now and gives the documents that it names
    /// from then on beside those that are there. `files` are taken over into its directory. `None`: it is not there.
    pub fn change_list<T, E: From<StoreError>>(
        &self,
        id: &str,
        files: Option<&ListFiles<'_>>,
        change: impl FnOnce(&mut Image) -> std::result::Result<(T, Vec<Vec<u8>>), E>,
    ) -> std::result::Result<Option<T>, E> {
        let Some(held) = self.lock(Kind::Images, id, Hold::Exclusive, &mut || ())? else {
            return Ok(None);
        };
        let Some(mut image) = self.own_image(id)? else {
            return Ok(None);
        };
        let (answer, blobs) = change(&mut image)?;
        if let Some(files) = files {
            self.take_files(&held, id, files)?;
        }
        {
            let _catalogue = self.lock_catalogue(Hold::Shared)?;
            for blob in &blobs {
                self.put_blob(blob)?;
            }
            self.write_record(held.as_fd(), &image_path(id), RECORD, &image, Durability::Synced)?;
        }
        self.drop_files(&held, id, &image)?;
        Ok(Some(answer))
    }

    /// Opens a file that lies with a list.
    pub fn list_file(&self, id: &str, digest: &Digest) -> Result<std::fs::File> {
        let path = format!("{}/{FILES}/{}", image_path(id), digest.hex());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.root(), path.as_str(), flags, Mode::empty());
        file.map(Into::into).map_err(|error| self.io(&path, error.into()))
    }

    fn take_files(&self, list: &Locked, id: &str, files: &ListFiles<'_>) -> Result<()> {
        let io = |error: Errno| self.io(&format!("{}/{FILES}", image_path(id)), error.into());
        let target = match make_directory(list.as_fd(), FILES, Mode::RWXU) {
            Err(Errno::EXIST) => open_files(list).map_err(io)?,
            result => result.map_err(io)?,
        };
        for name in files.digests.iter().map(Digest::hex) {
            rustix::fs::renameat(files.staging.directory(), &name, &target, &name).map_err(io)?;
        }
        rustix::fs::fsync(&target).map_err(io)
    }

    /// Removes the files that no member has any more, and what somebody left who was killed before his record was there.
    fn drop_files(&self, list: &Locked, id: &str, image: &Image) -> Result<()> {
        let io = |error: Errno| self.io(&format!("{}/{FILES}", image_path(id)), error.into());
        let directory = match open_files(list) {
            Err(Errno::NOENT) => return Ok(()),
            result => result.map_err(io)?,
        };
        let members = image.list.iter().flat_map(|list| &list.members);
        let kept: HashSet<String> = members
            .flat_map(|member| &member.files)
            .map(Digest::hex)
            .collect();
        for entry in rustix::fs::Dir::read_from(&directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            let is_kept = name.to_str().is_ok_and(|name| kept.contains(name));
            if !is_kept && !matches!(name.to_bytes(), b"." | b"..") {
                rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(io)?;
            }
        }
        Ok(())
    }
}

/// Files on their way into a list: staged, each under the digits of its digest.
pub struct ListFiles<'a> {
    pub staging: Staging<'a>,
    pub digests: Vec<Digest>,
}

fn open_files(list: &Locked) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(list.as_fd(), Path::new(FILES), DIRECTORY, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time;
    use crate::oci::config::ContainerConfig;
    use crate::store::images::VERSION;

    fn list(store: &Store) -> Image {
        let image = Image {
            version: VERSION,
            id: Digest::from_hex(&crate::base::id::random()).unwrap(),
            created: None,
            stored: time::now(),
            architecture: String::new(),
            os: String::new(),
            variant: None,
            config: ContainerConfig::default(),
            layers: Vec::new(),
            fix_up: None,
            lent: None,
            known_as: Vec::new(),
            stands_for: None,
            is_elsewhere: false,
            manifests: vec![record(b"{}")],
            repo_digests: Vec::new(),
            list: Some(List::default()),
            extra: serde_json::Map::new(),
        };
        drop(store.publish_image(&image, &[b"{}"]).unwrap());
        image
    }

    fn record(bytes: &[u8]) -> ManifestRecord {
        ManifestRecord {
            digest: Digest::of(bytes),
            media_type: "index".into(),
            size: bytes.len() as u64,
        }
    }

    fn add(image: &mut Image, bytes: &[u8], files: Vec<Digest>) -> Result<((), Vec<Vec<u8>>)> {
        let list = image.list.as_mut().unwrap();
        list.members.push(Member {
            manifest: record(bytes),
            source: None,
            files,
        });
        let index = format!("index of {}", list.members.len()).into_bytes();
        image.manifests = vec![record(&index)];
        Ok(((), vec![index, bytes.to_vec()]))
    }

    #[test]
    fn a_list_keeps_its_members_and_nothing_of_before() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let id = list(&store).id.hex();
        for bytes in [b"one", b"two"] {
            let changed = store.change_list(&id, None, |image| add(image, bytes, Vec::new()));
            assert!(changed.unwrap().is_some());
        }
        store.sweep_unreachable().unwrap();
        assert_eq!(store.names(Kind::Blobs).unwrap().len(), 3);
        assert!(store.unreachable().unwrap().is_empty());
        let none = store.change_list(&"0".repeat(64), None, |image| add(image, b"x", Vec::new()));
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn nobody_overwrites_the_others_change() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let id = list(&store).id.hex();
        std::thread::scope(|scope| {
            for number in 0..8u8 {
                let (store, id) = (&store, &id);
                scope.spawn(move || {
                    let change = store.change_list(id, None, |image| add(image, &[number], Vec::new()));
                    change.unwrap().unwrap();
                });
            }
        });
        let image = store.image(&id).unwrap().unwrap();
        assert_eq!(image.list.unwrap().members.len(), 8);
    }

    #[test]
    fn files_go_with_the_members_that_have_them() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let id = list(&store).id.hex();
        let digest = Digest::of(b"content");
        let staging = store.stage(None).unwrap();
        let file = Path::new(&digest.hex()).to_owned();
        crate::base::file::write(staging.directory(), &file, b"content", Durability::Synced).unwrap();
        let files = ListFiles {
            staging,
            digests: vec![digest],
        };
        let change = store.change_list(&id, Some(&files), |image| add(image, b"m", vec![digest]));
        change.unwrap().unwrap();
        drop(files);
        assert!(store.list_file(&id, &digest).is_ok());
        let change = store.change_list(&id, None, |image| {
            image.list.as_mut().unwrap().members.clear();
            Ok::<_, StoreError>(((), Vec::new()))
        });
        change.unwrap().unwrap();
        assert!(store.list_file(&id, &digest).unwrap_err().is_missing());
    }
}
