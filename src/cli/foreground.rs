//! A caller that stays connected to a container: `run`, `start -a`, `attach` and `exec`.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use anyhow::{Result, bail};

use super::report::{self, Outcome};
use super::terminal::{self, DETACH_KEYS, DetachKeys, RawMode};
use crate::engine::protocol::Wishes;
use crate::engine::relay::{self, Caller, Typed};
use crate::sys::signal::{Signals, die_of};

/// Signals that are passed on to the container: those that somebody sends on purpose. Job control stays ours, so that a
/// command can be stopped and continued.
const PASSED: [i32; 7] = [1, 2, 3, 10, 12, 14, 15];
const SIGPIPE: i32 = 13;
const SIGWINCH: i32 = 28;
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
            output: self.output || self.error,
            input: self.input,
            primary,
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
            bail!("standard input is not a terminal, which --tty with --interactive wants it to be");
        }
        let mut numbers = if streams.pass_signals {
            PASSED.to_vec()
        } else {
            Vec::new()
        };
        if streams.terminal {
            numbers.push(SIGWINCH);
        }
        Ok(Self {
            streams,
            signals: Signals::of(&numbers)?,
            keys,
        })
    }

    /// Stays connected until `session` ends, and gives its exit code.
    pub fn stay(
        self,
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
        let watches_keys = streams.terminal && raw.is_some();
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
        let outcome = session(&mut Caller {
            input: streams.input.then(|| input.as_fd()),
            output: streams.output.then(|| output.as_fd()),
            error: streams.error.then(|| error.as_fd()),
            signals: Some(&signals),
            size: &size,
            typed: &mut typed,
        });
        drop(raw);
        conclude(outcome?)
    }
}

/// What the caller ends with.
fn conclude(outcome: relay::Outcome) -> Outcome {
    match outcome {
        relay::Outcome::Exit(code) => Ok(report::container_code(code)),
        relay::Outcome::Detached => Ok(0),
        relay::Outcome::OutputClosed => die_of(SIGPIPE),
        relay::Outcome::Dropped => {
            bail!("output came faster than it was taken: disconnected, the container goes on")
        }
        relay::Outcome::Lost => {
            report::complain("the monitor of the container was killed, and the container with it");
            Ok(KILLED)
        }
    }
}
