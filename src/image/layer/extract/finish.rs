//! What is done after the last entry.
//!
//! Whiteouts come after all content, because they speak of the layers below only: wherever they stand in the tar,
//! content of the same tar stays. Directories get owner, mode, attributes and time at the very end, innermost first,
//! because a file made in them changes their time and their mode may forbid making one.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::{Extractor, failed, join, own};
use crate::image::layer::attributes::{self, OPAQUE, set_xattr, timestamps};
use crate::image::layer::name;
use crate::image::layer::{Refusal, UnpackError};
use crate::store::layer::{Attributes, Owners};

/// The mode of directories in layers that are shared.
const SHARED_DIRECTORY: u32 = 0o755;

impl Extractor<'_> {
    /// Makes whiteouts and marks opaque directories.
    pub(super) fn hide(&mut self) -> Result<(), UnpackError> {
        // In order of their names, so that a directory is hidden before what is in it.
        for path in std::mem::take(&mut self.whiteouts) {
            if name::ancestors(&path).any(|directory| self.opaque.contains(directory)) {
                continue;
            }
            self.whiteout(&path)?;
        }
        for path in std::mem::take(&mut self.opaque) {
            if path.is_empty() {
                // Overlayfs does not look for the mark on a root; whoever mounts leaves out what is below.
                self.hides_lower = true;
                continue;
            }
            // The place of something in it is what makes the directory itself.
            if let Some(inside) = self.hiding_place(&join(&path, b"x"))? {
                self.mark_opaque(name::split(&inside).0)?;
            }
        }
        Ok(())
    }

    /// The path in the tree for hiding `path`; none where what stands in the way hides all below it already.
    fn hiding_place(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, UnpackError> {
        if name::ancestors(path).any(|above| self.absent.contains_key(above)) {
            return Ok(None);
        }
        match self.locate(path, path) {
            Err(UnpackError::Refused {
                reason: Refusal::NotADirectory,
                ..
            }) => Ok(None),
            located => located.map(|path| Some(path.into_owned())),
        }
    }

    fn whiteout(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        let path = match self.hiding_place(path)? {
            Some(path) if !self.absent.contains_key(&path) => path,
            _ => return Ok(()),
        };
        let (directory, base) = self.tree.place(&path).map_err(failed("hide", &path))?;
        match rustix::fs::mknodat(directory, base, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => {
                let stat = rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW);
                let stat = stat.map_err(failed("hide", &path))?;
                if FileType::from_raw_mode(stat.st_mode).is_dir() {
                    self.opaque.insert(path.clone());
                    // It has nothing to do with the one below, even if no entry describes it.
                    if let Some(attributes) = self.directories.get_mut(&path) {
                        attributes.get_or_insert_default();
                    }
                }
                Ok(())
            }
            Err(error) => Err(failed("hide", &path)(error)),
        }
    }

    fn mark_opaque(&self, path: &[u8]) -> Result<(), UnpackError> {
        let fd = attributes::open_readable(self.tree.root(), path).map_err(failed("open directory", path))?;
        match set_xattr(fd.as_fd(), OPAQUE.as_bytes(), b"y") {
            Ok(true) => Ok(()),
            // Content that should be hidden would show.
            Ok(false) => Err(failed("mark as opaque", path)(Errno::OPNOTSUPP)),
            Err(error) => Err(failed("mark as opaque", path)(error)),
        }
    }

    /// Sets owner, mode, time and attributes of all directories.
    pub(super) fn finish_directories(&mut self) -> Result<(), UnpackError> {
        let directories = std::mem::take(&mut self.directories);
        let implied = Attributes::default();
        // Backwards is innermost first.
        for (path, attributes) in directories.iter().rev() {
            self.finish_directory(path, attributes.as_ref().unwrap_or(&implied))?;
        }
        self.directories = directories;
        let root = self.root.clone().unwrap_or(implied);
        self.finish_directory(b"", &root)
    }

    fn finish_directory(&mut self, path: &[u8], attributes: &Attributes) -> Result<(), UnpackError> {
        let shown: &[u8] = if path.is_empty() { b"/" } else { path };
        let fd = match self.tree.place(path) {
            Ok((parent, base)) if !base.is_empty() => attributes::open_readable(parent, base),
            _ => attributes::open_readable(self.tree.root(), path),
        };
        let fd = fd.map_err(failed("open directory", shown))?;
        let fd = fd.as_fd();
        own(
            self.options.owners,
            self.is_root,
            attributes.uid,
            attributes.gid,
            shown,
            |uid, gid| rustix::fs::fchown(fd, uid, gid),
        )?;
        let is_shared = self.options.owners == Owners::Shared;
        for (key, value) in attributes.xattrs.iter().filter(|_| !is_shared) {
            if !set_xattr(fd, &key.0, &value.0).map_err(failed("set an extended attribute of", shown))? {
                self.skipped.xattrs += 1;
            }
        }
        rustix::fs::fchmod(fd, self.mode(attributes.mode, SHARED_DIRECTORY))
            .map_err(failed("set the mode of", shown))?;
        rustix::fs::futimens(fd, &timestamps(attributes.mtime)).map_err(failed("set the time of", shown))
    }
}
