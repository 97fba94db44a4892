//! Manifests and image configurations by digest, as the raw bytes that came.
//!
//! A blob belongs to no lock of its own: it is written under the shared lock of the catalogue
//! ([`Store::lock_catalogue`]) together with the record that names it, and swept under the exclusive one.

use std::io;
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::{Kind, Result, Store, StoreError};
use crate::base::digest::Digest;
use crate::base::file;

impl Store {
    /// Writes a blob, unless it is there.
    pub(super) fn put_blob(&self, content: &[u8]) -> Result<Digest> {
        let digest = Digest::of(content);
        let name = digest.hex();
        let directory = self.directory(Kind::Blobs)?;
        if rustix::fs::accessat(&directory, &name, rustix::fs::Access::EXISTS, AtFlags::empty()).is_err() {
            file::publish_by(&directory, Path::new(&name), content, self.file_mode())
                .map_err(|error| self.io(&blob_path(&name), error))?;
        }
        Ok(digest)
    }

    /// The blob of `digest`, which may be `limit` bytes long, from the first store that has it. What the disk has spoilt
    /// is an error.
    pub fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>> {
        let own = self.own_blob(digest, limit);
        match &own {
            Err(error) if error.is_missing() => {}
            _ => return own,
        }
        let mut others = self.shared.iter().map(|shared| shared.own_blob(digest, limit));
        others.find(Result::is_ok).unwrap_or(own)
    }

    /// The same of this store alone.
    pub fn own_blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>> {
        let name = digest.hex();
        let directory = self.directory(Kind::Blobs)?;
        let content = file::read_bounded(directory, Path::new(&name), limit)
            .map_err(|error| self.io(&blob_path(&name), error))?;
        if Digest::of(&content) != *digest {
            return Err(StoreError::Damaged {
                path: self.path_of(Kind::Blobs, &name),
                reason: "the content does not have the digest that names it".into(),
            });
        }
        Ok(content)
    }

    /// Removes a blob. The caller holds the catalogue exclusively.
    pub(super) fn remove_blob(&self, name: &str) -> Result<()> {
        let path = blob_path(name);
        match rustix::fs::unlinkat(&self.root, path.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io(&path, io::Error::from(error))),
        }
    }
}

fn blob_path(name: &str) -> String {
    format!("{}/{name}", Kind::Blobs.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_checked_when_read() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let digest = store.put_blob(b"content").unwrap();
        assert_eq!(store.put_blob(b"content").unwrap(), digest);
        assert_eq!(store.blob(&digest, 7).unwrap(), b"content");
        assert!(store.blob(&digest, 6).is_err());
        assert!(store.blob(&Digest::of(b"other"), 10).unwrap_err().is_missing());
        std::fs::write(store.path_of(Kind::Blobs, &digest.hex()), "spoilt").unwrap();
        assert!(matches!(store.blob(&digest, 10), Err(StoreError::Damaged { .. })));
        store.remove_blob(&digest.hex()).unwrap();
        store.remove_blob(&digest.hex()).unwrap();
    }
}
