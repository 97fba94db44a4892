//! The last step of a container's first process: finding the program and becoming it. Nothing here allocates.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::plan::{LISTEN_PID, Plan};
use super::rootfs;
use super::step::{Failure, Result, Step, at};
use crate::sys::process;

/// Fails when there is certainly no program to execute, so that `create` can say so and not only `start`.
pub fn find_program(candidates: &[CString]) -> Result<()> {
    let mut reason = Errno::NOENT;
    for candidate in candidates {
        match rustix::fs::access(candidate.as_c_str(), rustix::fs::Access::EXEC_OK) {
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(Errno::ACCESS) => reason = Errno::ACCESS,
            // There, or not to be told: a filter may refuse the question.
            _ => return Ok(()),
        }
    }
    Err(at(Step::Execute)(reason))
}

/// Executes the payload; what comes back is why it could not be.
pub fn execute(plan: &mut Plan) -> Failure {
    let process = &mut plan.process;
    if let Some(index) = process.listen_pid
        && let Err(error) = tell_pid(&mut process.environment, index)
    {
        return at(Step::Execute)(error);
    }
    let mut reason = Errno::NOENT;
    for candidate in &process.candidates {
        if let Some(own) = plan.own_binary
            && leads_to(candidate, own)
        {
            return at(Step::OwnBinary)(Errno::ACCESS);
        }
        match process::execve(candidate, &mut process.arguments, &mut process.environment) {
            Errno::NOENT | Errno::NOTDIR => {}
            // As shells do: another directory may have one that can be executed.
            Errno::ACCESS => reason = Errno::ACCESS,
            error => return at(Step::Execute)(error),
        }
    }
    at(Step::Execute)(reason)
}

/// Fills in the payload's own pid, which is another for the child of an init of ours, and in the host's pid namespace.
fn tell_pid(environment: &mut process::Strings, index: usize) -> rustix::io::Result<()> {
    let mut digits = [b'0'; 10];
    let mut rest = rustix::process::getpid().as_raw_pid().unsigned_abs();
    let mut start = digits.len();
    while rest > 0 && start > 0 {
        start -= 1;
        digits[start] += (rest % 10) as u8;
        rest /= 10;
    }
    environment.fill(index, LISTEN_PID.len(), &digits[start..])
}

/// Whether executing `path` would execute our own binary, directly or as the interpreter of a script: then a process of
/// the container could reach it for writing (CVE-2019-5736).
fn leads_to(path: &CStr, own: (u64, u64)) -> bool {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        // What can be executed but not read can still be compared.
        Err(Errno::ACCESS) => {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            return rustix::fs::open(path, flags, Mode::empty())
                .is_ok_and(|file| rootfs::is_same(file.as_fd(), own));
        }
        Err(_) => return false,
    };
    if rootfs::is_same(file.as_fd(), own) {
        return true;
    }
    // The kernel reads as much of a script's first line (BINPRM_BUF_SIZE).
    let mut buffer = [0; 256];
    let Ok(length) = rustix::io::pread(&file, &mut buffer[..255], 0) else {
        return false;
    };
    let Some(line) = buffer[..length].strip_prefix(b"#!") else {
        return false;
    };
    let skipped = 2 + line
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let end = buffer[skipped..]
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | 0));
    let end = skipped + end.unwrap_or(0);
    buffer[end] = 0;
    CStr::from_bytes_until_nul(&buffer[skipped..]).is_ok_and(|interpreter| {
        rustix::fs::open(interpreter, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .is_ok_and(|file| rootfs::is_same(file.as_fd(), own))
    })
}
