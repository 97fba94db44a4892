//! A directory that tells by a signal when something in it changes (`fcntl(2)`, `F_NOTIFY`).
//!
//! inotify is better in every way but one: a user has 128 of its instances, which other programs use up.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Result;

use super::process::last_error;

// Of <linux/fcntl.h>; the libc crate has none of them.
const DN_MODIFY: u32 = 0x2;
const DN_CREATE: u32 = 0x4;
const DN_RENAME: u32 = 0x10;
const DN_MULTISHOT: u32 = 0x8000_0000;

/// The signal that is sent, unless another was chosen.
pub const SIGNAL: i32 = libc::SIGIO;

/// From now on this process gets [`SIGNAL`] when a file in the directory is written, made or renamed. Ends with the last
/// descriptor of the directory.
pub fn notify(directory: impl AsFd) -> Result<()> {
    let what = (DN_MODIFY | DN_CREATE | DN_RENAME | DN_MULTISHOT) as libc::c_int;
    // SAFETY: the call takes a descriptor that is open and a number, and no memory.
    match unsafe { libc::fcntl(directory.as_fd().as_raw_fd(), libc::F_NOTIFY, what) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}
