//! The fix-up tree: what a chain of layers needs and no layer alone can have.
//!
//! Layers are unpacked apart from one another, so a directory that a tar goes through without containing it gets
//! plain attributes and would hide those it has below; a hard link into a lower layer cannot be made; and overlayfs
//! takes the attributes of `/` from the uppermost lower. One small tree with only directories and hard links,
//! mounted as the uppermost lower, puts that right. Most chains need none.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::{apply_attributes, merged_root_attributes, open_readable};
use super::chain::{Chain, alike};
use super::name::{self, Escaped};
use super::parents::{self, Parents};
use crate::base::digest::Digest;
use crate::store::layer::Attributes;

/// Why a fix-up tree was not built.
#[derive(Debug, thiserror::Error)]
pub enum FixUpError {
    #[error("cannot read a layer: {0}")]
    Layer(#[source] io::Error),
    #[error("layer {diff_id} has a hard link {path} to {target}, which no layer below it holds as a file")]
    Dangling {
        diff_id: Digest,
        path: Escaped,
        target: Escaped,
    },
    #[error("cannot make {name} in the fix-up tree: {source}")]
    Make { name: Escaped, source: io::Error },
}

/// Builds the fix-up tree of the layers in the directories `lowers`, bottom first, in the empty directory `into`,
/// which becomes the uppermost lower. False when the chain needs none; `into` is as it was then.
pub fn build_fix_up(lowers: &[BorrowedFd<'_>], into: BorrowedFd<'_>) -> Result<bool, FixUpError> {
    let chain = Chain::open(lowers).map_err(FixUpError::Layer)?;
    let root = merged_root_attributes(lowers).map_err(FixUpError::Layer)?;
    let plan = chain.plan()?;
    let root_differs = match chain.layers.last() {
        Some(top) => !alike(&root, &top.attributes(b"").map_err(FixUpError::Layer)?),
        None => false,
    };
    if plan.directories.is_empty() && plan.links.is_empty() && !root_differs {
        return Ok(false);
    }
    chain.make(&plan, &root, into)?;
    Ok(true)
}

/// What has to be made, by path: directories with the layer that describes them, links with layer and path of the file.
#[derive(Default)]
struct Plan {
    directories: BTreeMap<Vec<u8>, usize>,
    links: BTreeMap<Vec<u8>, (usize, Vec<u8>)>,
}

impl Chain {
    fn plan(&self) -> Result<Plan, FixUpError> {
        let mut plan = Plan::default();
        for (number, layer) in self.layers.iter().enumerate() {
            for path in &layer.implied {
                if let Some((source, top)) = self.describing(path).map_err(FixUpError::Layer)?
                    && source != top
                    && !self.are_alike(path, source, top).map_err(FixUpError::Layer)?
                {
                    plan.directories.insert(path.clone(), source);
                }
            }
            for (path, target) in &layer.links {
                if !self.shows(path, number).map_err(FixUpError::Layer)? {
                    continue;
                }
                let file = self.file(target, number).map_err(FixUpError::Layer)?;
                let file = file.ok_or_else(|| FixUpError::Dangling {
                    diff_id: layer.diff_id,
                    path: Escaped::new(path),
                    target: Escaped::new(target),
                })?;
                plan.links.insert(path.clone(), file);
            }
        }
        self.add_ancestors(&mut plan).map_err(FixUpError::Layer)?;
        Ok(plan)
    }

    /// Directories on the way are made too, and they cover those below: they look as those do together.
    fn add_ancestors(&self, plan: &mut Plan) -> io::Result<()> {
        let paths: Vec<Vec<u8>> = plan
            .directories
            .keys()
            .chain(plan.links.keys())
            .cloned()
            .collect();
        for path in paths {
            for directory in name::ancestors(&path) {
                if !plan.directories.contains_key(directory)
                    && let Some((source, _)) = self.describing(directory)?
                {
                    plan.directories.insert(directory.to_vec(), source);
                }
            }
        }
        Ok(())
    }

    fn make(&self, plan: &Plan, root: &Attributes, into: BorrowedFd<'_>) -> Result<(), FixUpError> {
        let failed = |path: &[u8]| {
            let name = Escaped::new(path);
            move |error: Errno| FixUpError::Make {
                name,
                source: error.into(),
            }
        };
        let top = rustix::fs::openat(
            into,
            ".",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let mut tree = Parents::new(top.map_err(failed(b"/"))?);
        for path in plan.directories.keys() {
            let place = tree.place(path);
            let made = place.and_then(|(directory, base)| rustix::fs::mkdirat(directory, base, Mode::RWXU));
            made.map_err(failed(path))?;
        }
        for (path, (number, file)) in &plan.links {
            let (from, name) = name::split(file);
            let from = parents::open_beneath(
                self.layers[*number].tree.as_fd(),
                from,
                OFlags::PATH | OFlags::DIRECTORY,
            );
            let linked = from.and_then(|from| {
                let (directory, base) = tree.place(path)?;
                rustix::fs::linkat(&from, name, directory, base, AtFlags::empty())
            });
            linked.map_err(failed(path))?;
        }
        // Innermost first: a mode may forbid going further, and making files changed the times.
        for (path, number) in plan.directories.iter().rev() {
            let made = self.layers[*number].attributes(path).and_then(|attributes| {
                let fd = open_readable(tree.root(), path)?;
                apply_attributes(fd.as_fd(), &attributes)
            });
            made.map_err(|source| FixUpError::Make {
                name: Escaped::new(path),
                source,
            })?;
        }
        let root_fd = open_readable(tree.root(), b"").map_err(failed(b"/"))?;
        apply_attributes(root_fd.as_fd(), root).map_err(|source| FixUpError::Make {
            name: Escaped::new(b"/"),
            source,
        })
    }
}
