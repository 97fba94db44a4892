//! What an image has at the place of a volume becomes the volume's first content.
//!
//! The image's tree exists only as layers, so a child in a mount namespace of its own sees them as one read-only
//! overlay, which is attached nowhere and ends with it. It is forked by a process with one thread, so that it may
//! allocate. The place is resolved by the kernel in that tree alone.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Signal, WaitId, WaitIdOptions};

use super::copy::copy_tree;
use super::{overlay, rootfs};
use crate::base::bytes::ByteString;
use crate::sys::process::{self, Namespaces};

/// Where the content comes from.
pub enum Tree<'a> {
    /// Layers, uppermost first, and an empty directory, relative to `base`. Overlayfs without an upper directory wants
    /// two lower ones, which a single layer is not.
    Layers {
        base: &'a Path,
        lowers: &'a [String],
        /// Where content lies of which lowers have the attributes alone: absolute.
        data: &'a [String],
        empty: &'a str,
    },
    /// A directory that is a root file system by itself.
    Directory(&'a Path),
}

/// Why a volume did not get its first content.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CopyUpError(String);

/// Exit statuses of the child.
const COPIED: i32 = 0;
const NOTHING: i32 = 1;
const FAILED: i32 = 2;
/// The most that the child tells.
const MESSAGE_LIMIT: u64 = 16 << 10;

/// Copies the directory `place` of the tree, with its own attributes, to the empty directory `to`. `false`: there is
/// no directory at that place.
pub fn copy_up(tree: &Tree<'_>, place: &ByteString, to: BorrowedFd<'_>) -> Result<bool, CopyUpError> {
    let failed = |what: &str, error: Errno| CopyUpError(format!("{what}: {error}"));
    let flags = rustix::pipe::PipeFlags::CLOEXEC;
    let (reader, writer) = rustix::pipe::pipe_with(flags).map_err(|error| failed("pipe", error))?;
    let parent = rustix::process::getpid();
    let child = process::clone(Namespaces::MOUNT, None, || {
        // The claim of whoever started us ends with him, and then nobody wants the copy.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        if rustix::process::getppid() != Some(parent) {
            return FAILED;
        }
        match act(tree, place, to) {
            Ok(true) => COPIED,
            Ok(false) => NOTHING,
            Err(error) => {
                // Shorter than what a pipe takes at once.
                let _ = rustix::io::write(&writer, error.0.as_bytes());
                FAILED
            }
        }
    })
    .map_err(|error| failed("cannot fork", error))?;
    drop(writer);
    let mut message = String::new();
    let _ = std::fs::File::from(reader)
        .take(MESSAGE_LIMIT)
        .read_to_string(&mut message);
    let status = loop {
        match rustix::process::waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED) {
            Err(Errno::INTR) => {}
            result => break result.map_err(|error| failed("cannot wait", error))?,
        }
    };
    match status.and_then(|status| status.exit_status()) {
        Some(COPIED) => Ok(true),
        Some(NOTHING) => Ok(false),
        _ if message.is_empty() => Err(CopyUpError("the copying process was killed".into())),
        _ => Err(CopyUpError(message)),
    }
}

fn act(tree: &Tree<'_>, place: &ByteString, to: BorrowedFd<'_>) -> Result<bool, CopyUpError> {
    let failed = |what: &'static str| move |error: Errno| CopyUpError(format!("{what}: {error}"));
    rustix::process::umask(Mode::empty());
    // Two descriptors for each level of the tree.
    let mut files = rustix::process::getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = rustix::process::setrlimit(Resource::Nofile, files);
    let root = match tree {
        Tree::Layers {
            base,
            lowers,
            data,
            empty,
        } => {
            rootfs::isolate().map_err(failed("cannot make mounts private"))?;
            rustix::process::chdir(*base).map_err(failed("cannot enter the store"))?;
            mount_layers(lowers, data, empty).map_err(failed("cannot mount the image's layers"))?
        }
        Tree::Directory(path) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::open(*path, flags, Mode::empty())
                .map_err(failed("cannot open the root file system"))?
        }
    };
    let Some(from) = open_place(root.as_fd(), place).map_err(failed("cannot open the place in the image"))?
    else {
        return Ok(false);
    };
    let to = rustix::io::fcntl_dupfd_cloexec(to, 0).map_err(failed("cannot open the volume"))?;
    copy_tree(from, to).map_err(|error| CopyUpError(error.to_string()))?;
    Ok(true)
}

/// Opens the directory; what is missing or another kind of file is none.
fn open_place(root: BorrowedFd<'_>, place: &ByteString) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, place.as_bytes(), flags, Mode::empty(), resolve) {
        Ok(from) => Ok(Some(from)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A detached mount of the layers; of an image without any, the empty directory.
fn mount_layers(lowers: &[String], data: &[String], empty: &str) -> Result<OwnedFd, Errno> {
    if lowers.is_empty() {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        return rustix::fs::open(empty, flags, Mode::empty());
    }
    overlay::mount_read_only(lowers, data, empty)
}
