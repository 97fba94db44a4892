//! Kills a program at a chosen step: just before one of its processes changes something outside itself.
//!
//! The program and all that it forks are traced (ptrace(2)) and their system calls counted, so every step can be hit, and
//! hit again. Traced are our own programs alone: whoever executes another is let go before, since a traced program
//! loses what a file's capabilities would give it.

use std::collections::HashSet;
use std::ffi::c_void;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::Invocation;

/// The step at which a process was killed.
#[derive(Debug)]
pub struct Step {
    /// The system call's name.
    pub call: &'static str,
}

/// Runs the program until its `number`th step (from 0) and kills the process that was to make it; the others go on.
/// None: it ended before, and did so well.
pub fn kill_at(invocation: Invocation, number: usize) -> Option<Step> {
    at(invocation, number, None)
}

/// The same, but the program is held at that step with all its processes while something else is done, and then goes on.
pub fn hold_at(invocation: Invocation, number: usize, act: impl FnOnce() + Send) -> Option<Step> {
    at(invocation, number, Some(Box::new(act)))
}

type Act<'a> = Box<dyn FnOnce() + Send + 'a>;

fn at(invocation: Invocation, number: usize, act: Option<Act<'_>>) -> Option<Step> {
    let (mut command, limit, _) = invocation.into_parts();
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).process_group(0);
    // A thread of its own: a tracer is a thread, and what it still traces at its end is let go.
    let (step, unmet) = std::thread::scope(|scope| {
        let tracer = scope.spawn(move || trace(command, number, limit, act));
        tracer.join().expect("the tracer says what went wrong")
    });
    for thread in unmet {
        // SAFETY: no memory is involved. What is born traced is born stopped, and stays so without a tracer.
        unsafe { libc::kill(thread, libc::SIGCONT) };
    }
    step
}

fn trace(
    mut command: Command,
    number: usize,
    limit: Duration,
    act: Option<Act<'_>>,
) -> (Option<Step>, HashSet<i32>) {
    let ask_for_it = || match ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: one system call, in the child.
    unsafe { command.pre_exec(ask_for_it) };
    #[expect(clippy::zombie_processes, reason = "the tracer waits for it by its number")]
    let child = command.spawn().expect("start a traced program");
    let _limit = Limit::of(&child, limit);
    Tracer {
        root: child.id() as i32,
        number,
        seen: 0,
        known: HashSet::new(),
        unmet: HashSet::new(),
        step: None,
        ended: None,
        act,
    }
    .run()
}

struct Tracer<'a> {
    root: i32,
    number: usize,
    seen: usize,
    /// Threads that have their options.
    known: HashSet<i32>,
    /// Threads that were announced and have not yet come to their first stop.
    unmet: HashSet<i32>,
    step: Option<Step>,
    ended: Option<i32>,
    /// What is done at the step instead of a kill.
    act: Option<Act<'a>>,
}

impl Tracer<'_> {
    fn run(mut self) -> (Option<Step>, HashSet<i32>) {
        // All are waited for, or once the step was reached those whom the caller would wait for.
        while self.step.is_none() || self.ended.is_none() {
            let mut status = 0;
            // SAFETY: `status` is ours. Of this thread's children only: other tests have theirs.
            let thread = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::__WNOTHREAD) };
            if thread < 0 {
                break;
            }
            if libc::WIFSTOPPED(status) {
                self.stopped(thread, status);
            } else if thread == self.root {
                self.ended = Some(status);
            }
        }
        if self.step.is_none() {
            assert_eq!(
                self.ended,
                Some(0),
                "the program failed without having been killed"
            );
        }
        (self.step, self.unmet)
    }

    fn stopped(&mut self, thread: i32, status: i32) {
        let signal = libc::WSTOPSIG(status);
        if self.known.insert(thread) {
            self.unmet.remove(&thread);
            let options = libc::PTRACE_O_TRACESYSGOOD
                | libc::PTRACE_O_TRACEFORK
                | libc::PTRACE_O_TRACEVFORK
                | libc::PTRACE_O_TRACECLONE
                | libc::PTRACE_O_TRACEEXEC;
            ptrace(libc::PTRACE_SETOPTIONS, thread, 0, options as usize);
            // The first stop is the tracer's affair, whatever signal it has.
            return self.go_on(thread, 0);
        }
        if signal == libc::SIGTRAP | 0x80 {
            if let Some((call, arguments)) = entered(thread)
                && self.step.is_none()
            {
                return self.called(thread, call, arguments);
            }
            return self.go_on(thread, 0);
        }
        let is_event = status >> 16 != 0;
        let mut born: libc::c_ulong = 0;
        if is_event && ptrace(libc::PTRACE_GETEVENTMSG, thread, 0, (&raw mut born) as usize) == 0 {
            let born = born as i32;
            // After an exec the message is another number, of a thread that is known.
            if !self.known.contains(&born) {
                self.unmet.insert(born);
            }
        }
        self.go_on(thread, if is_event { 0 } else { signal });
    }

    fn called(&mut self, thread: i32, call: i64, arguments: [u64; 6]) {
        if (call == libc::SYS_execve && !is_ourselves(thread, arguments[0])) || call == libc::SYS_execveat {
            ptrace(libc::PTRACE_DETACH, thread, 0, 0);
            return;
        }
        if let Some(name) = change(call, &arguments) {
            if self.seen == self.number {
                self.step = Some(Step { call: name });
                if let Some(act) = self.act.take() {
                    act();
                    return self.go_on(thread, 0);
                }
                // SAFETY: a thread's id names its process here; it is stopped and so still is what it was.
                unsafe { libc::kill(thread, libc::SIGKILL) };
                return;
            }
            self.seen += 1;
        }
        self.go_on(thread, 0);
    }

    fn go_on(&self, thread: i32, signal: i32) {
        let request = if self.step.is_some() {
            libc::PTRACE_DETACH
        } else {
            libc::PTRACE_SYSCALL
        };
        // One that was killed meanwhile cannot be told anything.
        ptrace(request, thread, 0, signal as usize);
    }
}

