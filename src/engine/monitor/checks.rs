//! When a container's health is checked, and what becomes of the results. Nothing here for a container without checks.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::super::health::{Check, NOT_RUN, kind};
use crate::base::time;
use crate::store::Store;
use crate::store::health::{Condition, Health, MOST_OUTPUT, Outcome, Report};

/// How much longer than its own limit the process of a check may take until it is killed from here: it must start, and
/// kills what it checks with itself.
const GRACE: Duration = Duration::from_secs(5);
/// What a result is at most: an exit code, our own words and the output.
const MOST_RESULT: usize = MOST_OUTPUT + 1024;

/// The checks of one life of a container.
pub struct Checks {
    health: Health,
    pub report: Report,
    /// How it was when somebody asked for [`news`](Self::news).
    known: Condition,
    born: Instant,
    /// When the next one begins.
    next: Option<Instant>,
    making: Option<Making>,
    /// Successes and failures of the check at the start, until it has succeeded.
    startup: Option<(u32, u32)>,
}

/// A check that is being made.
struct Making {
    check: Check,
    start: String,
    limit: Instant,
    result: Vec<u8>,
}

/// What a result means for the container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    GoOn,
    /// It has just become unhealthy.
    Unhealthy,
    /// It has not come up.
    NotStarted,
}

impl Checks {
    pub fn new(health: &Health) -> Self {
        let mut checks = Self {
            health: health.clone(),
            report: Report::default(),
            known: Condition::default(),
            born: Instant::now(),
            next: None,
            making: None,
            startup: health.startup.as_ref().map(|_| (0, 0)),
        };
        checks.plan();
        checks
    }

    /// Goes on with other checks. How the container is stays what it was until the next of them has ended; one that is being
    /// made counts for nothing. A check at the start is not for a container that is past its start.
    pub fn change(&mut self, health: &Health) {
        if let Some(making) = self.making.take() {
            making.check.end();
        }
        if health.startup.is_none() {
            self.startup = None;
        }
        self.health = health.clone();
        self.plan();
    }

    /// Sets the time of the next one.
    fn plan(&mut self) {
        let health = &self.health;
        let age = self.born.elapsed();
        let interval = match (&health.startup, self.startup) {
            (Some(startup), Some(_)) => startup.interval,
            _ if health.interval == 0 => 0,
            _ if self.report.condition == Condition::Starting
                && age < Duration::from_nanos(health.start_period) =>
            {
                health.start_interval.min(health.interval)
            }
            _ => health.interval,
        };
        self.next = (interval > 0).then(|| Instant::now() + Duration::from_nanos(interval));
    }

    /// When something is to be done.
    pub fn due(&self) -> Option<Instant> {
        match &self.making {
            Some(making) => Some(making.limit),
            None => self.next,
        }
    }

    /// What gives the result.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        self.making.as_ref().map(|making| making.check.result.as_fd())
    }

    /// How the container is, if that is otherwise than it was when this was last asked.
    pub fn news(&mut self) -> Option<Condition> {
        let now = self.report.condition;
        (std::mem::replace(&mut self.known, now) != now).then_some(now)
    }

    /// Puts the next one off, for a container that is frozen.
    pub fn put_off(&mut self) {
        if self.making.is_none() {
            self.plan();
        }
    }

    /// Begins one, unless one is being made. A result when it could not be begun.
    pub fn begin(&mut self, store: &Store, id: &str) -> Option<(i32, Verdict)> {
        if self.making.is_some() {
            return None;
        }
        let is_startup = self.startup.is_some();
        let start = time::now();
        let (_, timeout) = kind(&self.health, is_startup);
        match Check::start(store, id, is_startup) {
            Ok(check) => {
                self.making = Some(Making {
                    check,
                    start,
                    limit: Instant::now() + Duration::from_nanos(timeout) + GRACE,
                    result: Vec::new(),
                });
                None
            }
            Err(errno) => {
                Some(self.conclude(start, NOT_RUN, format!("the check could not be made: {errno}")))
            }
        }
    }

    /// The container is ending: a check that is being made finds nothing any more.
    pub fn interrupt(&mut self) -> bool {
        let Some(making) = self.making.take() else {
            return false;
        };
        making.check.end();
        self.report.condition = Condition::Stopped;
        true
    }

    /// Reads what the process of a check says, or ends one whose time is over. A result when it is whole.
    pub fn attend(&mut self) -> Option<(i32, Verdict)> {
        let making = self.making.as_mut()?;
        let mut buffer = [0; 4096];
        let is_over = loop {
            match rustix::io::read(&making.check.result, &mut buffer) {
                Ok(0) => break true,
                Ok(length) if making.result.len() + length <= MOST_RESULT => {
                    making.result.extend_from_slice(&buffer[..length]);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break making.limit <= Instant::now(),
                Ok(_) | Err(_) => break true,
            }
        };
        if !is_over {
            return None;
        }
        let Making {
            check, start, result, ..
        } = self.making.take()?;
        check.end();
        let (code, output) = match result.split_first_chunk::<4>() {
            Some((code, output)) => (
                i32::from_le_bytes(*code),
                String::from_utf8_lossy(output).into_owned(),
            ),
            None => (NOT_RUN, "the check hung and was killed".to_owned()),
        };
        Some(self.conclude(start, code, output))
    }

    fn conclude(&mut self, start: String, exit_code: i32, output: String) -> (i32, Verdict) {
        let outcome = Outcome {
            start,
            end: time::now(),
            exit_code,
            output,
        };
        let verdict = match self.startup {
            Some((successes, failures)) => self.conclude_startup(outcome, successes, failures),
            None if self.report.take(&self.health, outcome, self.born.elapsed()) => Verdict::Unhealthy,
            None => Verdict::GoOn,
        };
        self.plan();
        (exit_code, verdict)
    }

    /// Until the check at the start has succeeded the container counts as starting.
    fn conclude_startup(&mut self, outcome: Outcome, successes: u32, failures: u32) -> Verdict {
        let Some(startup) = &self.health.startup else {
            return Verdict::GoOn;
        };
        let mut verdict = Verdict::GoOn;
        if outcome.exit_code == 0 {
            let successes = successes + 1;
            self.startup = (successes < startup.successes).then_some((successes, 0));
        } else {
            let failures = failures + 1;
            if startup.retries > 0 && failures >= startup.retries {
                verdict = Verdict::NotStarted;
            }
            self.startup = Some((0, failures));
        }
        self.report.keep(&self.health, outcome);
        verdict
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        if let Some(making) = self.making.take() {
            making.check.end();
        }
    }
}
