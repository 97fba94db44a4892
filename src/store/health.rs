//! Health checks: what of them a container's record says, and the record `health.json` of what they found, which its
//! monitor writes.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Result, Store};
use crate::base::file::Durability;

/// The most that is kept of results, whatever is asked for: the record is read with each list of containers.
pub const MOST_RESULTS: usize = 100;
/// The most that is kept of the output of one check.
pub const MOST_OUTPUT: usize = 64 << 10;

/// How a container is checked. Durations are in nanoseconds, as in images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `CMD` and words, or `CMD-SHELL` and a line.
    pub test: Vec<String>,
    /// What runs lines, where the image names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
    /// 0: only when somebody asks.
    pub interval: u64,
    pub timeout: u64,
    pub start_period: u64,
    pub start_interval: u64,
    pub retries: u32,
    #[serde(default)]
    pub on_failure: OnFailure,
    /// 0: as many as there may be.
    pub log_count: usize,
    pub log_size: usize,
    #[serde(default, skip_serializing_if = "Destination::is_local")]
    pub destination: Destination,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Startup>,
}

/// A check that has to succeed before the others begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startup {
    pub test: Vec<String>,
    pub interval: u64,
    pub timeout: u64,
    /// Failures after which the container starts anew; 0: never.
    pub retries: u32,
    /// Successes that it takes.
    pub successes: u32,
}

/// Where results go besides the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    #[default]
    Local,
    /// Into the event of each check.
    EventsLogger,
    /// Into the file `ID-healthcheck.log` of a directory.
    Directory(String),
}

impl Destination {
    fn is_local(&self) -> bool {
        *self == Self::Local
    }

    /// The word for it on command lines.
    pub fn word(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::EventsLogger => "events_logger",
            Self::Directory(path) => path,
        }
    }
}

/// What happens to a container that has become unhealthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    #[default]
    None,
    Kill,
    Restart,
    Stop,
}

impl OnFailure {
    /// The word for it on command lines.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }
}

impl Health {
    /// The words to run for a check; none when there is nothing to run.
    pub fn words<'a>(&'a self, test: &'a [String]) -> Option<Vec<&'a str>> {
        let (kind, rest) = test.split_first()?;
        let mut words: Vec<&str> = match kind.as_str() {
            "CMD" => Vec::new(),
            "CMD-SHELL" if self.shell.is_empty() => vec!["/bin/sh", "-c"],
            "CMD-SHELL" => self.shell.iter().map(String::as_str).collect(),
            _ => return None,
        };
        words.extend(rest.iter().map(String::as_str));
        let is_command = !rest.is_empty() && words.first().is_some_and(|word| !word.is_empty());
        is_command.then_some(words)
    }
}

/// How a container is, by its checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    #[default]
    Starting,
    Healthy,
    Unhealthy,
    /// It ended while a check was made.
    Stopped,
}

impl Condition {
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
        }
    }
}

/// `health.json`: what checks have found since the container was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub condition: Condition,
    /// Failures since the last success.
    pub streak: u32,
    /// The last results, oldest first.
    pub log: VecDeque<Outcome>,
}

/// The result of one check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// RFC 3339.
    pub start: String,
    pub end: String,
    /// -1: it was killed when its time was over, or could not be run.
    pub exit_code: i32,
    pub output: String,
}

impl Report {
    /// Takes the result of a check, made at `age` of the container. `true`: it has just become unhealthy.
    pub fn take(&mut self, health: &Health, outcome: Outcome, age: Duration) -> bool {
        let before = self.condition;
        if outcome.exit_code == 0 {
            self.streak = 0;
            self.condition = Condition::Healthy;
        } else {
            let period = Duration::from_nanos(health.start_period);
            // As Docker: until it was healthy once, what fails in its first time does not count.
            if before != Condition::Starting || age >= period {
                self.streak = self.streak.saturating_add(1);
                if self.streak >= health.retries {
                    self.condition = Condition::Unhealthy;
                }
            }
        }
        self.keep(health, outcome);
        before != Condition::Unhealthy && self.condition == Condition::Unhealthy
    }

    /// Keeps a result among the last ones.
    pub fn keep(&mut self, health: &Health, outcome: Outcome) {
        self.log.push_back(outcome);
        let most = match health.log_count {
            0 => MOST_RESULTS,
            count => count.min(MOST_RESULTS),
        };
        while self.log.len() > most {
            self.log.pop_front();
        }
    }
}

/// The record's name.
const FILE: &str = "health.json";

impl Store {
    /// What the checks of a container have found; none when it was never started.
    pub fn read_health(&self, directory: BorrowedFd<'_>, id: &str) -> Result<Option<Report>> {
        match self.read_record(directory, &format!("containers/{id}"), FILE) {
            Err(error) if error.is_missing() => Ok(None),
            result => result.map(Some),
        }
    }

    pub fn write_health(&self, directory: BorrowedFd<'_>, id: &str, report: &Report) -> Result<()> {
        let described = format!("containers/{id}");
        self.write_record(directory, &described, FILE, report, Durability::Transient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        serde_json::from_str(
            r#"{"test": ["CMD-SHELL", "x y"], "interval": 1, "timeout": 1, "start_period": 10000000000,
                "start_interval": 1, "retries": 2, "log_count": 3, "log_size": 0}"#,
        )
        .unwrap()
    }

    #[test]
    fn conditions_follow_results() {
        use Condition::{Healthy, Starting, Unhealthy};
        let health = health();
        let mut report = Report::default();
        // Age in seconds, exit code; the condition, the streak, and whether it became unhealthy by that.
        for (age, exit_code, condition, streak, became) in [
            (1, 1, Starting, 0, false),
            (9, 1, Starting, 0, false),
            (10, 1, Starting, 1, false),
            (11, -1, Unhealthy, 2, true),
            (12, 1, Unhealthy, 3, false),
            (13, 0, Healthy, 0, false),
            (1, 1, Healthy, 1, false),
            (1, 1, Unhealthy, 2, true),
        ] {
            let outcome = Outcome {
                exit_code,
                ..Outcome::default()
            };
            assert_eq!(report.take(&health, outcome, Duration::from_secs(age)), became);
            assert_eq!((report.condition, report.streak), (condition, streak), "{age}");
        }
        assert_eq!(report.log.len(), 3);
        let all = Health {
            log_count: 0,
            ..health
        };
        for _ in 0..200 {
            report.keep(&all, Outcome::default());
        }
        assert_eq!(report.log.len(), MOST_RESULTS);
    }

    #[test]
    fn words_of_tests() {
        let mut health = health();
        let words = |health: &Health, test: &[&str]| {
            let test: Vec<String> = test.iter().map(|word| (*word).to_owned()).collect();
            health.words(&test).map(|words| words.join("|"))
        };
        assert_eq!(words(&health, &["CMD", "a", "b c"]).unwrap(), "a|b c");
        assert_eq!(words(&health, &["CMD-SHELL", "a b"]).unwrap(), "/bin/sh|-c|a b");
        for nothing in [
            &[][..],
            &["NONE"],
            &["CMD"],
            &["CMD", ""],
            &["CMD-SHELL"],
            &["other", "x"],
        ] {
            assert_eq!(words(&health, nothing), None, "{nothing:?}");
        }
        health.shell = vec!["/bin/ash".into(), "-ec".into()];
        assert_eq!(words(&health, &["CMD-SHELL", "a b"]).unwrap(), "/bin/ash|-ec|a b");
    }
}
