//! Files that the store has already: looked for where other layers have a file of the same path and size.
//!
//! Versions of one image keep most files where they are. That needs no index, and finds files of layers that came
//! in any form; a file that moved is fetched.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::table::Files;
use crate::base::digest::Hashing;
use crate::image::layer::parents::{self, Parents};
use crate::image::layer::recreate::open_file;
use crate::image::layer::{TREE, name};

/// Trees of layers that cannot go away meanwhile.
pub struct Trees(Vec<Tree>);

struct Tree {
    directories: Parents,
    /// A directory that was looked for last and is not there: the next file is most likely in the same.
    absent: Option<Vec<u8>>,
}

impl Trees {
    /// The trees in the directories of layers, the most promising ones first.
    pub fn new(layers: impl IntoIterator<Item = OwnedFd>) -> Self {
        let trees = layers.into_iter().filter_map(|layer| {
            let tree = parents::open_directory(layer.as_fd(), TREE).ok()?;
            Some(Tree {
                // There are dozens of trees, several times over, and the paths that are looked for are sorted.
                directories: Parents::keeping(tree, 1),
                absent: None,
            })
        });
        Self(trees.collect())
    }

    /// Which tree has each file, by the file's name.
    pub fn find(&mut self, files: &Files) -> HashMap<String, usize> {
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
        let mut found = HashMap::new();
        for (path, written) in paths {
            let file = &files[written];
            let place = (0..self.0.len()).find(|number| {
                let Some(candidate) = self.0[*number].open(&path) else {
                    return false;
                };
                let length = candidate.metadata().map_or(0, |metadata| metadata.len());
                if length != file.size {
                    return false;
                }
                let mut content = Hashing::new(candidate);
                let read = io::copy(&mut content, &mut io::sink());
                read.is_ok() && content.finish().1 == file.digest
            });
            if let Some(place) = place {
                found.insert(written.clone(), place);
            }
        }
        found
    }

    /// Opens a file that was found.
    pub fn open(&mut self, tree: usize, written: &str) -> io::Result<fs::File> {
        let mut path = Vec::new();
        name::normalise(written.as_bytes(), &mut path).map_err(io::Error::other)?;
        open_file(&mut self.0[tree].directories, &path)
    }
}

impl Tree {
    fn open(&mut self, path: &[u8]) -> Option<fs::File> {
        let (directory, _) = name::split(path);
        if self.absent.as_deref() == Some(directory) {
            return None;
        }
        if self.directories.get(directory).is_err() {
            self.absent = Some(directory.to_vec());
            return None;
        }
        open_file(&mut self.directories, path).ok()
    }
}
