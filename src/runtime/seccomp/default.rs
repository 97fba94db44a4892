//! The default policy: which calls a container may make when nothing is said.
//!
//! In effect it is the default profile of the containers project (Podman, Buildah, CRI-O) as of March 2026, with what
//! follows. A call that is refused by name gets `EPERM`; one that nobody named, `ENOSYS`, as if the kernel lacked it.
//!
//! Stricter here, because these were the ways out of containers or into the terminal of the caller:
//! - Without `CAP_SYS_ADMIN` no new user namespace: `unshare` and `clone` with `CLONE_NEWUSER` get `EPERM`, and
//!   `clone3`, whose flags a filter cannot see, `ENOSYS`, upon which C libraries use `clone`.
//! - Without `CAP_SYS_ADMIN` no `fsopen`, `fsconfig`, `fsmount`, `fspick` (CVE-2022-0185).
//! - No `keyctl`: keyrings are not namespaced by default.
//! - No `AF_ALG` sockets (CVE-2026-31431).
//! - Families and protocols of `socket` are compared in the 32 bits that the kernel reads.
//! - `ioctl` refuses `TIOCSTI` and `TIOCLINUX`, which type into a terminal, whatever the upper 32 bits
//!   of the request hold (CVE-2017-5226, CVE-2019-10063, CVE-2023-28100).
//! - x32 calls get `ENOSYS`; calls by an architecture that is not the machine's kill the process.
//!
//! One hole is left, as in the profiles of others: 32-bit x86 programs reach every socket family by `socketcall`,
//! whose arguments lie behind a pointer, and without which their C library opens no socket at all.

use caps::Capability;

use super::abi::Abi;
use super::policy::{Action, Condition, ENOSYS, EPERM, Policy, Rule, Test};
use crate::runtime::capabilities::CapabilitySet;

