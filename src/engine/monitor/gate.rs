//! A first process that waits until it may execute the payload.

use std::time::Instant;

use rustix::process::Signal;

use super::super::protocol::Packet;
use super::record::{self, start_error};
use super::{Monitor, Result};
use crate::store::container::Status;

impl Monitor {
    /// Whether the first process waits.
    pub(super) fn waits(&self) -> bool {
        self.state.status == Status::Initialized
    }

    /// Whether the first process lives, as far as is known.
    pub(super) fn lives(&self) -> bool {
        matches!(self.state.status, Status::Running | Status::Initialized)
    }

    /// Lets the payload run, and tells whoever has asked for that. Of a first process that has ended its end tells.
    pub(super) fn let_go(&mut self) {
        if !self.lives() {
            return;
        }
        let answer = match self.execute() {
            Ok(()) => Packet::Started(self.state.pid),
            Err(error) => Packet::Failed {
                exit: record::exit_code(&error),
                message: error.to_string(),
            },
        };
        self.clients.answer_start(&answer);
    }

    fn execute(&mut self) -> Result<()> {
        let Some(waiting) = self
            .payload
            .as_mut()
            .and_then(|payload| payload.started.waiting.take())
        else {
            return Ok(());
        };
        let before = self.state.clone();
        if let Some(payload) = &mut self.payload {
            payload.since = Instant::now();
            record::started(&mut self.state, payload);
        }
        // Before the payload runs: there is never one of which the record does not tell.
        let opened = match self.store_state() {
            Ok(()) => waiting.open().map_err(|error| start_error(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            self.state = before;
            self.cause = error.to_string();
            self.failure = Some(record::exit_code(&error));
            self.signal(Signal::KILL.as_raw());
            return Err(error);
        }
        // It may have been given another name or other checks since it was made.
        self.read_record();
        let attach = self.clients.is_started_attached().then_some("attach");
        self.tell(["start"].into_iter().chain(attach));
        self.begin_checks();
        self.begin_surroundings();
        Ok(())
    }
}
