//! A caller that stays connected to a container: `run`, `start -a`, `attach` and `exec`.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::report::{self, Outcome};
use super::terminal::{self, DETACH_KEYS, DetachKeys, RawMode};
use crate::base::timing;
use crate::engine::protocol::Wishes;
use crate::engine::relay::{self, Caller, FIRST_OUTPUT, Reaction, Typed};
use crate::sys::signal::{Signals, die_of};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGQUIT: i32 = 3;
const SIGKILL: i32 = 9;
const SIGUSR1: i32 = 10;
const SIGUSR2: i32 = 12;
const SIGPIPE: i32 = 13;
const SIGALRM: i32 = 14;
const SIGTERM: i32 = 15;
const SIGTSTP: i32 = 20;
const SIGWINCH: i32 = 28;
/// Signals that are passed on to the container: those that somebody sends on purpose. Job control stays ours, so that a
/// command can be stopped and continued.
const PASSED: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM];
/// The exit code of a container that was killed together with its monitor.
const KILLED: u8 = 137;

/// Which streams are connected, and how.
#[derive(Clone, Copy, Debug)]
pub struct Streams<'a> {
    pub input: bool,
    pub output: bool,
    pub error: bool,
    /// The container has a terminal.
    pub terminal: bool,
    pub detach_keys: Option<&'a str>,
    pub pass_signals: bool,
}

impl Streams<'_> {
    /// What to ask the monitor for.
    pub fn wishes(&self, primary: bool) -> Wishes {
        Wishes {
            end: false,
            times: false,
            output: self.output || self.error,
            input: self.input,
            primary,
            window: if self.terminal { terminal_size() } else { None },
        }
    }
}

/// The size of the caller's terminal, if it has one.
pub fn terminal_size() -> Option<(u16, u16)> {
    terminal::size(io::stdout().as_fd()).or_else(|| terminal::size(io::stdin().as_fd()))
}

/// Everything that must be ready before a container starts, so that nothing of it can fail afterwards and no signal
/// is lost in between.
pub struct Foreground<'a> {
    streams: Streams<'a>,
    signals: Signals,
    keys: DetachKeys,
}

impl<'a> Foreground<'a> {
    pub fn prepare(streams: Streams<'a>) -> Result<Self> {
        let keys = DetachKeys::parse(streams.detach_keys.unwrap_or(DETACH_KEYS))?;
        if streams.terminal && streams.input && !io::stdin().is_terminal() {
            // As Podman. Docker refuses, so that whoever relies on that has no script to break.
            report::warn(
                "The input device is not a TTY. The --tty and --interactive flags might not work properly",
            );
        }
        let mut numbers = if streams.pass_signals {
            PASSED.to_vec()
        } else {
            Vec::new()
        };
        if streams.terminal {
            numbers.push(SIGWINCH);
            // Even if they are not passed on they must not end us before the terminal is given back.
            numbers.extend([SIGHUP, SIGTERM, SIGTSTP]);
        }
        Ok(Self {
            streams,
            signals: Signals::of(&numbers)?,
            keys,
        })
    }

    /// Stays connected until `session` ends, and gives its exit code. `is_deaf`: whether a signal would go unnoticed.
    pub fn stay(
        self,
        is_deaf: &dyn Fn(i32) -> bool,
        session: impl FnOnce(&mut Caller<'_>) -> crate::engine::Result<relay::Outcome>,
    ) -> Outcome {
        let Self {
            streams,
            signals,
            mut keys,
        } = self;
        let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
        let raw = if streams.terminal && streams.input {
            RawMode::enter(&input)?
        } else {
            None
        };
        let watches_keys = raw.is_some();
        let mut typed = |bytes: &[u8]| {
            if !watches_keys {
                return Typed::Input(bytes.into());
            }
            match keys.take(bytes) {
                terminal::Typed::Input(bytes) => Typed::Input(bytes),
                terminal::Typed::Detach(bytes) => Typed::Detach(bytes),
            }
        };
        let size = || if streams.terminal { terminal_size() } else { None };
        let mut interrupts = Interrupts::default();
        let leaves = raw.is_some() || streams.terminal && !streams.pass_signals;
        let mut react = |signal: i32| match signal {
            // What is typed reaches a container's terminal as bytes. A signal to us means us, and the terminal must be
            // given back.
            SIGHUP | SIGTERM if leaves => Reaction::Leave,
            SIGTSTP => {
                stop_ourselves(raw.as_ref());
                Reaction::Done
            }
            SIGINT if interrupts.is_second(Instant::now()) && is_deaf(SIGINT) => {
                report::say(
                    "killed: the first process of the container has no handler for SIGINT and does not notice it \
                     (--init gives it one)",
                );
                Reaction::Pass(SIGKILL)
            }
            _ => Reaction::Pass(signal),
        };
        timing::phase(FIRST_OUTPUT);
        let outcome = session(&mut Caller {
            input: streams.input.then(|| input.as_fd()),
            output: streams.output.then(|| output.as_fd()),
            error: streams.error.then(|| error.as_fd()),
            signals: Some(&signals),
            react: &mut react,
            size: &size,
            typed: &mut typed,
        });
        drop(raw);
        conclude(outcome?)
    }
}

/// Does what SIGTSTP asks, with the terminal given back until we are continued.
fn stop_ourselves(raw: Option<&RawMode>) {
    if let Some(raw) = raw {
        let _ = raw.suspend();
    }
    // SIGSTOP cannot be blocked, so that this returns when somebody has continued us.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    if let Some(raw) = raw {
        let _ = raw.resume();
    }
}

/// Counts interrupts that come soon after one another.
#[derive(Default)]
struct Interrupts {
    last: Option<Instant>,
}

impl Interrupts {
    /// Takes an interrupt; whether another came at most two seconds before.
    fn is_second(&mut self, now: Instant) -> bool {
        let before = self.last.replace(now);
        before.is_some_and(|before| now.duration_since(before) <= Duration::from_secs(2))
    }
}

/// Ends as a process that the signal has killed.
fn end_by(signal: i32) -> ! {
    super::timing::tell();
    die_of(signal)
}

/// What the caller ends with.
fn conclude(outcome: relay::Outcome) -> Outcome {
    match outcome {
        relay::Outcome::Exit(code) => Ok(report::container_code(code)),
        relay::Outcome::Detached => Ok(0),
        relay::Outcome::Signalled(signal) => end_by(signal),
        relay::Outcome::OutputClosed => end_by(SIGPIPE),
        relay::Outcome::Dropped => {
            bail!("output came faster than it was taken: disconnected, the container goes on")
        }
        relay::Outcome::Lost => {
            report::complain("the monitor of the container was killed, and the container with it");
            Ok(KILLED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupts_soon_after_one_another() {
        let start = Instant::now();
        let mut interrupts = Interrupts::default();
        for (milliseconds, second) in [
            (0, false),
            (5000, false),
            (6000, true),
            (7999, true),
            (10_000, false),
        ] {
            assert_eq!(
                interrupts.is_second(start + Duration::from_millis(milliseconds)),
                second,
                "{milliseconds}"
            );
        }
    }
}
