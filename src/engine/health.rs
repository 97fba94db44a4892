//! Health checks: the process that makes one, and what commands ask of the monitor, which decides when one is made and
//! keeps the results.

use std::ffi::CString;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::client::connect;
use super::exec::Request;
use super::protocol::{Packet, Received, Wishes};
use super::start::{MONITOR_SOCKET, execute_anew};
use super::state::{Condition, look};
use super::{Engine, EngineError, Result, errno};
use crate::store::health::{Health, MOST_OUTPUT, OnFailure, Report, Startup};
use crate::store::recording::Recording;
use crate::store::{self, Store};
use crate::sys::process;

/// The word that makes our binary the process of one check, and the one for the check at the start.
pub const CHECK_STAGE: &str = "check";
pub const STARTUP_WORD: &str = "startup";
/// The exit code of a check that was killed when its time was over, or could not be run.
pub const NOT_RUN: i32 = -1;

/// A check that is being made by another process of ours.
pub struct Check {
    pub pidfd: OwnedFd,
    /// Gives the exit code in four bytes, then the output, and ends.
    pub result: OwnedFd,
}

impl Check {
    /// Executes ourselves anew for a check of the container `id`: our descriptors and locks are not for it, and it makes
    /// its child in the container's pid namespace, which changes a process for good. It dies with us.
    pub fn start(store: &Store, id: &str, is_startup: bool) -> rustix::io::Result<Self> {
        let c = |bytes: &[u8]| CString::new(bytes).expect("paths, ids and words hold no NUL byte");
        let root = c(store.path().as_os_str().as_bytes());
        let mut arguments = vec![c(b"coracle"), c(CHECK_STAGE.as_bytes()), root, c(id.as_bytes())];
        if is_startup {
            arguments.push(c(STARTUP_WORD.as_bytes()));
        }
        if let Some(word) = store.recording.word() {
            arguments.push(c(word.as_bytes()));
        }
        let mut arguments = process::Strings::new(arguments);
        let mut environment = process::Strings::new(Vec::new());
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let pid = process::fork(|| {
            let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            execute_anew(theirs.as_fd(), &[], &mut arguments, &mut environment)
        })?;
        // It is ours to reap, so that the number is still its own.
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).inspect_err(|_| give_up(pid))?;
        Ok(Self { pidfd, result: ours })
    }

    /// Ends it, if it has not ended.
    pub fn end(self) {
        process::kill_and_reap(self.pidfd.as_fd());
    }
}

fn give_up(pid: Pid) {
    let _ = rustix::process::kill_process(pid, Signal::KILL);
    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
}

/// Runs as the process of one check. Returns its exit status, which says nothing.
pub fn run(root: &Path, id: &str, is_startup: bool, recording: Recording) -> i32 {
    let Ok(result) = process::inherited(MONITOR_SOCKET) else {
        return 125;
    };
    let (code, output) = match check(root, id, is_startup, recording) {
        Ok(result) => result,
        Err(error) => (NOT_RUN, error.to_string().into_bytes()),
    };
    let mut file = std::fs::File::from(result);
    let _ = file
        .write_all(&code.to_le_bytes())
        .and_then(|()| file.write_all(&output));
    0
}

fn check(root: &Path, id: &str, is_startup: bool, recording: Recording) -> Result<(i32, Vec<u8>)> {
    let mut engine = Engine::inherit(root)?;
    engine.store.recording = recording;
    let container = engine.store.container(id)?;
    let health = container.config.health.as_deref().ok_or_else(|| unchecked(id))?;
    let (test, timeout) = kind(health, is_startup);
    let words = health.words(test).ok_or_else(|| unchecked(id))?;
    let request = Request {
        arguments: words.into_iter().map(Into::into).collect(),
        ends_with_caller: true,
        ..Request::default()
    };
    let most = match health.log_size {
        0 => MOST_OUTPUT,
        size => size.min(MOST_OUTPUT),
    };
    let limit = Duration::from_nanos(timeout);
    let (code, mut output) = engine.exec(id, &request)?.collect(limit, most)?;
    if code.is_none() {
        let mut said = format!("the check took longer than {limit:?} and was killed").into_bytes();
        if !output.is_empty() {
            said.extend_from_slice(b": ");
            said.append(&mut output);
        }
        output = said;
    }
    Ok((code.unwrap_or(NOT_RUN), output))
}

