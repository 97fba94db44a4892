//! Hooks (runtime-spec, config.md, "POSIX-platform Hooks"): programs of the host, told the state on standard input.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use oci_spec::runtime::{Hook, Hooks};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open};
use rustix::thread::ThreadNameSpaceType;

use super::state::View;
use super::{Result, refuse};
use crate::runtime::spawn::describe;
use crate::sys::process::{self, Namespaces, Strings};
use crate::sys::signal;

/// What a failed hook may say.
const MAX_COMPLAINT: usize = 1_000;

/// Refuses what is no hook, before anything is made.
pub fn check(hooks: Option<&Hooks>) -> Result<()> {
    let Some(hooks) = hooks else { return Ok(()) };
    let all = [
        hooks.create_runtime(),
        hooks.create_container(),
        hooks.poststart(),
        hooks.poststop(),
    ];
    // Deprecated in the specification, but what many callers still use.
    #[allow(deprecated)]
    let all = all.into_iter().chain([hooks.prestart()]);
    for hook in all.flat_map(|list| list.iter().flatten()) {
        let shown = hook.path().display();
        if !hook.path().is_absolute() {
            return refuse(format!("config.json: hook {shown}: the path is not absolute"));
        }
        if hook.timeout().is_some_and(|timeout| timeout <= 0) {
            return refuse(format!(
                "config.json: hook {shown}: the timeout is not greater than 0"
            ));
        }
    }
    Ok(())
}

/// Runs hooks in their order until one fails. With a target they run in its namespaces.
pub fn run(
    hooks: Option<&Vec<Hook>>,
    state: &View,
    target: Option<(i32, Namespaces)>,
) -> std::result::Result<(), String> {
    let Some(hooks) = hooks.filter(|hooks| !hooks.is_empty()) else {
        return Ok(());
    };
    let state = serde_json::to_vec(state).map_err(|error| error.to_string())?;
    for hook in hooks {
        run_one(hook, &state, target).map_err(|why| format!("{}: {why}", hook.path().display()))?;
    }
    Ok(())
}

fn run_one(hook: &Hook, state: &[u8], target: Option<(i32, Namespaces)>) -> std::result::Result<(), String> {
    let words = |errno: Errno| describe(errno);
    let input = file_of(state).map_err(words)?;
    let complaint = file_of(b"").map_err(words)?;
    let limit = hook.timeout().map(|seconds| Duration::from_secs(seconds as u64));
    let child = start(hook, &input, &complaint, target)?;
    let status = wait(child, limit)?;
    if status.exit_status() == Some(0) {
        return Ok(());
    }
    let mut buffer = [0; MAX_COMPLAINT];
    let length = rustix::io::pread(&complaint, &mut buffer, 0).unwrap_or(0);
    let said = String::from_utf8_lossy(&buffer[..length]).trim().to_owned();
    Err(match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}: {said}"),
        (None, signal) => format!("ended by signal {}: {said}", signal.unwrap_or(0)),
    })
}

/// A file in memory, read from its beginning.
fn file_of(content: &[u8]) -> rustix::io::Result<OwnedFd> {
    let file = memfd_create(c"hook", MemfdFlags::CLOEXEC)?;
    let mut written = 0;
    while written < content.len() {
        written += rustix::io::pwrite(&file, &content[written..], written as u64)?;
    }
    Ok(file)
}

fn start(
    hook: &Hook,
    input: &OwnedFd,
    complaint: &OwnedFd,
    target: Option<(i32, Namespaces)>,
) -> std::result::Result<Pid, String> {
    let c = |text: &str| CString::new(text).map_err(|_| "a NUL byte in its arguments".to_owned());
    let path = CString::new(hook.path().as_os_str().as_bytes()).map_err(|_| "a NUL byte in its path")?;
    let mut arguments: Vec<CString> = hook
        .args()
        .iter()
        .flatten()
        .map(|text| c(text))
        .collect::<std::result::Result<_, _>>()?;
    if arguments.is_empty() {
        arguments.push(path.clone());
    }
    let environment = hook
        .env()
        .iter()
        .flatten()
        .map(|text| c(text))
        .collect::<std::result::Result<_, _>>()?;
    let (mut arguments, mut environment) = (Strings::new(arguments), Strings::new(environment));
    let target = target
        .map(|(pid, namespaces)| {
            let pid = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
            // A pid namespace would be for children only.
            let kinds = (namespaces - Namespaces::PID).bits() as u32;
            Ok((
                pidfd_open(pid, PidfdFlags::empty())?,
                ThreadNameSpaceType::from_bits_retain(kinds),
            ))
        })
        .transpose()
        .map_err(describe)?;
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
    let null = rustix::fs::open(c"/dev/null", flags, rustix::fs::Mode::empty()).map_err(describe)?;
    process::fork(|| {
        if let Some((pidfd, kinds)) = &target
            && rustix::thread::move_into_thread_name_spaces(pidfd.as_fd(), *kinds).is_err()
        {
            return 126;
        }
        let _ = process::place(input.as_fd(), 0);
        // Standard output is the payload's.
        let _ = process::place(null.as_fd(), 1);
        let _ = process::place(complaint.as_fd(), 2);
        let _ = process::close_on_exec_from(3);
        signal::reset_all();
        signal::unblock_all();
        process::execve(&path, &mut arguments, &mut environment);
        127
    })
    .map_err(describe)
}

/// Waits for the end; at its limit the hook is killed, which is a failure.
fn wait(child: Pid, limit: Option<Duration>) -> std::result::Result<rustix::process::WaitStatus, String> {
    let pidfd = pidfd_open(child, PidfdFlags::empty()).map_err(describe)?;
    if !process::ends_within(pidfd.as_fd(), limit).map_err(describe)? {
        process::kill_and_reap(pidfd.as_fd());
        return Err("it did not end within its timeout".into());
    }
    loop {
        match rustix::process::waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(describe(error)),
        }
    }
}