/// Allowed without conditions.
#[rustfmt::skip]
const ALLOWED: &[&[&str]] = &[
    // Files by path.
    &["access", "faccessat", "faccessat2", "chdir", "chmod", "fchmodat", "fchmodat2", "chown", "chown32", "lchown",
      "lchown32", "fchownat", "creat", "open", "openat", "openat2", "link", "linkat", "symlink", "symlinkat",
      "readlink", "readlinkat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir",
      "mknod", "mknodat", "truncate", "truncate64", "utime", "utimes", "futimesat", "utimensat", "utimensat_time64",
      "stat", "stat64", "lstat", "lstat64", "fstatat64", "newfstatat", "statx", "statfs", "statfs64", "getcwd",
      "umask", "name_to_handle_at"],
    &["getxattr", "lgetxattr", "setxattr", "lsetxattr", "listxattr", "llistxattr", "removexattr", "lremovexattr",
      "fgetxattr", "fsetxattr", "flistxattr", "fremovexattr"],
    &["inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "fanotify_init", "fanotify_mark"],
    // Files by descriptor.
    &["read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek",
      "_llseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock", "fsync", "fdatasync",
      "sync", "syncfs", "sync_file_range", "sync_file_range2", "arm_sync_file_range", "fallocate", "fadvise64",
      "fadvise64_64", "arm_fadvise64_64", "readahead", "ftruncate", "ftruncate64", "fstat", "fstat64", "fstatfs",
      "fstatfs64", "fchdir", "fchmod", "fchown", "fchown32", "getdents", "getdents64", "copy_file_range", "sendfile",
      "sendfile64", "splice", "tee", "pipe", "pipe2", "memfd_create", "memfd_secret"],
    // Waiting for descriptors.
    &["poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create",
      "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_wait_old", "epoll_pwait", "epoll_pwait2",
      "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_settime64",
      "timerfd_gettime", "timerfd_gettime64", "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents"],
    // Mounts, where a capability inside the container's own namespaces decides.
    &["mount", "umount", "umount2", "pivot_root", "open_tree", "move_mount", "mount_setattr"],
    // Memory.
    &["brk", "mmap", "mmap2", "munmap", "mremap", "remap_file_pages", "mprotect", "pkey_alloc", "pkey_free",
      "pkey_mprotect", "madvise", "mincore", "msync", "mlock", "mlock2", "mlockall", "munlock", "munlockall",
      "membarrier", "mbind", "get_mempolicy", "set_mempolicy", "process_mrelease"],
    // Processes and threads.
    &["fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "waitpid", "getpid",
      "getppid", "gettid", "getpgid", "getpgrp", "setpgid", "getsid", "setsid", "set_tid_address", "set_robust_list",
      "get_robust_list", "rseq", "futex", "futex_time64", "futex_wait", "futex_wake", "futex_waitv", "futex_requeue",
      "prctl", "arch_prctl", "modify_ldt", "set_thread_area", "get_thread_area", "set_tls", "cacheflush", "breakpoint",
      "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
      "getpriority", "setpriority", "ioprio_get", "ioprio_set", "getrlimit", "ugetrlimit", "setrlimit", "prlimit64",
      "getrusage", "times", "getcpu", "setns", "seccomp", "landlock_create_ruleset", "landlock_add_rule",
      "landlock_restrict_self"],
    &["sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getattr", "sched_setattr", "sched_getparam",
      "sched_setparam", "sched_getscheduler", "sched_setscheduler", "sched_get_priority_max",
      "sched_get_priority_min", "sched_rr_get_interval", "sched_rr_get_interval_time64"],
    // Users and capabilities.
    &["getuid", "getuid32", "geteuid", "geteuid32", "getresuid", "getresuid32", "setuid", "setuid32", "setreuid",
      "setreuid32", "setresuid", "setresuid32", "setfsuid", "setfsuid32", "getgid", "getgid32", "getegid",
      "getegid32", "getresgid", "getresgid32", "setgid", "setgid32", "setregid", "setregid32", "setresgid",
      "setresgid32", "setfsgid", "setfsgid32", "getgroups", "getgroups32", "setgroups", "setgroups32", "capget",
      "capset"],
    // Signals and time.
    &["kill", "tkill", "tgkill", "pause", "alarm", "signal", "sigaltstack", "sigprocmask", "sigreturn",
      "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigreturn",
      "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "restart_syscall"],
    &["time", "gettimeofday", "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
      "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "clock_adjtime", "clock_adjtime64", "adjtimex",
      "getitimer", "setitimer", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
      "timer_gettime64", "timer_settime", "timer_settime64"],
    // Sockets, but for making them, and System V and POSIX communication.
    &["socketcall", "socketpair", "bind", "listen", "connect", "accept", "accept4", "shutdown", "getsockname",
      "getpeername", "getsockopt", "setsockopt", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom",
      "recvmsg", "recvmmsg", "recvmmsg_time64"],
    &["ipc", "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semctl", "semtimedop", "semtimedop_time64",
      "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_notify", "mq_getsetattr", "mq_timedsend",
      "mq_timedsend_time64", "mq_timedreceive", "mq_timedreceive_time64"],
    // The machine. Rebooting ends a pid namespace; the log is the kernel's to guard.
    &["uname", "sysinfo", "syslog", "getrandom", "reboot"],
];

/// Refused whatever the capabilities.
#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "bdflush", "cachestat", "io_pgetevents", "io_pgetevents_time64", "kexec_file_load", "kexec_load",
    "map_shadow_stack", "migrate_pages", "move_pages", "nfsservctl", "nice", "oldfstat", "oldlstat", "oldolduname",
    "oldstat", "olduname", "pciconfig_iobase", "pciconfig_read", "pciconfig_write", "sgetmask", "ssetmask", "swapoff",
    "swapon", "sysfs", "uselib", "userfaultfd", "ustat", "vm86", "vm86old", "vmsplice",
    // Ours.
    "keyctl",
];

/// Allowed with any of the capabilities, else refused.
const BY_CAPABILITY: &[(&[Capability], &[&str])] = &[
    (&[Capability::CAP_DAC_READ_SEARCH], &["open_by_handle_at"]),
    (
        &[Capability::CAP_SYS_ADMIN],
        &[
            "lookup_dcookie",
            "quotactl",
            "quotactl_fd",
            "setdomainname",
            "sethostname",
        ],
    ),
    (&[Capability::CAP_SYS_ADMIN, Capability::CAP_BPF], &["bpf"]),
    (
        &[Capability::CAP_SYS_ADMIN, Capability::CAP_PERFMON],
        &["perf_event_open"],
    ),
    (&[Capability::CAP_SYS_CHROOT], &["chroot"]),
    (
        &[Capability::CAP_SYS_MODULE],
        &["delete_module", "finit_module", "init_module", "query_module"],
    ),
    (&[Capability::CAP_SYS_PACCT], &["acct"]),
    (&[Capability::CAP_SYS_PTRACE], &["kcmp", "process_madvise"]),
    (&[Capability::CAP_SYS_RAWIO], &["ioperm", "iopl"]),
    (
        &[Capability::CAP_SYS_TIME],
        &["clock_settime", "clock_settime64", "settimeofday", "stime"],
    ),
    (&[Capability::CAP_SYS_TTY_CONFIG], &["vhangup"]),
    // Ours.
    (
        &[Capability::CAP_SYS_ADMIN],
        &["fsopen", "fsconfig", "fsmount", "fspick"],
    ),
];

/// The personalities a program may choose: those of Linux, 32-bit or not, with the version of 2.6 or not, and the
/// question for the current one. None of them weakens address randomisation.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

const AF_NETLINK: u32 = 16;
const AF_ALG: u32 = 38;
const AF_VSOCK: u32 = 40;
const NETLINK_AUDIT: u32 = 9;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const CLONE_NEWUSER: u64 = 0x1000_0000;
const EINVAL: Action = Action::Errno(22);

/// The capabilities the policy asks for: sets that agree in these have the same filter.
pub fn class(capabilities: CapabilitySet) -> CapabilitySet {
    let conditional = CapabilitySet::of(&[Capability::CAP_AUDIT_WRITE, Capability::CAP_SYS_ADMIN]);
    let asked = BY_CAPABILITY.iter().map(|(any, _)| CapabilitySet::of(any));
    capabilities.intersection(asked.fold(conditional, CapabilitySet::union))
}

/// The default policy on a machine whose own interface is `native`.
pub fn policy(capabilities: CapabilitySet, native: Abi) -> Policy<'static> {
    let mut rules = vec![
        rule(&ALLOWED.concat(), &[], Action::Allow),
        rule(REFUSED, &[], EPERM),
    ];
    for (any, names) in BY_CAPABILITY {
        let held = any.iter().any(|one| capabilities.contains(*one));
        rules.push(rule(names, &[], if held { Action::Allow } else { EPERM }));
    }
    for value in PERSONALITIES {
        rules.push(rule(&["personality"], &[(0, Test::Equal(value))], Action::Allow));
    }
    sockets(capabilities, &mut rules);
    terminals(&mut rules);
    user_namespaces(capabilities, &mut rules);
    let abis = [native].into_iter().chain(native.compatible()).collect();
    Policy {
        default: ENOSYS,
        rules,
        abis,
    }
}

