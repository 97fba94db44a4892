//! POSIX record locks by byte (`fcntl(2)`, F_SETLK and F_GETLK).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::{Errno, Result};

/// How a byte is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    Shared,
    Exclusive,
    None,
}

fn record(kind: libc::c_int, byte: i64) -> libc::flock {
    // SAFETY: flock is a plain C struct of integers, for which zero is a value.
    let mut record: libc::flock = unsafe { std::mem::zeroed() };
    record.l_type = kind as libc::c_short;
    record.l_whence = libc::SEEK_SET as libc::c_short;
    record.l_start = byte;
    record.l_len = 1;
    record
}

/// Locks or unlocks one byte of `file`. Without `wait` a conflict is `EAGAIN` or `EACCES`.
pub fn set(file: BorrowedFd<'_>, byte: i64, lock: Lock, wait: bool) -> Result<()> {
    let kind = match lock {
        Lock::Shared => libc::F_RDLCK,
        Lock::Exclusive => libc::F_WRLCK,
        Lock::None => libc::F_UNLCK,
    };
    let command = if wait { libc::F_SETLKW } else { libc::F_SETLK };
    let record = record(kind, byte);
    loop {
        // SAFETY: the descriptor is open for the length of the borrow, and the kernel only reads the
        // record, which lives on our stack during the call.
        match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const record) } {
            -1 => match Errno::from_io_error(&std::io::Error::last_os_error()) {
                Some(Errno::INTR) if wait => {}
                error => return Err(error.unwrap_or(Errno::IO)),
            },
            _ => return Ok(()),
        }
    }
}

/// The pid of one *other* process that holds `byte` of `file` in any way; 0 for one outside our pid namespace.
pub fn holder(file: BorrowedFd<'_>, byte: i64) -> Result<Option<i32>> {
    let mut record = record(libc::F_WRLCK, byte);
    // SAFETY: as above; the kernel writes the answer into the record, which is ours alone.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut record) } {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        _ if i32::from(record.l_type) == libc::F_UNLCK => Ok(None),
        _ => Ok(Some(record.l_pid)),
    }
}
