//! Pid 1 of a container that was asked for one (`--init`): passes signals on to the payload, reaps orphans, and ends as
//! the payload does. Runs after the fork, with a seccomp filter in place: nothing here allocates.

use std::os::fd::AsFd;

use rustix::io::{Errno, Result};
use rustix::process::{Pid, Signal, WaitOptions};

use crate::sys::process::exit_code;
use crate::sys::signal::Signals;

/// Blocks every signal that can be passed on, before the payload is made.
pub fn block() -> Result<Signals> {
    let mut numbers = [0; 62];
    let mut count = 0;
    for number in 1..=64 {
        // SIGKILL and SIGSTOP cannot be blocked; 32 and 33 belong to the C library.
        if !matches!(number, 9 | 19 | 32 | 33) {
            numbers[count] = number;
            count += 1;
        }
    }
    Signals::of(&numbers[..count])
}

/// Waits for the payload and ends this process with its exit status, 128 and the number when a signal ended it.
pub fn run(signals: &Signals, payload: Pid) -> ! {
    // The parent takes the end of its socket as the payload's exec, the network's helper ends with a pipe, and whoever reads
    // what the payload writes waits for the payload alone: no copy of ours may keep anything open.
    crate::sys::process::close_copies_but(signals.as_fd(), &[]);
    crate::sys::process::exit(attend(signals, payload).unwrap_or(127))
}

fn attend(signals: &Signals, payload: Pid) -> Result<i32> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let mut fds = [PollFd::new(signals, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        while let Some(delivered) = signals.next()? {
            if delivered.number != Signal::CHILD.as_raw() {
                // It is not reaped yet, so the number is still its own.
                let _ = crate::sys::signal::kill(payload, delivered.number);
            }
        }
        if let Some(status) = reap(payload)? {
            return Ok(status);
        }
    }
}

/// Reaps all that has ended; the payload's status when it is among them.
fn reap(payload: Pid) -> Result<Option<i32>> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == payload => {
                return Ok(Some(exit_code(status.exit_status(), status.terminating_signal())));
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
