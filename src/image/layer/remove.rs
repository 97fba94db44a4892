//! Removal of what a later entry of the same tar replaces, after its content went into the split.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::parents::{Parents, open_beneath};
use super::split::SplitWriter;

/// Removes `path` and, if it is a directory, all below it.
///
/// A stack of paths instead of descriptors: a tree may be deeper than a process may have files open.
pub fn remove(tree: &mut Parents, split: &mut SplitWriter<'_>, path: &[u8]) -> std::io::Result<()> {
    let (directory, base) = tree.place(path)?;
    let stat = rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW)?;
    if !FileType::from_raw_mode(stat.st_mode).is_dir() {
        return remove_file(directory, base, path, &stat, split);
    }
    tree.forget(path);
    let mut stack = vec![path.to_vec()];
    while let Some(current) = stack.last() {
        let current = current.clone();
        let below = empty(tree.root(), split, &current)?;
        if below.is_empty() {
            let (directory, base) = tree.place(&current)?;
            rustix::fs::unlinkat(directory, base, AtFlags::REMOVEDIR)?;
            tree.forget(&current);
            stack.pop();
        } else {
            stack.extend(below);
        }
    }
    Ok(())
}

/// Removes the files of a directory and gives back the directories in it.
fn empty(root: BorrowedFd<'_>, split: &mut SplitWriter<'_>, path: &[u8]) -> std::io::Result<Vec<Vec<u8>>> {
    let fd = open_beneath(root, path, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut below = Vec::new();
    for entry in Dir::read_from(&fd)? {
        let entry = entry?;
        let base = entry.file_name().to_bytes();
        if base == b"." || base == b".." {
            continue;
        }
        let full = [path, b"/", base].concat();
        let stat = rustix::fs::statat(&fd, base, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode).is_dir() {
            below.push(full);
        } else {
            remove_file(fd.as_fd(), base, &full, &stat, split)?;
        }
    }
    Ok(below)
}

fn remove_file(
    directory: BorrowedFd<'_>,
    base: &[u8],
    path: &[u8],
    stat: &Stat,
    split: &mut SplitWriter<'_>,
) -> std::io::Result<()> {
    if FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_size > 0 {
        split.displace(path, stat.st_ino, stat.st_nlink <= 1, || {
            readable(directory, base).map(File::from).map_err(Into::into)
        })?;
    }
    Ok(rustix::fs::unlinkat(directory, base, AtFlags::empty())?)
}

/// Opens a file of ours whose mode may forbid reading it, where no right of ours goes above modes.
fn readable(directory: BorrowedFd<'_>, base: &[u8]) -> Result<std::os::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, base, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            super::attributes::change_mode(directory, base, 0o600)?;
            rustix::fs::openat(directory, base, flags, Mode::empty())
        }
        done => done,
    }
}
