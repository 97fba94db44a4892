//! Signals as data: blocked, and read from a descriptor (`signalfd(2)`).

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Result;
use rustix::process::Pid;

use super::process::last_error;

/// A descriptor that delivers signals which are blocked for it.
pub struct Signals(OwnedFd);

/// One delivered signal.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    pub number: i32,
    /// The pid that sent it; for SIGCHLD the child.
    pub sender: u32,
}

impl Signals {
    /// Blocks `numbers` and delivers them here instead.
    pub fn of(numbers: &[i32]) -> Result<Self> {
        let set = block(numbers)?;
        // SAFETY: `set` is initialised; a new descriptor is returned.
        match unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) } {
            -1 => Err(last_error()),
            // SAFETY: the descriptor is new and nobody else's.
            fd => Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) })),
        }
    }

    /// The next signal that is waiting.
    pub fn next(&self) -> Result<Option<Delivered>> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the kernel writes at most `size` bytes into `info`, whole records only.
        match unsafe { libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), size) } {
            length if length == size as isize => {
                // SAFETY: a whole record was written.
                let info = unsafe { info.assume_init() };
                Ok(Some(Delivered {
                    number: info.ssi_signo as i32,
                    sender: info.ssi_pid,
                }))
            }
            _ => match last_error() {
                rustix::io::Errno::AGAIN | rustix::io::Errno::INTR => Ok(None),
                error => Err(error),
            },
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Blocks `numbers` in this thread and returns them as a set.
fn block(numbers: &[i32]) -> Result<libc::sigset_t> {
    let mut set = empty();
    for number in numbers {
        // SAFETY: `set` is initialised; an invalid number is an error, not undefined.
        if unsafe { libc::sigaddset(&raw mut set, *number) } == -1 {
            return Err(last_error());
        }
    }
    // SAFETY: `set` is initialised and only read; no old set is asked for.
    match unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) } {
        -1 => Err(last_error()),
        _ => Ok(set),
    }
}

/// Unblocks every signal. Allocates nothing.
pub fn unblock_all() {
    let set = empty();
    // SAFETY: `set` is initialised and only read.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) };
}

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the whole set and cannot fail.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Gives all signals their default effect, as a new program expects it: exec keeps ignored ones ignored, and Rust
/// ignores SIGPIPE. Allocates nothing.
pub fn reset_all() {
    for number in 1..=64 {
        // SAFETY: sets no handler; the numbers that the C library keeps for itself and those that cannot be changed are
        // refused with an error, which is right.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
}

/// Lets `number` do nothing in this process.
pub fn ignore(number: i32) {
    // SAFETY: sets no handler.
    unsafe { libc::signal(number, libc::SIG_IGN) };
}

/// Gives `number` its default effect and raises it: for ending as the process would have without us.
pub fn die_of(number: i32) -> ! {
    // SAFETY: sets no handler; raise takes a number.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        unblock_all();
        libc::raise(number);
    }
    super::process::exit(128 + number)
}

/// Sends a signal by number, real-time ones too, to a child that has not been reaped.
pub fn kill(child: Pid, number: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    match unsafe { libc::kill(child.as_raw_nonzero().get(), number) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}

/// Sends a signal by number, real-time ones too, to the process that `pidfd` means.
pub fn send(pidfd: BorrowedFd<'_>, number: i32) -> Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: no information is given along, which the kernel then makes itself.
    match unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), number, none, 0) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}
