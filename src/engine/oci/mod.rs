//! The OCI runtime: containers of bundles (runtime-spec), for containerd, CRI-O, Podman and Docker.
//!
//! The first process is the child of `create`, which ends; whoever called it adopts and reaps that process. Nothing of
//! ours stays. What later calls must know stands in the container's directory below the root:
//!
//! ```text
//! <id>/             locked (flock) by whoever changes the container
//!   config.json     the configuration as `create` read it: later changes to the bundle mean nothing
//!   start, answer   FIFOs that the first process holds open until its exec: that is how "created" is told from "running"
//!   state.json      written last, by a rename
//! ```

mod bundle;
mod create;
mod delete;
mod devices;
mod features;
mod hooks;
mod linux;
mod mounts;
mod process;
mod resources;
mod sample;
mod start;
mod state;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{EngineError, Result, errno};

pub use create::Request;
pub use features::features;
pub use sample::sample;
pub use state::{Status, View};

/// The version of the specification that we implement.
pub const VERSION: &str = "1.2.1";

/// A runtime with its containers.
#[derive(Debug)]
pub struct Runtime {
    root: PathBuf,
}

impl Runtime {
    /// Keeps its containers below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Opens the directory of a container that is there.
    fn open(&self, id: &str) -> Result<OwnedFd> {
        check_id(id)?;
        match open_directory(&self.root.join(id)) {
            Err(Errno::NOENT) => refuse(format!("container {id:?} does not exist")),
            result => result.map_err(errno(format!("container {id:?}"))),
        }
    }
}

/// Opens the directory at `path`, which must be one and no link.
fn open_directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
}

/// Ids become the names of directories and control groups.
fn check_id(id: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
    if id.is_empty() || id.len() > 255 || matches!(id, "." | "..") || !id.bytes().all(is_allowed) {
        return refuse(
            "invalid id: only letters, digits and _ + - . make it up, at most 255, and it is not . or ..",
        );
    }
    Ok(())
}

/// The exclusive lock on a container's directory. It is given back explicitly: the first process has a copy of the
/// descriptor until it executes the payload.
struct Held<'a>(&'a OwnedFd);

impl<'a> Held<'a> {
    /// Waits for the lock.
    fn take(directory: &'a OwnedFd, id: &str) -> Result<Self> {
        rustix::fs::flock(directory, FlockOperation::LockExclusive)
            .map_err(errno(format!("lock of container {id:?}")))?;
        // Removed while we waited: then what we hold is nobody's.
        match rustix::fs::fstat(directory) {
            Ok(status) if status.st_nlink > 0 => Ok(Self(directory)),
            _ => refuse(format!("container {id:?} does not exist")),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T> {
    Err(EngineError::Refused(why.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_names() {
        for id in ["a", "A-1_2+3.4", "..a", &"x".repeat(255)] {
            assert!(check_id(id).is_ok(), "{id}");
        }
        for id in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\nb",
            "a b",
            "é",
            "a\0",
            &"x".repeat(5_000),
        ] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }
}
