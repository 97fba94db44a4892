//! The stores that others share with us: those of storage.conf in their order, then the machine's own.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::configuration::{self, Extent};
use super::context::{UNSHARED_LENDERS, unshared, variable};
use super::storage::Storage;
use crate::store::{Store, StoreError};

/// Where the superuser shares images unless another place is named.
pub const MACHINE: &str = "/var/lib/coracle-shared";
/// What Podman's stores have, by which they are told.
const PODMANS: [&str; 2] = ["overlay-images", "vfs-images"];

/// The stores that are used, and the others with the reason why not.
#[derive(Default)]
pub struct Lenders {
    pub stores: Vec<Store>,
    pub passed_over: Vec<(PathBuf, String)>,
    pub configured: Storage,
}

/// Inside `unshare`: those that were used outside, where it can be seen whose they are.
fn believed() -> Option<Vec<PathBuf>> {
    unshared()?;
    let paths = variable(UNSHARED_LENDERS).unwrap_or_default();
    Some(
        std::env::split_paths(&paths)
            .filter(|path| path.is_absolute())
            .collect(),
    )
}

/// Opens them for the user of the store at `own`: those of the command line, those of storage.conf, the machine's.
pub fn open(own: &Path, given: &[PathBuf], extent: Extent) -> anyhow::Result<Lenders> {
    let configured = configuration::storage(extent)?;
    let mut lenders = Lenders::default();
    let believed = believed();
    let configured_paths = || {
        given
            .iter()
            .chain(&configured.additional)
            .map(PathBuf::as_path)
            .chain([Path::new(MACHINE)])
    };
    let paths: Vec<&Path> = match &believed {
        Some(believed) => believed.iter().map(PathBuf::as_path).collect(),
        None => configured_paths().collect(),
    };
    for path in paths {
        let is_known = |store: &Store| path.canonicalize().is_ok_and(|path| path == store.path());
        if path == own || lenders.stores.iter().any(is_known) {
            continue;
        }
        match Store::open_shared(path, believed.is_some()) {
            Ok(Some(store)) => lenders.stores.push(store),
            Ok(None) if !path.exists() => {
                if path != Path::new(MACHINE) {
                    lenders.pass_over(path, "there is no such directory");
                }
            }
            Ok(None) if PODMANS.iter().any(|name| path.join(name).is_dir()) => {
                lenders.pass_over(path, "it is a store of Podman's");
            }
            Ok(None) => lenders.pass_over(path, "there is no store of ours"),
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                lenders.pass_over(path, "we may not read it");
            }
            Err(error) => lenders.pass_over(path, &error.to_string()),
        }
    }
    lenders.configured = configured;
    Ok(lenders)
}

impl Lenders {
    /// All that were asked for, used or not.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let passed_over = self.passed_over.iter().map(|(path, _)| path.as_path());
        self.stores.iter().map(Store::path).chain(passed_over)
    }

    /// What storage.conf asks for and we do not do, a line each.
    pub fn ignored(&self) -> Vec<String> {
        let passed = self.passed_over.iter();
        let mut lines: Vec<String> = passed
            .map(|(path, reason)| format!("{}: {reason}", path.display()))
            .collect();
        let keys: Vec<&str> = self.configured.ignored.iter().map(String::as_str).collect();
        if !keys.is_empty() {
            lines.push(format!("of storage.conf: {}", keys.join(", ")));
        }
        lines
    }

    fn pass_over(&mut self, path: &Path, reason: &str) {
        self.passed_over.push((path.to_owned(), reason.to_owned()));
    }
}
