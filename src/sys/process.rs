//! Making processes and replacing them.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::io::{Errno, Result};
use rustix::process::Pid;

bitflags::bitflags! {
    /// What a new process does not share with its parent (`clone3(2)`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Namespaces: u64 {
        const MOUNT = libc::CLONE_NEWNS as u64;
        const PID = libc::CLONE_NEWPID as u64;
        const UTS = libc::CLONE_NEWUTS as u64;
        const IPC = libc::CLONE_NEWIPC as u64;
        const CGROUP = libc::CLONE_NEWCGROUP as u64;
        const NETWORK = libc::CLONE_NEWNET as u64;
        const USER = libc::CLONE_NEWUSER as u64;
    }
}

/// The kernel's `struct clone_args`, version 2 (with `cgroup`).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// A child of ours: its pid, and a descriptor that means it and no later process of that pid.
#[derive(Debug)]
pub struct Child {
    pub pid: Pid,
    pub pidfd: OwnedFd,
}

/// Makes a child in new namespaces, born in `cgroup` where one is given, which runs `body` with default signal
/// handlers and ends with the status that it returns.
///
/// The child has a copy of our memory and no other thread, so `body` must not allocate, lock or panic when this
/// process has threads. Debug builds assert that it has none.
pub fn clone(
    namespaces: Namespaces,
    cgroup: Option<BorrowedFd<'_>>,
    body: impl FnOnce() -> i32,
) -> Result<Child> {
    debug_assert!(is_single_threaded(), "forking with threads");
    /// Since Linux 5.5: handlers are reset, so that none of ours runs in the child.
    const CLEAR_SIGHAND: u64 = 0x1_0000_0000;
    const INTO_CGROUP: u64 = 0x2_0000_0000;
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        flags: namespaces.bits() | libc::CLONE_PIDFD as u64 | CLEAR_SIGHAND,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        args.flags |= INTO_CGROUP;
        args.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM and with no stack given, clone3 behaves as fork: the child goes on in a copy of this
    // stack. `args` and `pidfd` live until the call returns in the parent. The C library's own record of the
    // thread id is stale in the child, which calls nothing that uses it.
    match unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) } {
        -1 => Err(last_error()),
        0 => exit(body()),
        pid => Ok(Child {
            pid: Pid::from_raw(pid as i32).ok_or(Errno::SRCH)?,
            // SAFETY: the kernel has just stored a new descriptor here, which nobody else owns.
            pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) },
        }),
    }
}

fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(true, |tasks| tasks.count() == 1)
}

/// Leaves namespaces for new ones. Not for the user namespace while there are threads.
pub fn unshare(namespaces: Namespaces) -> Result<()> {
    // SAFETY: without CLONE_FILES and CLONE_FS, which the type cannot say, nothing that threads share is taken apart.
    match unsafe { libc::unshare(namespaces.bits() as libc::c_int) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}

/// Which kind of namespace `fd` is open on; an error when it is none (`ioctl_nsfs(2)`).
pub fn namespace_kind(fd: BorrowedFd<'_>) -> Result<Namespaces> {
    const NSFS_MAGIC: i64 = 0x6e73_6673;
    const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
    // Another driver could mean anything by that request.
    if rustix::fs::fstatfs(fd)?.f_type != NSFS_MAGIC {
        return Err(Errno::INVAL);
    }
    // SAFETY: the request takes no argument, and nsfs, as just seen, knows it.
    match unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE) } {
        -1 => Err(last_error()),
        kind => Ok(Namespaces::from_bits_retain(kind as u32 as u64)),
    }
}

