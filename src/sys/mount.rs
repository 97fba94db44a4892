//! The part of the mount API that rustix lacks.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Result;

use super::process::last_error;

bitflags::bitflags! {
    /// Attributes of a mount (`mount_setattr(2)`, linux/mount.h).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Attributes: u64 {
        const RDONLY = 0x1;
        const NOSUID = 0x2;
        const NODEV = 0x4;
        const NOEXEC = 0x8;
        const NOATIME = 0x10;
        const STRICTATIME = 0x20;
        /// All access-time modes: must be cleared when one of them is set.
        const ATIME = 0x70;
        const NODIRATIME = 0x80;
        const NOSYMFOLLOW = 0x20_0000;
    }
}

/// How mounts below a mount spread (`mount_namespaces(7)`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Propagation {
    Private,
    Slave,
    Shared,
    Unbindable,
}

impl Propagation {
    fn bits(self) -> u64 {
        match self {
            Self::Private => libc::MS_PRIVATE,
            Self::Slave => libc::MS_SLAVE,
            Self::Shared => libc::MS_SHARED,
            Self::Unbindable => libc::MS_UNBINDABLE,
        }
    }
}

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Changes a mount given by its root (`mount` with an empty path), with all mounts below it where `recursive`.
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    set: Attributes,
    clear: Attributes,
    propagation: Option<Propagation>,
    recursive: bool,
) -> Result<()> {
    let attributes = MountAttr {
        set: set.bits(),
        clear: clear.bits(),
        propagation: propagation.map_or(0, Propagation::bits),
        userns: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    let path: &CStr = c"";
    // SAFETY: the kernel reads the path and the struct, whose size is given, during the call only.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_error()) }
}
