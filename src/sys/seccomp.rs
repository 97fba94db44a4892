//! Loading a seccomp filter into the calling thread.

use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::{Errno, Result};

/// One instruction of a classic BPF program: `struct sock_filter` of `linux/filter.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// Log every action but `ALLOW` (Linux 4.14).
pub const FLAG_LOG: u32 = 1 << 1;
/// Leave speculative store bypass as it is (Linux 4.17).
pub const FLAG_SPEC_ALLOW: u32 = 1 << 2;
/// Return a descriptor on which the filter's `USER_NOTIF` calls arrive (Linux 5.0).
pub const FLAG_NEW_LISTENER: u32 = 1 << 3;
/// A caller whose notification was received can only be interrupted by a fatal signal (Linux 5.19).
pub const FLAG_WAIT_KILLABLE_RECV: u32 = 1 << 5;

/// Puts `program` on the calling thread, for good. With [`FLAG_NEW_LISTENER`] the listener comes back.
///
/// The thread must have `no_new_privs` set or `CAP_SYS_ADMIN` in its user namespace. Nothing is allocated: this runs
/// between clone and exec.
pub fn load(program: &[Instruction], flags: u32) -> Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `Instruction` has the layout of `sock_filter`, and the kernel only reads `len` of them during the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags as libc::c_ulong,
            &program,
        )
    };
    if result < 0 {
        // SAFETY: the C library's errno belongs to this thread.
        return Err(Errno::from_raw_os_error(unsafe { *libc::__errno_location() }));
    }
    if flags & FLAG_NEW_LISTENER == 0 {
        return Ok(None);
    }
    // SAFETY: with this flag the call returns a descriptor that nothing else owns.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(result as i32) }))
}

const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());
const _: () = assert!(align_of::<Instruction>() == align_of::<libc::sock_filter>());
