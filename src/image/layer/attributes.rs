//! Owner, mode, times and extended attributes, set and read through descriptors.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, Uid, XattrFlags};
use rustix::io::Errno;

use super::{TREE, parents, read_record};
use crate::store::layer::{Attributes, PathBytes};

/// The attribute that makes a directory of a lower hide those below it, under the mount option `userxattr`.
pub const OPAQUE: &str = "user.overlay.opaque";
/// Attributes of the overlay file system itself.
const OVERLAY_PREFIX: &[u8] = b"user.overlay.";
/// What file capabilities are kept in.
pub const CAPABILITY: &[u8] = b"security.capability";

/// Names and values.
pub type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// A modification time; the access time becomes now, as of any file just written.
pub fn timestamps((seconds, nanoseconds): (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        },
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: i64::from(nanoseconds),
        },
    }
}

/// Changes the mode of `name` in `directory`, which is no link and must not be opened (a device, a pipe).
pub fn change_mode(directory: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    if rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode).is_symlink() {
        return Err(Errno::LOOP);
    }
    // fchmod takes no O_PATH descriptor, and fchmodat that follows no link is new; its link in /proc is the way round.
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    rustix::fs::chmodat(rustix::fs::CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
}

/// Sets one attribute; false if the file system or our rights do not allow it, which is no reason to fail.
pub fn set_xattr(fd: BorrowedFd<'_>, name: &[u8], value: &[u8]) -> Result<bool, Errno> {
    match rustix::fs::fsetxattr(fd, name, value, XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP) => Ok(false),
        // Without CAP_SETFCAP, and for the first of the three forms of capabilities.
        Err(Errno::PERM | Errno::INVAL) if name == CAPABILITY => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a directory hides those of the same name below it.
pub fn is_opaque(directory: BorrowedFd<'_>) -> Result<bool, Errno> {
    let mut value = [0u8; 8];
    match rustix::fs::fgetxattr(directory, OPAQUE, &mut value) {
        Ok(length) => Ok(value[..length] == *b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The attributes of an open directory, without those of the overlay file system.
pub fn read_attributes(directory: BorrowedFd<'_>) -> io::Result<Attributes> {
    let stat = rustix::fs::fstat(directory)?;
    let mut attributes = Attributes {
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
        xattrs: Vec::new(),
    };
    for (name, value) in xattrs(directory)? {
        if name.starts_with(b"user.") {
            attributes.xattrs.push((name[..].into(), PathBytes(value)));
        }
    }
    Ok(attributes)
}

/// The attributes of users and the capabilities of an open file or directory, sorted, without those of the overlay file
/// system.
pub fn xattrs(fd: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    let mut found = Vec::new();
    for name in xattr_names(fd)?.split(|&byte| byte == 0) {
        let is_users = name.starts_with(b"user.") && !name.starts_with(OVERLAY_PREFIX);
        if !is_users && name != CAPABILITY {
            continue;
        }
        let mut value = vec![0; super::limits::XATTR_VALUE_BYTES];
        match rustix::fs::fgetxattr(fd, name, &mut value[..]) {
            Ok(length) => value.truncate(length),
            // Taken away meanwhile.
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(error),
        }
        found.push((name.to_vec(), value));
    }
    found.sort();
    Ok(found)
}

fn xattr_names(directory: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    // XATTR_LIST_MAX.
    let mut names = vec![0; 64 << 10];
    match rustix::fs::flistxattr(directory, &mut names[..]) {
        Ok(length) => names.truncate(length),
        Err(Errno::OPNOTSUPP) => names.clear(),
        Err(error) => return Err(error),
    }
    Ok(names)
}

/// Gives an open directory these attributes. The owner is left when it is right already, so that no right is needed.
pub fn apply_attributes(directory: BorrowedFd<'_>, attributes: &Attributes) -> io::Result<()> {
    for (name, value) in &attributes.xattrs {
        set_xattr(directory, &name.0, &value.0)?;
    }
    let stat = rustix::fs::fstat(directory)?;
    if (stat.st_uid, stat.st_gid) != (attributes.uid, attributes.gid) {
        rustix::fs::fchown(
            directory,
            Some(Uid::from_raw(attributes.uid)),
            Some(Gid::from_raw(attributes.gid)),
        )?;
    }
    rustix::fs::fchmod(directory, Mode::from_raw_mode(attributes.mode))?;
    rustix::fs::futimens(directory, &timestamps(attributes.mtime))?;
    Ok(())
}

/// The attributes that `/` has over `layers` (directories of layers, bottom first): those of the uppermost that has an
/// entry for it. `upper/` starts with them.
pub fn merged_root_attributes(layers: &[BorrowedFd<'_>]) -> io::Result<Attributes> {
    let mut source = layers.last();
    for layer in layers.iter().rev() {
        let record = read_record(layer.as_fd())?;
        if record.root.is_some() {
            source = Some(layer);
            break;
        }
        if record.hides_lower {
            break;
        }
    }
    match source {
        // Without any entry for it the uppermost tree has what everybody expects of `/`.
        Some(layer) => read_attributes(open_readable(layer.as_fd(), TREE.as_bytes())?.as_fd()),
        None => Ok(Attributes::default()),
    }
}

/// Opens a directory for reading its attributes.
pub fn open_readable(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    parents::open_beneath(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}
