//! The default seccomp filter in the kernel: loaded into a thread, which then makes calls.

use std::io::Error;
use std::thread;

use coracle::runtime::capabilities::CapabilitySet;
use coracle::runtime::seccomp::{Filter, default_filter, from_profile};
use coracle::sys::seccomp::load;

/// Runs `calls` on a thread of its own under `filter`: both `no_new_privs` and filters belong to threads.
fn under(filter: &Filter, calls: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::set_no_new_privs(true).unwrap();
            assert!(load(&filter.program, filter.flags).unwrap().is_none());
            calls();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// The errno of a call, 0 if it succeeded.
fn errno(number: i64, arguments: [u64; 3]) -> i32 {
    // SAFETY: the calls of these tests either fail in the filter or take no pointer.
    let result = unsafe { libc::syscall(number, arguments[0], arguments[1], arguments[2]) };
    if result == -1 {
        Error::last_os_error().raw_os_error().unwrap()
    } else {
        0
    }
}

#[test]
fn the_default_filter_answers_in_the_kernel() {
    under(&default_filter(CapabilitySet::DEFAULT), || {
        let newuser = libc::CLONE_NEWUSER as u64;
        let table: &[(&str, i64, [u64; 3], i32)] = &[
            ("getppid", libc::SYS_getppid, [0; 3], 0),
            ("unshare", libc::SYS_unshare, [newuser, 0, 0], libc::EPERM),
            (
                "clone",
                libc::SYS_clone,
                [newuser | libc::SIGCHLD as u64, 0, 0],
                libc::EPERM,
            ),
            ("clone3", libc::SYS_clone3, [0; 3], libc::ENOSYS),
            ("keyctl", libc::SYS_keyctl, [0; 3], libc::EPERM),
            ("bpf", libc::SYS_bpf, [0; 3], libc::EPERM),
            ("io_uring_setup", libc::SYS_io_uring_setup, [0; 3], libc::ENOSYS),
            ("newer than all", 999, [0; 3], libc::ENOSYS),
            ("minus one", -1, [0; 3], libc::ENOSYS),
            ("vsock", libc::SYS_socket, [40, 1, 0], libc::EPERM),
            (
                "vsock with high bits",
                libc::SYS_socket,
                [40 | 1 << 32, 1, 0],
                libc::EPERM,
            ),
            ("audit", libc::SYS_socket, [16, 3, 9], libc::EINVAL),
            ("typing", libc::SYS_ioctl, [u64::MAX, 0x5412, 0], libc::EPERM),
            (
                "typing with high bits",
                libc::SYS_ioctl,
                [u64::MAX, 0x5412 | 1 << 33, 0],
                libc::EPERM,
            ),
            (
                "another request",
                libc::SYS_ioctl,
                [u64::MAX, 0x5401, 0],
                libc::EBADF,
            ),
            ("personality", libc::SYS_personality, [0xffff_ffff, 0, 0], 0),
            (
                "no randomisation",
                libc::SYS_personality,
                [0x004_0000, 0, 0],
                libc::ENOSYS,
            ),
        ];
        for (name, number, arguments, expected) in table {
            assert_eq!(errno(*number, *arguments), *expected, "{name}");
        }
        #[cfg(target_arch = "x86_64")]
        assert_eq!(
            errno(0x4000_0000 | libc::SYS_getppid, [0; 3]),
            libc::ENOSYS,
            "x32"
        );
        // A thread of our own has to come about without clone3.
        assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn a_filter_for_other_capabilities_loads() {
    under(&default_filter(CapabilitySet::ALL), || {
        assert_eq!(errno(libc::SYS_keyctl, [0; 3]), libc::EPERM);
        assert_eq!(errno(libc::SYS_getppid, [0; 3]), 0);
    });
}

#[test]
fn a_profile_loads() {
    let json = br#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errno": "EDOM"},
        {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 61,
         "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_GE"}]}]}"#;
    under(&from_profile(json, CapabilitySet::DEFAULT).unwrap(), || {
        assert_eq!(errno(libc::SYS_getppid, [0; 3]), libc::EDOM);
        assert_eq!(errno(libc::SYS_getpriority, [5, 0, 0]), 61);
        assert_eq!(errno(libc::SYS_getpriority, [0, 0, 0]), 0);
    });
}

#[test]
fn a_notifying_filter_gives_a_listener() {
    let seccomp: oci_spec::runtime::LinuxSeccomp = serde_json::from_str(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent.sock", "syscalls": [
            {"names": ["swapon"], "action": "SCMP_ACT_NOTIFY"}]}"#,
    )
    .unwrap();
    let filter = coracle::runtime::seccomp::from_oci(&seccomp).unwrap();
    thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        let listener = load(&filter.program, filter.flags)
            .unwrap()
            .expect("the flag asks for a listener");
        drop(listener);
        // Without anybody to ask, the kernel says the call does not exist.
        assert_eq!(errno(libc::SYS_swapon, [0; 3]), libc::ENOSYS);
    })
    .join()
    .unwrap();
}
