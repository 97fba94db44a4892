//! What a payload has from whoever started it: standard streams (`--log-driver=passthrough`), and further descriptors.

use std::os::fd::{OwnedFd, RawFd};

use super::super::descriptors::{Announced, Descriptors, Listen};
use super::super::start::MONITOR_SOCKET;
use crate::sys::process;

/// Kept for the next start of the payload, so that whoever reads them sees their end with ours.
#[derive(Default)]
pub struct Passed {
    /// Standard input, output and errors.
    streams: Option<[OwnedFd; 3]>,
    descriptors: Descriptors,
}

/// Takes what we were started with: the socket of our caller, and what the payload gets. To be called once, before anything
/// was opened.
pub fn take(has_streams: bool, announced: &Announced) -> rustix::io::Result<(OwnedFd, Passed)> {
    let mut next = MONITOR_SOCKET;
    let mut arrived = || {
        next += 1;
        process::inherited(next - 1)
    };
    let socket = arrived()?;
    let streams = match has_streams {
        true => Some([arrived()?, arrived()?, arrived()?]),
        false => None,
    };
    if announced.numbers.is_empty() {
        let descriptors = Descriptors::default();
        return Ok((socket, Passed { streams, descriptors }));
    }
    let numbers = announced.numbers.iter();
    let waiting: Vec<OwnedFd> = numbers.map(|_| arrived()).collect::<rustix::io::Result<_>>()?;
    // All of them first: any of their numbers may be one that another has arrived under.
    let clear = |descriptor| announced.clear_of(descriptor);
    let socket = clear(socket)?;
    let streams = match streams {
        Some([input, output, error]) => Some([clear(input)?, clear(output)?, clear(error)?]),
        None => None,
    };
    let waiting: Vec<OwnedFd> = waiting
        .into_iter()
        .map(clear)
        .collect::<rustix::io::Result<_>>()?;
    let descriptors = announced.settle(&waiting)?;
    Ok((socket, Passed { streams, descriptors }))
}

impl Passed {
    /// Copies of the streams for a payload that has those.
    pub fn ends(&self) -> rustix::io::Result<Option<[OwnedFd; 3]>> {
        let Some([input, output, error]) = &self.streams else {
            return Ok(None);
        };
        let copy = |stream| rustix::io::fcntl_dupfd_cloexec(stream, 3);
        Ok(Some([copy(input)?, copy(output)?, copy(error)?]))
    }

    /// The descriptors that the payload gets beside its streams.
    pub fn numbers(&self) -> Vec<RawFd> {
        self.descriptors.numbers()
    }

    pub fn listen(&self) -> Option<&Listen> {
        self.descriptors.listen.as_ref()
    }

    /// The payload does not start again: whoever reads at the other end waits for it alone.
    pub fn give_up_descriptors(&mut self) {
        self.descriptors = Descriptors::default();
    }
}
