//! Descriptors of a caller that a container gets under the same numbers: `--preserve-fds`, `--preserve-fd` and socket
//! activation (sd_listen_fds(3)).
//!
//! They go from a command to the monitor that it makes, and from there to the payload. In the monitor they have their numbers
//! from the first moment on, so that nothing else ever does.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, getrlimit};

use super::{EngineError, Result, errno};
use crate::sys::process;

/// Descriptors under the numbers that they keep, and what the payload is told of them.
#[derive(Debug, Default)]
pub struct Descriptors {
    held: Vec<OwnedFd>,
    /// They are sockets of a service manager, with their names if they have any.
    pub listen: Option<Listen>,
    /// The standard streams of our caller are another container's.
    pub(super) no_streams: bool,
}

/// What a payload that is activated by sockets finds in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// `LISTEN_FDNAMES`, names with colons between them.
    pub names: Option<String>,
}

/// What precedes the numbers among a monitor's words, and the names of sockets.
const NUMBERS_WORD: &str = "descriptors=";
const LISTEN_WORD: &str = "listen";
const NAMES_WORD: &str = "listen=";

impl Descriptors {
    /// Nothing of our caller's, his standard streams included.
    pub fn none() -> Self {
        Self {
            no_streams: true,
            ..Self::default()
        }
    }

    /// Takes over what we were given by our caller. To be called before anything is opened that is not closed again.
    pub fn take(mut numbers: Vec<RawFd>) -> Result<Self> {
        numbers.sort_unstable();
        numbers.dedup();
        let mut held = Vec::with_capacity(numbers.len());
        for number in numbers {
            if !process::is_given(number) {
                return Err(EngineError::Refused(format!(
                    "file descriptor {number} is not available: only what coracle was started with can be passed on"
                )));
            }
            held.push(process::inherited(number).map_err(errno(format!("file descriptor {number}")))?);
        }
        // The monitor needs some of its own above them.
        let room = u64::from(numbers_end(&held)) + 8 + held.len() as u64;
        let limit = getrlimit(Resource::Nofile).current;
        if !held.is_empty() && limit.is_some_and(|limit| room > limit) {
            return Err(EngineError::Refused(format!(
                "file descriptor {} is too near to the limit of open files, {}: raise it by ulimit -n, or use a lower number",
                numbers_end(&held),
                limit.unwrap_or_default()
            )));
        }
        Ok(Self {
            held,
            ..Self::default()
        })
    }

    /// Whether our caller has given us a descriptor of that number.
    pub fn is_given(number: RawFd) -> bool {
        process::is_given(number)
    }

    pub fn numbers(&self) -> Vec<RawFd> {
        self.held.iter().map(AsRawFd::as_raw_fd).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Copies under numbers that are in nobody's way when a monitor is made.
    pub(super) fn copies(&self) -> rustix::io::Result<Vec<OwnedFd>> {
        self.held
            .iter()
            .map(|held| fcntl_dupfd_cloexec(held, 10))
            .collect()
    }

    /// What a monitor is told of them.
    pub(super) fn words(&self) -> Vec<String> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let numbers: Vec<String> = self.numbers().iter().map(RawFd::to_string).collect();
        let mut words = vec![format!("{NUMBERS_WORD}{}", numbers.join(","))];
        match &self.listen {
            Some(Listen { names: Some(names) }) => words.push(format!("{NAMES_WORD}{names}")),
            Some(Listen { names: None }) => words.push(LISTEN_WORD.into()),
            None => {}
        }
        words
    }
}

/// The highest of their numbers.
fn numbers_end(held: &[OwnedFd]) -> u32 {
    let numbers = held.iter().map(|held| held.as_raw_fd().unsigned_abs());
    numbers.max().unwrap_or(0)
}

/// The same as a monitor is told: which numbers, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    pub numbers: Vec<RawFd>,
    pub listen: Option<Listen>,
}

impl Announced {
    /// Reads what [`Descriptors::words`] wrote, among other words.
    pub fn read<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut announced = Self::default();
        for word in words {
            if let Some(numbers) = word.strip_prefix(NUMBERS_WORD) {
                announced.numbers = numbers
                    .split(',')
                    .filter_map(|number| number.parse().ok())
                    .collect();
            } else if let Some(names) = word.strip_prefix(NAMES_WORD) {
                let names = Some(names.to_owned());
                announced.listen = Some(Listen { names });
            } else if word == LISTEN_WORD {
                announced.listen = Some(Listen { names: None });
            }
        }
        announced
    }

    /// Gives `arrived`, in the order of the numbers, their own numbers. Whatever else this process has open must have been
    /// [moved away](clear_of).
    pub(super) fn settle(&self, arrived: &[OwnedFd]) -> rustix::io::Result<Descriptors> {
        let mut held = Vec::with_capacity(arrived.len());
        for (number, from) in self.numbers.iter().zip(arrived) {
            process::place(from.as_fd(), *number)?;
            held.push(process::inherited(*number)?);
        }
        Ok(Descriptors {
            held,
            listen: self.listen.clone(),
            no_streams: false,
        })
    }

    /// `descriptor` under a number that none of these has.
    pub(super) fn clear_of(&self, descriptor: OwnedFd) -> rustix::io::Result<OwnedFd> {
        match self.numbers.last() {
            None => Ok(descriptor),
            Some(last) => fcntl_dupfd_cloexec(&descriptor, last + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_reads_what_it_is_told() {
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        for names in [None, Some("web:admin".to_owned()), Some(String::new())] {
            let descriptors = Descriptors {
                held: vec![file(), file()],
                listen: Some(Listen { names }),
                no_streams: false,
            };
            let words = descriptors.words();
            let told = Announced::read(["linger"].into_iter().chain(words.iter().map(String::as_str)));
            assert_eq!(told.numbers, descriptors.numbers());
            assert_eq!(told.listen, descriptors.listen);
        }
        assert!(Descriptors::default().words().is_empty());
        assert_eq!(Announced::read(["guard"].into_iter()), Announced::default());
    }

    #[test]
    fn what_we_have_opened_ourselves_is_nobody_elses() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = Descriptors::take(vec![file.as_raw_fd()]).unwrap_err().to_string();
        assert!(error.contains("is not available"), "{error}");
    }
}
