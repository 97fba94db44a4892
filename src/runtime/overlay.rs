//! Overlays that only show layers: read-only, without set-user-id programs and devices.

use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags};

/// A detached read-only mount of directories, uppermost first; relative ones from the current directory. The kernel wants
/// two at least, so an empty one comes last. `data`: where content lies of which the undermost has the attributes alone;
/// such a directory counts, and an empty one could not be below.
pub fn mount_read_only(lowers: &[String], data: &[String], empty: &str) -> Result<OwnedFd, Errno> {
    let mut lowers: Vec<&str> = lowers.iter().map(String::as_str).collect();
    lowers.extend(data.is_empty().then_some(empty));
    let words = |words: &[&str]| -> Result<Vec<CString>, Errno> {
        words
            .iter()
            .map(|word| CString::new(*word).map_err(|_| Errno::INVAL))
            .collect()
    };
    let data: Vec<&str> = data.iter().map(String::as_str).collect();
    match overlay(c"lowerdir+", &words(&lowers)?, &words(&data)?) {
        // Without `lowerdir+` (before Linux 6.7) all layers go into one option. No name of ours holds a colon.
        Err(Errno::INVAL) if data.is_empty() => overlay(c"lowerdir", &words(&[&lowers.join(":")])?, &[]),
        result => result,
    }
}

fn overlay(key: &CStr, values: &[CString], data: &[CString]) -> Result<OwnedFd, Errno> {
    let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let set = |key: &CStr, value: &CStr| rustix::mount::fsconfig_set_string(&fs, key, value);
    set(c"source", c"coracle")?;
    rustix::mount::fsconfig_set_flag(&fs, c"userxattr")?;
    set(c"metacopy", c"off")?;
    set(c"redirect_dir", c"nofollow")?;
    for value in values {
        set(key, value)?;
    }
    for directory in data {
        set(c"datadir+", directory)?;
    }
    rustix::mount::fsconfig_create(&fs)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOATIME;
    rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// A second, detached mount of what is mounted at `place`, an open root of a mount.
pub fn mount_again(place: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    rustix::mount::open_tree(place, c"", flags)
}
