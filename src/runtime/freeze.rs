//! Freezing a control group: `cgroup.freeze` is one of version 2's core files, there in every group without a controller
//! (since Linux 5.2; Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files"). Processes that are frozen run no
//! instruction, and SIGKILL ends them all the same.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::cgroup::Cgroup;

const FILE: &str = "cgroup.freeze";
/// How long processes may take to freeze: one that waits in the kernel freezes only when it returns from there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of freezing a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezing {
    Done,
    /// Nothing lives in it any more.
    Ended,
    /// A process hangs in the kernel. The group was thawed again.
    TooSlow,
}

impl Cgroup {
    /// Whether somebody has told it to freeze.
    pub fn is_frozen(&self) -> bool {
        std::fs::read(self.path().join(FILE)).is_ok_and(|text| text.starts_with(b"1"))
    }

    /// Whether the kernel can freeze it: whoever finds it missing finds the group as well.
    pub fn can_freeze(&self) -> bool {
        self.path().join(FILE).exists()
    }

    /// Freezes everything in the group and below, and waits until it is.
    pub fn freeze(&self) -> Result<Freezing> {
        let Some(mut events) = self.events()? else {
            return Ok(Freezing::Ended);
        };
        std::fs::write(self.path().join(FILE), "1")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match events.read() {
                None => return Ok(Freezing::Ended),
                Some(Event { populated: false, .. }) => {
                    self.thaw()?;
                    return Ok(Freezing::Ended);
                }
                Some(Event { frozen: true, .. }) => return Ok(Freezing::Done),
                Some(_) => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            match poll(&mut [events.poll_fd()], timeout.as_ref()) {
                Ok(0) => {
                    self.thaw()?;
                    return Ok(Freezing::TooSlow);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        std::fs::write(self.path().join(FILE), "0")
    }

    /// What happens to the group, to be waited for; none when it is gone.
    pub fn events(&self) -> Result<Option<Events>> {
        match File::open(self.path().join("cgroup.events")) {
            Ok(file) => Ok(Some(Events(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// `cgroup.events` of a group.
pub struct Events(File);

/// How a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub populated: bool,
    /// All processes are, because of this group or one above it.
    pub frozen: bool,
}

impl Events {
    /// How the group is now; none when it is gone. Polling tells of a change since.
    pub fn read(&mut self) -> Option<Event> {
        let mut text = String::new();
        self.0.rewind().ok()?;
        self.0.read_to_string(&mut text).ok()?;
        Some(event(&text))
    }

    pub fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(&self.0, PollFlags::PRI)
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn event(text: &str) -> Event {
    let is_set = |line: &str| text.lines().any(|one| one == line);
    Event {
        populated: is_set("populated 1"),
        frozen: is_set("frozen 1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events() {
        for (text, populated, frozen) in [
            ("populated 1\nfrozen 1\n", true, true),
            ("populated 1\nfrozen 0\n", true, false),
            // Before Linux 5.2.
            ("populated 0\n", false, false),
            ("", false, false),
            ("populated 10\nnot frozen 1\n", false, false),
        ] {
            assert_eq!(event(text), Event { populated, frozen }, "{text}");
        }
    }

    #[test]
    fn a_group_that_is_gone_is_neither_frozen_nor_freezes() {
        let gone = Cgroup::at(std::path::Path::new("/no/such/group"));
        assert!(!gone.is_frozen() && !gone.can_freeze() && gone.thaw().is_err());
        assert_eq!(gone.freeze().unwrap(), Freezing::Ended);
    }
}
