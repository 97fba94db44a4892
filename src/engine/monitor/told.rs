//! What others have told a monitor before its payload has ended, which says why it did.

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::protocol::Packet;
use super::super::why::TIME_OVER;
use super::Monitor;
use crate::store::container::{Sender, Sent, Status};

/// No client can hold up the record of an end for longer than so many looks.
const LOOKS: usize = 64;

impl Monitor {
    /// Takes what was said before an end was noticed: whoever has ended the payload has told of that before.
    pub(super) fn hear(&mut self) {
        self.accept();
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        for _ in 0..LOOKS {
            let mut fds = Vec::new();
            self.clients.watch(&mut fds, true);
            if !matches!(poll(&mut fds, Some(&now)), Ok(1..)) {
                return;
            }
            let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            drop(fds);
            if !events.iter().any(|event| event.contains(PollFlags::IN)) {
                return;
            }
            for (request, ends) in self.clients.attend(&events) {
                // There is nothing left to check or to start.
                if !matches!(request, Packet::Check | Packet::Changed | Packet::Start) {
                    self.answer(request, ends);
                }
            }
        }
    }

    /// The exit code that counts: as with Podman, one whose time was over has none, and one that could not execute its
    /// payload that which says why.
    pub(super) fn verdict(&self, code: i32) -> i32 {
        match self.failure {
            Some(code) => code,
            None if self.cause == TIME_OVER => -1,
            None => code,
        }
    }

    pub(super) fn note_signal(&mut self, by: Sender, signal: i32) {
        if self.lives() {
            self.state.sent = Some(Sent { by, signal });
        }
    }

    /// Writes down when somebody begins to stop it, and when he has given up.
    pub(super) fn note_stop(&mut self) {
        let is_stopping =
            self.state.status == Status::Running && (self.deadline.is_some() || self.clients.is_stopping());
        if self.state.stopping != is_stopping {
            self.state.stopping = is_stopping;
            let _ = self.store_state();
        }
    }
}