/// All but two families, and the audit protocol only for who may write to it. Its `EINVAL` is what a kernel without
/// auditing says, which PAM takes for an answer.
fn sockets(capabilities: CapabilitySet, rules: &mut Vec<Rule<'static>>) {
    let names = &["socket"];
    for family in [AF_ALG, AF_VSOCK] {
        rules.push(rule(names, &[(0, Test::int(family))], EPERM));
    }
    if !capabilities.contains(Capability::CAP_AUDIT_WRITE) {
        let audit = [(0, Test::int(AF_NETLINK)), (2, Test::int(NETLINK_AUDIT))];
        rules.push(rule(names, &audit, EINVAL));
    }
    rules.push(rule(names, &[(0, ANYTHING)], Action::Allow));
}

fn terminals(rules: &mut Vec<Rule<'static>>) {
    for request in [TIOCSTI, TIOCLINUX] {
        rules.push(rule(&["ioctl"], &[(1, Test::int(request))], EPERM));
    }
    rules.push(rule(&["ioctl"], &[(1, ANYTHING)], Action::Allow));
}

fn user_namespaces(capabilities: CapabilitySet, rules: &mut Vec<Rule<'static>>) {
    if capabilities.contains(Capability::CAP_SYS_ADMIN) {
        rules.push(rule(&["clone", "clone3", "unshare"], &[], Action::Allow));
        return;
    }
    // The flags are the first argument on all our architectures; clone3 is left to the default.
    let user = Test::Masked {
        mask: CLONE_NEWUSER,
        value: CLONE_NEWUSER,
    };
    rules.push(rule(&["clone", "unshare"], &[(0, user)], EPERM));
    rules.push(rule(&["clone", "unshare"], &[(0, ANYTHING)], Action::Allow));
}

/// Holds always. A condition nevertheless, because a rule without one would beat the refusals beside it.
const ANYTHING: Test = Test::Masked { mask: 0, value: 0 };

fn rule(names: &[&'static str], conditions: &[(u8, Test)], action: Action) -> Rule<'static> {
    let conditions = conditions.iter().map(|(argument, test)| Condition {
        argument: *argument,
        test: *test,
    });
    Rule {
        names: names.to_vec(),
        conditions: conditions.collect(),
        action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::seccomp::abi::{Numbers, multiplexed};

    #[test]
    fn every_name_is_a_call_of_some_architecture_and_stands_once() {
        let tables = [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm].map(Numbers::of);
        let mut seen = std::collections::HashSet::new();
        let grouped = BY_CAPABILITY.iter().flat_map(|(_, names)| names.iter());
        for name in ALLOWED.concat().iter().chain(REFUSED).chain(grouped) {
            assert!(
                tables.iter().any(|table| table.get(name).is_some()) || multiplexed(Abi::X86, name).is_some(),
                "{name} is no call"
            );
            assert!(seen.insert(*name), "{name} stands twice");
        }
    }

    #[test]
    fn the_default_capabilities_and_those_that_no_rule_asks_for_share_a_filter() {
        let default = CapabilitySet::DEFAULT;
        let mut more = default;
        more.insert(Capability::CAP_NET_ADMIN);
        assert_eq!(class(more), class(default));
        more.insert(Capability::CAP_AUDIT_WRITE);
        assert_ne!(class(more), class(default));
        assert_ne!(class(CapabilitySet::EMPTY), class(default));
    }
}