/// What is run, and how long it may take.
pub(super) fn kind(health: &Health, is_startup: bool) -> (&[String], u64) {
    match &health.startup {
        Some(Startup { test, timeout, .. }) if is_startup => (test, *timeout),
        _ => (&health.test, health.timeout),
    }
}

fn unchecked(id: &str) -> EngineError {
    EngineError::Refused(format!("container {id} has no health check"))
}

impl Engine {
    /// Makes a check now. Returns whether it succeeded, and how the container is by it, when what follows from it is done.
    pub fn check_health(&self, id: &str) -> Result<(bool, String)> {
        let found = look(&self.store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        let action = found.container.config.health.map(|health| health.on_failure);
        let was_unhealthy = |report: Report| report.condition == store::health::Condition::Unhealthy;
        // What was unhealthy before is treated already.
        let acts = action.unwrap_or_default() != OnFailure::None && !found.health.is_some_and(was_unhealthy);
        let mut passed = None;
        self.follow_health(id, Packet::Check, |packet| match packet {
            Packet::Checked(code) => {
                passed = Some(*code == 0);
                None
            }
            Packet::Health(word) if acts && word == "unhealthy" => None,
            Packet::Health(word) => passed.map(|passed| (passed, word.clone())),
            Packet::Exit(_) => match passed {
                Some(passed) => Some((passed, "unhealthy".to_owned())),
                None => Some((false, "stopped".to_owned())),
            },
            _ => None,
        })
    }

    /// Waits until a running container is, by its checks, as one of these words says, and returns the word.
    pub fn await_health(&self, id: &str, words: &[&str]) -> Result<String> {
        self.follow_health(id, Packet::Watch, |packet| match packet {
            Packet::Health(word) if words.contains(&word.as_str()) => Some(word.clone()),
            _ => None,
        })
    }

    /// Asks the monitor, and listens until an answer is what was wanted.
    fn follow_health<T>(
        &self,
        id: &str,
        question: Packet,
        mut wanted: impl FnMut(&Packet) -> Option<T>,
    ) -> Result<T> {
        let not_running = || EngineError::NotRunning(id.to_owned());
        let found = look(&self.store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        if found.container.config.health.is_none() {
            return Err(unchecked(id));
        }
        match found.condition {
            Condition::Running => {}
            Condition::Paused => {
                let (id, act) = (id.to_owned(), "healthcheck");
                return Err(EngineError::Paused { id, act });
            }
            Condition::Restarting => return Err(EngineError::Restarting(id.to_owned())),
            _ => return Err(not_running()),
        }
        let failed = || format!("cannot talk to the monitor of container {id}");
        let connection = connect(&self.store, id, Wishes::default())?.ok_or_else(not_running)?;
        if !connection.send(&question).map_err(errno(failed()))? {
            return Err(not_running());
        }
        loop {
            match connection.receive(true).map_err(errno(failed()))? {
                Received::Packet(packet) => match wanted(&packet) {
                    Some(answer) => return Ok(answer),
                    None if matches!(packet, Packet::Exit(_)) => return Err(not_running()),
                    None => {}
                },
                Received::End => {
                    let found = look(&self.store, id)?.filter(|found| found.condition.runs());
                    let is_unchecked = found.is_some_and(|found| found.container.config.health.is_none());
                    return Err(if is_unchecked {
                        unchecked(id)
                    } else {
                        not_running()
                    });
                }
                Received::Nothing => {}
            }
        }
    }
}
