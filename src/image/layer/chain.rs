//! Layers over one another, and what shows of them, asked of their trees and records.
//!
//! What overlayfs shows of the trees alone is not all: directories that a tar only implied have no attributes of their
//! own, and hard links into lower layers are in no tree. Both are in the records.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::attributes::{is_opaque, open_readable, read_attributes};
use super::name;
use super::parents;
use super::{TREE, read_record};
use crate::base::digest::Digest;
use crate::store::layer::Attributes;

/// Layers over one another, bottom first, as far down as anything shows.
pub struct Chain {
    pub layers: Vec<Layer>,
}

pub struct Layer {
    pub diff_id: Digest,
    pub tree: OwnedFd,
    pub implied: HashSet<Vec<u8>>,
    pub links: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What one layer has at a path, as overlayfs sees it.
pub enum Seen {
    /// Nothing: those below are asked.
    Absent,
    /// Nothing, and those below do not show: a whiteout, an opaque directory, a file in the way.
    Hidden,
    File,
    /// A hard link into the layers below.
    Link(Vec<u8>),
    Directory {
        /// A directory above it is opaque, so that it is another than those below. If only itself is, it is the same
        /// one with its content hidden.
        is_new: bool,
    },
}

/// Whether two directories look the same. Times do not count: they change with every file that comes or goes.
pub fn alike(one: &Attributes, other: &Attributes) -> bool {
    (one.mode, one.uid, one.gid, &one.xattrs) == (other.mode, other.uid, other.gid, &other.xattrs)
}

impl Chain {
    pub fn open(lowers: &[BorrowedFd<'_>]) -> io::Result<Self> {
        let mut layers = Vec::new();
        for lower in lowers {
            let record = read_record(lower.as_fd())?;
            if record.hides_lower {
                layers.clear();
            }
            layers.push(Layer {
                diff_id: record.diff_id,
                tree: parents::open_directory(lower.as_fd(), TREE)?,
                implied: record.implied.into_iter().map(|path| path.0).collect(),
                links: record
                    .links_into_lower
                    .into_iter()
                    .map(|link| (link.path.0, link.target.0))
                    .collect(),
            });
        }
        Ok(Self { layers })
    }

    /// For a directory that shows: the layer whose entry describes it, and the uppermost that has it.
    pub fn describing(&self, path: &[u8]) -> io::Result<Option<(usize, usize)>> {
        let mut top = None;
        for (number, layer) in self.layers.iter().enumerate().rev() {
            match layer.look(path)? {
                Seen::Absent => {}
                Seen::Hidden | Seen::File | Seen::Link(_) => break,
                Seen::Directory { is_new } => {
                    let top = *top.get_or_insert(number);
                    if !layer.implied.contains(path) {
                        return Ok(Some((number, top)));
                    }
                    if is_new {
                        break;
                    }
                }
            }
        }
        // All of them imply it: the uppermost is as good as any.
        Ok(top.map(|top| (top, top)))
    }

    pub fn are_alike(&self, path: &[u8], one: usize, other: usize) -> io::Result<bool> {
        Ok(alike(
            &self.layers[one].attributes(path)?,
            &self.layers[other].attributes(path)?,
        ))
    }

    /// Whether what layer `number` has at `path` shows above it.
    pub fn shows(&self, path: &[u8], number: usize) -> io::Result<bool> {
        for layer in &self.layers[number + 1..] {
            if !matches!(layer.look(path)?, Seen::Absent) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where the file `path` is among the layers below `number`.
    pub fn file(&self, path: &[u8], number: usize) -> io::Result<Option<(usize, Vec<u8>)>> {
        let mut path = path.to_vec();
        for (number, layer) in self.layers[..number].iter().enumerate().rev() {
            match layer.look(&path)? {
                Seen::Absent => {}
                Seen::Hidden | Seen::Directory { .. } => return Ok(None),
                Seen::File => return Ok(Some((number, path))),
                Seen::Link(target) => path = target,
            }
        }
        Ok(None)
    }
}

impl Layer {
    pub fn look(&self, path: &[u8]) -> io::Result<Seen> {
        let mut current: Option<OwnedFd> = None;
        let (mut opaque, mut is_new) = (false, false);
        for prefix in name::ancestors(path).chain([path]) {
            let is_last = prefix.len() == path.len();
            if let Some(target) = self.links.get(prefix) {
                return Ok(if is_last {
                    Seen::Link(target.clone())
                } else {
                    Seen::Hidden
                });
            }
            let from = current.as_ref().map_or(self.tree.as_fd(), AsFd::as_fd);
            let base = name::split(prefix).1;
            let stat = match rustix::fs::statat(from, base, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => return Ok(if opaque { Seen::Hidden } else { Seen::Absent }),
                stat => stat?,
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {}
                FileType::CharacterDevice if stat.st_rdev == 0 => return Ok(Seen::Hidden),
                _ => return Ok(if is_last { Seen::File } else { Seen::Hidden }),
            }
            let next = open_readable(from, base)?;
            is_new = opaque;
            opaque |= is_opaque(next.as_fd())?;
            current = Some(next);
        }
        Ok(Seen::Directory { is_new })
    }

    pub fn attributes(&self, path: &[u8]) -> io::Result<Attributes> {
        read_attributes(open_readable(self.tree.as_fd(), path)?.as_fd())
    }
}
