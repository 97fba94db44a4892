//! The parent's side of a gate that it opens itself.

use std::os::fd::{AsFd, OwnedFd};

use super::spawn::{SpawnError, explain_answer};
use super::sync;

/// A first process waits at [`Gate::Parent`](super::spec::Gate::Parent). When this is dropped it ends.
#[derive(Debug)]
pub struct Waiting {
    socket: OwnedFd,
    program: String,
}

impl Waiting {
    pub(super) fn new(socket: OwnedFd, program: String) -> Self {
        Self { socket, program }
    }

    /// Lets the payload be executed. A first process that has been killed counts as one that ran: its end tells how.
    pub fn open(self) -> Result<(), SpawnError> {
        let _ = rustix::net::send(&self.socket, &[sync::START], rustix::net::SendFlags::NOSIGNAL);
        match sync::receive(self.socket.as_fd()).map_err(SpawnError::Talk)? {
            None => Ok(()),
            Some((message, _)) => Err(explain_answer(message.bytes(), &self.program)),
        }
    }
}
