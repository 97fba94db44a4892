//! Descriptors of the caller that go on to a container: those that options name, and those of socket activation.

use std::os::fd::RawFd;

use anyhow::{Result, bail};
use clap::Args;

use super::context::variable;
use super::report;
use crate::engine::descriptors::{Descriptors, Listen};

/// Which descriptors are passed on.
#[derive(Args, Clone, Debug, Default)]
pub struct Preserved {
    /// Pass on so many file descriptors, from 3 on
    #[arg(long, value_name = "NUMBER")]
    preserve_fds: Option<RawFd>,
    /// Pass on these file descriptors
    #[arg(long, value_name = "DESCRIPTOR", value_delimiter = ',')]
    preserve_fd: Vec<RawFd>,
}

impl Preserved {
    /// Takes over those that are named. To be called before anything is opened.
    pub fn take(&self) -> Result<Descriptors> {
        Ok(Descriptors::take(self.numbers()?)?)
    }

    /// The same; where none are named, those that a service manager gives.
    pub fn take_or_activated(&self) -> Result<Descriptors> {
        let named = self.take()?;
        if named.is_empty() {
            return activated();
        }
        if variable("LISTEN_FDS").is_some() {
            report::warn(
                "sockets of $LISTEN_FDS are not passed on: other file descriptors are to be preserved",
            );
        }
        Ok(named)
    }

    fn numbers(&self) -> Result<Vec<RawFd>> {
        let count = self.preserve_fds.unwrap_or(0);
        if !(0..RawFd::MAX - 3).contains(&count) {
            bail!("invalid --preserve-fds \"{count}\": expected a number from 0 on");
        }
        // The first that is not there ends it, so that no number is too large.
        let mut numbers: Vec<RawFd> = Vec::new();
        for number in 3..3 + count {
            numbers.push(number);
            if !Descriptors::is_given(number) {
                break;
            }
        }
        for number in &self.preserve_fd {
            if *number < 3 {
                bail!(
                    "invalid --preserve-fd \"{number}\": standard streams are passed on by --log-driver=passthrough"
                );
            }
            numbers.push(*number);
        }
        Ok(numbers)
    }
}

/// The sockets of a service manager (sd_listen_fds(3)). As in Podman it need not be us whom they are meant for: a script
/// may stand between. What was meant for somebody else and is not there is left alone, and so is what is no number.
pub fn activated() -> Result<Descriptors> {
    let parsed = variable("LISTEN_FDS").and_then(|count| count.to_str()?.parse::<RawFd>().ok());
    let Some(count) = parsed.filter(|count| (0..RawFd::MAX - 3).contains(count)) else {
        return Ok(Descriptors::default());
    };
    let own = std::process::id().to_string();
    let is_ours = variable("LISTEN_PID").is_some_and(|pid| *pid == *own);
    let missing = (3..3 + count).find(|number| !Descriptors::is_given(*number));
    if count == 0 || missing.is_some() && !is_ours {
        return Ok(Descriptors::default());
    }
    let last = missing.unwrap_or(2 + count);
    let mut descriptors = Descriptors::take((3..=last).collect())?;
    let names = variable("LISTEN_FDNAMES").and_then(|names| names.into_string().ok());
    descriptors.listen = Some(Listen { names });
    Ok(descriptors)
}
