//! Where a path of the tar lies in the tree: links followed within it, missing directories made, what is there removed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use super::{Extractor, failed, join, refused};
use crate::image::layer::name;
use crate::image::layer::split::SplitWriter;
use crate::image::layer::{Refusal, UnpackError, limits, remove};

impl Extractor<'_> {
    /// The path in the tree that `path` names, without links on the way, its directories made.
    ///
    /// A tar may go through a link that it made itself; it gets what a process in this root would, and stays in it.
    pub(super) fn locate<'p>(
        &mut self,
        path: &'p [u8],
        written: &[u8],
    ) -> Result<Cow<'p, [u8]>, UnpackError> {
        let (directory, base) = name::split(path);
        match self.tree.get(directory) {
            Ok(_) => Ok(Cow::Borrowed(path)),
            Err(Errno::NOENT) => {
                self.imply(directory, written)?;
                Ok(Cow::Borrowed(path))
            }
            Err(Errno::LOOP) => {
                let real = self.resolve(directory, written)?;
                self.imply(&real, written)?;
                let path = join(&real, base);
                let mut checked = Vec::new();
                name::normalise(&path, &mut checked).map_err(|bad| refused(written, bad))?;
                Ok(Cow::Owned(path))
            }
            Err(Errno::NOTDIR) => Err(refused(written, Refusal::NotADirectory)),
            Err(error) => Err(failed("open the directory of", written)(error)),
        }
    }

    /// Follows the links in `directory` within the tree. What does not exist yet stays as it is written.
    pub(super) fn resolve(&mut self, directory: &[u8], written: &[u8]) -> Result<Vec<u8>, UnpackError> {
        let mut todo: Vec<Vec<u8>> = components(directory).rev().collect();
        let mut path = Vec::new();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if component == b".." {
                path.truncate(name::split(&path).0.len());
                continue;
            }
            let next = join(&path, &component);
            let target = self.tree.place(&next).and_then(|(parent, base)| {
                let stat = rustix::fs::statat(parent, base, AtFlags::SYMLINK_NOFOLLOW)?;
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Symlink => rustix::fs::readlinkat(parent, base, Vec::new()).map(Some),
                    _ => Ok(None),
                }
            });
            match target {
                Ok(None) | Err(Errno::NOENT) => path = next,
                Ok(Some(target)) => {
                    links += 1;
                    if links > limits::LINKS || todo.len() > limits::DEPTH * 4 {
                        return Err(refused(written, Refusal::Links));
                    }
                    let target = target.to_bytes();
                    if target.starts_with(b"/") {
                        path.clear();
                    }
                    todo.extend(components(target).rev());
                }
                Err(Errno::NOTDIR) => return Err(refused(written, Refusal::NotADirectory)),
                Err(error) => return Err(failed("follow the links of", written)(error)),
            }
        }
        let mut checked = Vec::new();
        if !path.is_empty() {
            name::normalise(&path, &mut checked).map_err(|bad| refused(written, bad))?;
        }
        Ok(path)
    }

    /// Makes `directory` and those above it where they are missing.
    pub(super) fn imply(&mut self, directory: &[u8], written: &[u8]) -> Result<(), UnpackError> {
        for path in name::ancestors(directory).chain([directory]) {
            match self.tree.get(path) {
                Ok(_) => continue,
                Err(Errno::NOENT) => {}
                Err(Errno::NOTDIR) => return Err(refused(written, Refusal::NotADirectory)),
                Err(error) => return Err(failed("open the directory of", written)(error)),
            }
            self.count_entry()?;
            self.hold(path)?;
            let made = self
                .tree
                .place(path)
                .and_then(|(parent, base)| rustix::fs::mkdirat(parent, base, Mode::RWXU));
            made.map_err(failed("make the directory of", written))?;
            self.absent.remove(path);
            self.directories.insert(path.to_vec(), None);
        }
        Ok(())
    }

    /// Makes something at `path`, in place of what is there.
    pub(super) fn replace<T>(
        &mut self,
        path: &[u8],
        split: &mut SplitWriter<'_>,
        mut make: impl FnMut(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> io::Result<T> {
        self.absent.remove(path);
        let (directory, base) = self.tree.place(path)?;
        match make(directory, base) {
            Err(Errno::EXIST) => {}
            done => return Ok(done?),
        }
        self.clear(path, split)?;
        let (directory, base) = self.tree.place(path)?;
        Ok(make(directory, base)?)
    }

    /// Removes `path` and all that is known of it.
    pub(super) fn clear(&mut self, path: &[u8], split: &mut SplitWriter<'_>) -> io::Result<()> {
        remove::remove(&mut self.tree, split, path)?;
        if self.directories.remove(path).is_some() {
            remove_below(&mut self.directories, path);
            remove_below(&mut self.absent, path);
        }
        Ok(())
    }
}

/// Components of a path or of a link's target, `..` among them.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
}

/// Takes all paths below `path` out of `map`.
fn remove_below<T>(map: &mut BTreeMap<Vec<u8>, T>, path: &[u8]) {
    let start = [path, b"/"].concat();
    let below = map.range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded));
    let below: Vec<Vec<u8>> = below
        .map(|(key, _)| key)
        .take_while(|key| key.starts_with(&start))
        .cloned()
        .collect();
    for key in below {
        map.remove(&key);
    }
}
