//! Network interfaces.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Result;

use super::process::last_error;

/// Sets the loopback interface up in the network namespace that `socket` was made in.
pub fn loopback_up(socket: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: ifreq is a plain C struct, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which is ours for the length of the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}
