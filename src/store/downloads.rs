//! Blobs on their way from a registry. What has come of a large one outlives the process that fetched it, so that
//! whoever wants it next goes on from there; it is removed once its layer is published, or when nobody came for a day.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::locks::{Hold, flock};
use super::{Kind, Result, Store};
use crate::base::digest::Digest;

/// How long the beginning of a blob is kept for somebody to go on with it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of a blob, which one process at a time has.
pub struct Download<'s> {
    store: &'s Store,
    path: String,
    file: File,
    length: u64,
}

impl Store {
    /// What there is of a blob, or an empty file for it. `None`: another process has it.
    pub fn download(&self, digest: &Digest) -> Result<Option<Download<'_>>> {
        let path = format!("{}/{}", Kind::Downloads.path(), digest.hex());
        let io = |error: Errno| self.io(&path, error.into());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let file = match rustix::fs::openat(&self.root, path.as_str(), flags, Mode::RUSR | Mode::WUSR) {
                Err(Errno::NOENT) => {
                    self.make_directories()?;
                    continue;
                }
                result => result.map_err(io)?,
            };
            match flock(file.as_fd(), Hold::Exclusive, false) {
                Err(Errno::WOULDBLOCK) => return Ok(None),
                result => result.map_err(io)?,
            }
            let status = rustix::fs::fstat(&file).map_err(io)?;
            // Removed between our opening and our lock by whoever had it.
            if status.st_nlink == 0 {
                continue;
            }
            let length = u64::try_from(status.st_size).unwrap_or(0);
            return Ok(Some(Download {
                store: self,
                path,
                file: file.into(),
                length,
            }));
        }
    }

    /// Removes what there is of a blob whose layer is here, unless somebody has it.
    pub fn forget_download(&self, digest: &Digest) -> Result<()> {
        self.sweep_download(&digest.hex(), |_| true).map(drop)
    }

    /// Removes what nobody has and nobody has added to for a day; with `all`, whatever nobody has. Gives the bytes.
    pub fn sweep_downloads(&self, all: bool) -> Result<u64> {
        let names = match self.names(Kind::Downloads) {
            Err(error) if error.is_missing() => return Ok(0),
            names => names?,
        };
        let mut freed = 0;
        for name in names {
            freed += self.sweep_download(&name, |age| all || age > KEPT)?;
        }
        Ok(freed)
    }

    /// Removes one that nobody has, if it is as old as is asked for. Gives its bytes.
    fn sweep_download(&self, name: &str, is_old: impl Fn(Duration) -> bool) -> Result<u64> {
        let path = format!("{}/{name}", Kind::Downloads.path());
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(&self.root, path.as_str(), flags, Mode::empty()) else {
            return Ok(0);
        };
        if flock(file.as_fd(), Hold::Exclusive, false).is_err() {
            return Ok(0);
        }
        let metadata = File::from(file.try_clone().map_err(|error| self.io(&path, error))?).metadata();
        let metadata = metadata.map_err(|error| self.io(&path, error))?;
        if std::os::unix::fs::MetadataExt::nlink(&metadata) == 0 {
            // Another has its name by now.
            return Ok(0);
        }
        let modified = metadata.modified().ok();
        let age = modified
            .and_then(|time| SystemTime::now().duration_since(time).ok())
            .unwrap_or_default();
        if !is_old(age) {
            return Ok(0);
        }
        self.remove_download(&path)?;
        Ok(metadata.len())
    }

    fn remove_download(&self, path: &str) -> Result<()> {
        match rustix::fs::unlinkat(&self.root, path, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io(path, error.into())),
        }
    }
}

impl Download<'_> {
    /// How many bytes have come.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads what has come.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        self.file.read_at(&mut buffer[..room], offset)
    }

    /// Adds what has come next.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets all of it.
    pub fn clear(&mut self) -> io::Result<()> {
        self.truncate(0)
    }

    /// Forgets what is behind the byte `length`.
    pub fn truncate(&mut self, length: u64) -> io::Result<()> {
        if length < self.length {
            self.file.set_len(length)?;
            self.length = length;
        }
        Ok(())
    }

    /// Removes it, as it is not needed any more.
    pub fn remove(self) -> Result<()> {
        self.store.remove_download(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_one_process_own_and_goes_on() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let digest = Digest::of(b"blob");
        let mut download = store.download(&digest).unwrap().unwrap();
        download.append(b"bl").unwrap();
        assert!(store.download(&digest).unwrap().is_none());
        assert_eq!(store.sweep_downloads(true).unwrap(), 0);
        drop(download);
        assert_eq!(store.sweep_downloads(false).unwrap(), 0);
        let mut download = store.download(&digest).unwrap().unwrap();
        assert_eq!(download.length(), 2);
        download.append(b"ob").unwrap();
        let mut all = [0; 9];
        assert_eq!(download.read_at(&mut all, 1).unwrap(), 3);
        assert_eq!(&all[..3], b"lob");
        download.remove().unwrap();
        assert_eq!(store.download(&digest).unwrap().unwrap().length(), 0);
        assert_eq!(store.sweep_downloads(true).unwrap(), 0);
        assert!(store.names(Kind::Downloads).unwrap().is_empty());
    }

    #[test]
    fn what_is_older_than_a_day_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let digest = Digest::of(b"blob");
        let mut download = store.download(&digest).unwrap().unwrap();
        download.append(b"12345").unwrap();
        let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
        download.file.set_modified(old).unwrap();
        drop(download);
        assert_eq!(store.sweep_downloads(false).unwrap(), 5);
    }
}