/// Ends this process at once: no destructor, no flush.
pub fn exit(status: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Strings as `execve(2)` wants them. Made before a fork, since that allocates; used after it, which does not.
pub struct Strings {
    /// Each ends with a NUL byte and holds no other before it.
    strings: Vec<Vec<u8>>,
    /// Room for a pointer to each and the null pointer behind them.
    pointers: Vec<*const libc::c_char>,
}

impl Strings {
    pub fn new(strings: Vec<CString>) -> Self {
        let pointers = Vec::with_capacity(strings.len() + 1);
        Self {
            strings: strings.into_iter().map(CString::into_bytes_with_nul).collect(),
            pointers,
        }
    }

    /// Writes `content` behind the first `offset` bytes of the string at `index`, which was made long enough for
    /// it. Does not allocate. What does not fit, or holds a NUL byte, is refused.
    pub fn fill(&mut self, index: usize, offset: usize, content: &[u8]) -> Result<()> {
        let string = &mut self.strings[index];
        let end = offset + content.len();
        if end >= string.len() || content.contains(&0) {
            return Err(Errno::NAMETOOLONG);
        }
        string[offset..end].copy_from_slice(content);
        string[end] = 0;
        Ok(())
    }

    /// Leaves out the string at `index`.
    pub fn remove(&mut self, index: usize) {
        self.strings.remove(index);
    }

    /// A null-terminated array that stays valid until the next change.
    fn pointers(&mut self) -> *const *const libc::c_char {
        self.pointers.clear();
        self.pointers.extend(
            self.strings
                .iter()
                .map(|string| string.as_ptr().cast::<libc::c_char>()),
        );
        self.pointers.push(std::ptr::null());
        self.pointers.as_ptr()
    }
}

/// Replaces this process by the program at `path`; returns only when that failed.
pub fn execve(path: &CStr, arguments: &mut Strings, environment: &mut Strings) -> Errno {
    // SAFETY: both arrays end with a null pointer and lead to NUL-terminated strings that live through the call.
    unsafe { libc::execve(path.as_ptr(), arguments.pointers(), environment.pointers()) };
    last_error()
}

/// Marks all descriptors from `first` on to be closed by the next exec.
pub fn close_on_exec_from(first: RawFd) -> Result<()> {
    // SAFETY: changes flags of descriptors; takes no pointers.
    match unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Closes a forked child's copies of all descriptors from 3 on but one, and `numbers`. The same holds as for [`close_copy`].
pub fn close_copies_but(kept: BorrowedFd<'_>, numbers: &[RawFd]) {
    let mut first = 3;
    loop {
        let all = numbers.iter().copied().chain([kept.as_raw_fd()]);
        let next = all
            .map(|number| number as u32)
            .filter(|number| *number >= first)
            .min();
        let last = next.map_or(u32::MAX, |next| next - 1);
        if first <= last {
            // SAFETY: closing numbers cannot harm memory; no owner in this process uses them afterwards.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
        match next {
            Some(next) => first = next + 1,
            None => return,
        }
    }
}

/// Makes descriptor `number` (0, 1 or 2, or one that is free) a copy of `from` that survives an exec.
pub fn place(from: BorrowedFd<'_>, number: RawFd) -> Result<()> {
    if from.as_raw_fd() == number {
        // dup3 refuses equal numbers; only the flag has to go.
        return rustix::io::fcntl_setfd(from, rustix::io::FdFlags::empty());
    }
    // SAFETY: replaces descriptor `number`. The callers give the three standard streams, which no OwnedFd holds,
    // or do so in a process that is about to exec.
    match unsafe { libc::dup2(from.as_raw_fd(), number) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}

/// Closes a forked child's copy of a descriptor whose owner is its parent's. The child ends by exec or [`exit`], so that
/// its copy of the owner is never used or dropped.
pub fn close_copy(number: RawFd) {
    // SAFETY: closing a number cannot harm memory; no owner in this process uses the number afterwards, as said above.
    unsafe { libc::close(number) };
}

/// Closes what this process was started with beside its standard streams, and could be waited for to end.
pub fn close_foreign() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers: Vec<RawFd> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // SAFETY: asks for flags, and closes what survives an exec; whatever this process has opened does not, so that no
        // owner holds the number.
        unsafe {
            let flags = libc::fcntl(number, libc::F_GETFD);
            if flags != -1 && flags & libc::FD_CLOEXEC == 0 {
                libc::close(number);
            }
        }
    }
}

/// The working directory in `buffer`; a path that does not begin with `/` lies outside the root (`getcwd(2)`).
/// Does not allocate.
pub fn working_directory(buffer: &mut [u8]) -> Result<&[u8]> {
    // SAFETY: the kernel writes at most the given length into a buffer that is ours.
    match unsafe { libc::syscall(libc::SYS_getcwd, buffer.as_mut_ptr(), buffer.len()) } {
        -1 => Err(last_error()),
        length => Ok(&buffer[..(length as usize).saturating_sub(1)]),
    }
}

/// Whether descriptor `number` is open.
pub fn is_open(number: RawFd) -> bool {
    // SAFETY: only asks for the descriptor's flags.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

/// Whether descriptor `number` was given to this process by the one that executed it: unlike all that we open ourselves it
/// stays open when we execute another.
pub fn is_given(number: RawFd) -> bool {
    // SAFETY: only asks for the descriptor's flags.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags != -1 && flags & libc::FD_CLOEXEC == 0
}

/// Lets descriptor `number` survive an exec.
pub fn keep_on_exec(number: RawFd) -> Result<()> {
    // SAFETY: sets the descriptor's flags; takes no pointers.
    match unsafe { libc::fcntl(number, libc::F_SETFD, 0) } {
        -1 => Err(last_error()),
        _ => Ok(()),
    }
}

/// Takes over a descriptor that was inherited under a known number.
pub fn inherited(number: RawFd) -> Result<OwnedFd> {
    // SAFETY: only asks for the descriptor's flags.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(last_error());
    }
    // SAFETY: the descriptor is open, and our callers take each number that they were started with once, before
    // anything else in this process could have opened a descriptor of that number.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// The error of the last call into the C library.
pub(super) fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Makes a child with the old `clone(2)` call, for where a seccomp filter refuses `clone3`. The same rules hold
/// as for [`clone`].
pub fn fork(body: impl FnOnce() -> i32) -> Result<Pid> {
    // SAFETY: no flags but the exit signal and no stack: a plain fork.
    match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
        -1 => Err(last_error()),
        0 => exit(body()),
        pid => Pid::from_raw(pid as i32).ok_or(Errno::SRCH),
    }
}

/// The exit code of the child that `pidfd` means, as a shell would show it, when it has ended; it is reaped.
pub fn reap(pidfd: BorrowedFd<'_>) -> Result<Option<i32>> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    loop {
        return match waitid(
            WaitId::PidFd(pidfd),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        ) {
            Ok(Some(status)) => Ok(Some(exit_code(status.exit_status(), status.terminating_signal()))),
            Ok(None) => Ok(None),
            Err(Errno::INTR) => continue,
            Err(error) => Err(error),
        };
    }
}

/// Waits until the process that `pidfd` means has ended; `false` when `limit` is over before.
pub fn ends_within(pidfd: BorrowedFd<'_>, limit: Option<Duration>) -> Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Kills a child and waits for its end, whatever it was; nobody is to ask for its status afterwards.
pub fn kill_and_reap(pidfd: BorrowedFd<'_>) {
    let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
    let _ = ends_within(pidfd, None);
    let _ = reap(pidfd);
}

/// The exit code that a shell shows: the process's own, or 128 and the signal that ended it.
pub fn exit_code(status: Option<i32>, signal: Option<i32>) -> i32 {
    status.unwrap_or_else(|| 128 + signal.unwrap_or(0))
}