fn ptrace(request: libc::c_uint, thread: i32, address: usize, data: usize) -> libc::c_long {
    // SAFETY: the requests used here touch no memory of ours but what their callers hand over.
    unsafe { libc::ptrace(request as _, thread, address as *mut c_void, data as *mut c_void) }
}

/// `struct ptrace_syscall_info` of the kernel, as far as it is needed.
#[repr(C)]
#[derive(Default)]
struct CallInfo {
    operation: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    call: u64,
    arguments: [u64; 6],
    rest: [u64; 4],
}

/// The system call that a thread is about to make.
fn entered(thread: i32) -> Option<(i64, [u64; 6])> {
    const GET_SYSCALL_INFO: libc::c_uint = 0x420e;
    const ENTRY: u8 = 1;
    let mut info = CallInfo::default();
    let length = ptrace(
        GET_SYSCALL_INFO,
        thread,
        size_of::<CallInfo>(),
        (&raw mut info) as usize,
    );
    (length > 0 && info.operation == ENTRY).then_some((info.call as i64, info.arguments))
}

/// Whether the path at `address` is the one by which our program executes itself.
fn is_ourselves(thread: i32, address: u64) -> bool {
    const SELF: &[u8] = b"/proc/self/exe\0";
    let mut bytes = [0; 16];
    let local = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: SELF.len(),
    };
    let remote = libc::iovec {
        iov_base: address as *mut c_void,
        iov_len: SELF.len(),
    };
    // SAFETY: it writes to `bytes`, which is longer.
    let read = unsafe { libc::process_vm_readv(thread, &local, 1, &remote, 1, 0) };
    read == SELF.len() as isize && bytes.starts_with(SELF)
}

/// The name of a system call that changes something outside the process.
fn change(call: i64, arguments: &[u64; 6]) -> Option<&'static str> {
    let creates = |flags: u64| flags & libc::O_CREAT as u64 != 0;
    Some(match call {
        libc::SYS_openat if creates(arguments[2]) => "openat",
        libc::SYS_openat2 => return None,
        libc::SYS_mkdirat => "mkdirat",
        libc::SYS_mknodat => "mknodat",
        libc::SYS_symlinkat => "symlinkat",
        libc::SYS_linkat => "linkat",
        libc::SYS_unlinkat => "unlinkat",
        libc::SYS_renameat => "renameat",
        libc::SYS_renameat2 => "renameat2",
        libc::SYS_fchmodat => "fchmodat",
        libc::SYS_fsync => "fsync",
        libc::SYS_syncfs => "syncfs",
        libc::SYS_flock => "flock",
        libc::SYS_clone => "clone",
        libc::SYS_clone3 => "clone3",
        libc::SYS_execve => "execve",
        libc::SYS_unshare => "unshare",
        libc::SYS_setns => "setns",
        libc::SYS_mount => "mount",
        libc::SYS_fsmount => "fsmount",
        libc::SYS_move_mount => "move_mount",
        libc::SYS_open_tree => "open_tree",
        libc::SYS_umount2 => "umount2",
        libc::SYS_pivot_root => "pivot_root",
        libc::SYS_bind => "bind",
        libc::SYS_sendto => "sendto",
        libc::SYS_sendmsg => "sendmsg",
        libc::SYS_exit_group => "exit_group",
        other => return old_change(other),
    })
}

/// The calls that only older architectures have.
#[cfg(target_arch = "x86_64")]
fn old_change(call: i64) -> Option<&'static str> {
    Some(match call {
        libc::SYS_mkdir => "mkdir",
        libc::SYS_rmdir => "rmdir",
        libc::SYS_symlink => "symlink",
        libc::SYS_link => "link",
        libc::SYS_unlink => "unlink",
        libc::SYS_rename => "rename",
        libc::SYS_fork => "fork",
        libc::SYS_vfork => "vfork",
        _ => return None,
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn old_change(_: i64) -> Option<&'static str> {
    None
}

/// Ends a traced program that hangs, so that its test fails rather than waits.
struct Limit {
    _end: mpsc::Sender<()>,
}

impl Limit {
    fn of(child: &Child, limit: Duration) -> Self {
        let group = -(child.id() as i32);
        let (sender, receiver) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                // SAFETY: no memory is involved; the group is the child's own.
                unsafe { libc::kill(group, libc::SIGKILL) };
            }
        });
        Self { _end: sender }
    }
}
