//! Files that the store has already: looked for where other layers have a file of the same path and size, then where
//! they have one of the same size anywhere.
//!
//! Versions of one image keep most files where they are, which needs no index. What moved is found by the split that
//! each layer has anyway: it names all files with their sizes, and is read only for this. Each file of a size that is
//! wanted is hashed once at most, whatever form its layer came in.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::table::Files;
use crate::base::digest::{Digest, Hashing};
use crate::image::layer::parents::{self, Parents};
use crate::image::layer::recreate::open_file;
use crate::image::layer::split::{Part, SplitReader};
use crate::image::layer::{TREE, name};
use crate::store::locks::Locked;

/// What is missing is looked for elsewhere from so many bytes of the blob on: less is sooner fetched.
const SEARCHED_FROM: u64 = 256 << 10;
/// Most trees that are kept open besides the first.
const MORE: usize = 16;

/// What it costs to look into a layer, and at a file, in bytes that could have been read instead.
const LAYER_COST: u64 = 256 << 10;
const FILE_COST: u64 = 16 << 10;

/// Trees of layers that cannot go away meanwhile.
pub struct Trees(Vec<Tree>);

struct Tree {
    directories: Parents,
    /// A directory that was looked for last and is not there: the next file is most likely in the same.
    absent: Option<Vec<u8>>,
    /// Its layer, where nobody else holds it.
    _held: Option<Locked>,
}

/// Where a file is: in which tree, and by which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    tree: usize,
    path: Vec<u8>,
}

/// The places of files by the names that the tables have for them.
pub type Here = HashMap<String, Place>;

/// Names of the files that are still looked for, by size and digest.
type Wanted<'f> = HashMap<u64, HashMap<Digest, Vec<&'f String>>>;

impl Trees {
    /// The trees in the directories of layers, the most promising ones first.
    pub fn new(layers: impl IntoIterator<Item = OwnedFd>) -> Self {
        let trees = layers.into_iter();
        Self(
            trees
                .filter_map(|layer| Tree::open(layer.as_fd(), None).ok())
                .collect(),
        )
    }

    /// Where each file is that has the path here that it has there.
    pub fn find(&mut self, files: &Files) -> Here {
        let mut path = Vec::new();
        let mut paths: Vec<(Vec<u8>, &String)> = Vec::new();
        for written in files.keys() {
            if name::normalise(written.as_bytes(), &mut path).is_ok() {
                paths.push((path.clone(), written));
            }
        }
        // Many ways of writing one path would have one file hashed as often.
        paths.sort_unstable();
        paths.dedup_by(|one, other| one.0 == other.0);
        let mut found = Here::new();
        for (path, written) in paths {
            let file = &files[written];
            let mut trees = self.0.iter_mut();
            let tree = trees.position(|tree| tree.digest(&path, file.size) == Some(file.digest));
            if let Some(tree) = tree {
                found.insert(written.clone(), Place { tree, path });
            }
        }
        found
    }

    /// Adds the places of files that are somewhere else, in these trees or in other layers. At most so many bytes of files
    /// are read for that: a table can want files of every size.
    pub fn find_moved(
        &mut self,
        files: &Files,
        here: &mut Here,
        others: impl Iterator<Item = Locked>,
        mut budget: u64,
    ) {
        let mut wanted = Wanted::new();
        let mut missing = 0;
        for (name, file) in files.iter().filter(|(name, _)| !here.contains_key(*name)) {
            missing += file.frames.end - file.frames.start;
            let of_size = wanted.entry(file.size).or_default();
            of_size.entry(file.digest).or_default().push(name);
        }
        if missing < SEARCHED_FROM {
            return;
        }
        for (number, tree) in self.0.iter_mut().enumerate() {
            // What cannot be read is fetched.
            let _ = tree.search(number, &mut wanted, here, &mut budget);
        }
        let first = self.0.len();
        for layer in others {
            budget = budget.saturating_sub(LAYER_COST);
            if wanted.is_empty() || budget == 0 || self.0.len() - first >= MORE {
                return;
            }
            let before = here.len();
            let Ok(directory) = layer.as_fd().try_clone_to_owned() else {
                return;
            };
            if let Ok(mut tree) = Tree::open(directory.as_fd(), Some(layer)) {
                let _ = tree.search(self.0.len(), &mut wanted, here, &mut budget);
                if here.len() > before {
                    self.0.push(tree);
                }
            }
        }
    }

    /// Opens a file that was found.
    pub fn open(&mut self, place: &Place) -> io::Result<fs::File> {
        open_file(&mut self.0[place.tree].directories, &place.path)
    }
}

impl Tree {
    fn open(layer: std::os::fd::BorrowedFd<'_>, held: Option<Locked>) -> io::Result<Self> {
        Ok(Self {
            // There are dozens of trees, several times over, and the paths that are looked for are sorted.
            directories: Parents::keeping(parents::open_directory(layer, TREE)?, 1),
            absent: None,
            _held: held,
        })
    }

    /// The digest of a file that has this size.
    fn digest(&mut self, path: &[u8], size: u64) -> Option<Digest> {
        let (directory, _) = name::split(path);
        if self.absent.as_deref() == Some(directory) {
            return None;
        }
        if self.directories.get(directory).is_err() {
            self.absent = Some(directory.to_vec());
            return None;
        }
        let file = open_file(&mut self.directories, path).ok()?;
        if file.metadata().ok()?.len() != size {
            return None;
        }
        let mut content = Hashing::new(file);
        io::copy(&mut content, &mut io::sink()).ok()?;
        Some(content.finish().1)
    }

    /// Looks for all that is wanted among the files of the layer, of which this is the tree number `number`.
    fn search(
        &mut self,
        number: usize,
        wanted: &mut Wanted<'_>,
        here: &mut Here,
        budget: &mut u64,
    ) -> io::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let layer = parents::open_directory(self.directories.root(), "..")?;
        let mut split = SplitReader::open(layer.as_fd())?;
        // A tar may have one name many times.
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        while let Some(part) = split.part()? {
            let Part::File { path, size } = part else { continue };
            let Some(of_size) = wanted.get_mut(&size) else {
                continue;
            };
            if !seen.insert(path.to_vec()) {
                continue;
            }
            let Some(rest) = budget.checked_sub(size.saturating_add(FILE_COST)) else {
                *budget = 0;
                return Ok(());
            };
            *budget = rest;
            let names = self.digest(path, size).and_then(|digest| of_size.remove(&digest));
            if of_size.is_empty() {
                wanted.remove(&size);
            }
            for name in names.into_iter().flatten() {
                let path = path.to_vec();
                here.insert(name.clone(), Place { tree: number, path });
            }
            if wanted.is_empty() {
                break;
            }
        }
        Ok(())
    }
}
