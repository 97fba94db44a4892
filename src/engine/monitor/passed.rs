//! The streams of whoever started a container, which the payload has itself (`--log-driver=passthrough`).

use std::os::fd::OwnedFd;

use super::super::start::MONITOR_SOCKET;
use crate::sys::process;

/// Standard input, output and errors. Kept for the next start of the payload, so that whoever reads them sees their end
/// with ours.
pub struct Passed([OwnedFd; 3]);

/// Takes what we were started with. To be called once, before anything was opened.
pub fn take() -> rustix::io::Result<Passed> {
    let stream = |number: i32| process::inherited(MONITOR_SOCKET + 1 + number);
    Ok(Passed([stream(0)?, stream(1)?, stream(2)?]))
}

impl Passed {
    /// Copies for a payload.
    pub fn ends(&self) -> rustix::io::Result<[OwnedFd; 3]> {
        let [input, output, error] = &self.0;
        let copy = |stream| rustix::io::fcntl_dupfd_cloexec(stream, 3);
        Ok([copy(input)?, copy(output)?, copy(error)?])
    }
}
