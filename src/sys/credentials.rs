//! Users and groups of this process.
//!
//! The raw calls change one thread, which is right where they are used: in a process that has only one.

use rustix::io::{Errno, Result};

use super::memory::Plain;
use super::process::last_error;

/// As many supplementary groups as the kernel takes.
pub const MAX_GROUPS: usize = 65_536;
/// Longer home directories are no path.
pub const MAX_HOME: usize = 4_096;

/// Whom a process becomes, in memory that it shares with whoever looks that up.
#[repr(C)]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
    group_count: u32,
    home_length: u32,
    home: [u8; MAX_HOME],
    groups: [u32; MAX_GROUPS],
}

// SAFETY: integers only.
unsafe impl Plain for Credentials {}

impl Credentials {
    /// Fills everything in; `None` when there are too many groups or the home directory is too long.
    pub fn set(&mut self, uid: u32, gid: u32, groups: &[u32], home: &[u8]) -> Option<()> {
        self.groups.get_mut(..groups.len())?.copy_from_slice(groups);
        self.home.get_mut(..home.len())?.copy_from_slice(home);
        (self.uid, self.gid) = (uid, gid);
        (self.group_count, self.home_length) = (groups.len() as u32, home.len() as u32);
        Some(())
    }

    /// The home directory; empty when the user has none.
    pub fn home(&self) -> &[u8] {
        &self.home[..self.home_length as usize]
    }

    /// Becomes this user: groups first, since the right to change them goes with the user id. Where the user
    /// namespace forbids to set supplementary groups (one id without newgidmap) an empty list is passed over.
    pub fn assume(&self) -> Result<()> {
        let count = self.group_count as usize;
        // SAFETY: the kernel reads `count` ids from an array that holds at least as many.
        let result = unsafe { libc::syscall(libc::SYS_setgroups, count, self.groups.as_ptr()) };
        if result == -1 {
            let error = last_error();
            if error != Errno::PERM || count > 0 {
                return Err(error);
            }
        }
        // SAFETY: numbers only.
        if unsafe { libc::syscall(libc::SYS_setresgid, self.gid, self.gid, self.gid) } == -1 {
            return Err(last_error());
        }
        // SAFETY: numbers only.
        match unsafe { libc::syscall(libc::SYS_setresuid, self.uid, self.uid, self.uid) } {
            -1 => Err(last_error()),
            _ => Ok(()),
        }
    }
}
