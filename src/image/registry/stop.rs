//! A pull that has failed waits for nothing more: what still arrives is broken off.

use std::io;
use std::time::Duration;

use super::client::Client;

/// Of what was not asked for or read to its end because it is not wanted any more.
#[derive(Debug, thiserror::Error)]
#[error("it was broken off")]
pub struct BrokenOff;

/// The kind of error that such a reading ends with; nothing else here has it.
pub const BROKEN_OFF: io::ErrorKind = io::ErrorKind::ConnectionAborted;

impl Client {
    /// Ends all connections and waits, and lets nothing new be asked for until it may go on.
    pub fn break_off(&self) {
        let mut state = self.state.lock().expect("no thread panics with the lock");
        state.is_broken_off = true;
        let agents = std::mem::take(&mut state.agents);
        drop(state);
        self.changed.notify_all();
        agents.into_values().for_each(ureq::Agent::shutdown);
    }

    /// Lets requests be made again.
    pub fn go_on(&self) {
        let mut state = self.state.lock().expect("no thread panics with the lock");
        state.is_broken_off = false;
    }

    pub(super) fn is_broken_off(&self) -> bool {
        let state = self.state.lock().expect("no thread panics with the lock");
        state.is_broken_off
    }

    /// Waits so long, unless everything is broken off.
    pub(super) fn rest(&self, wait: Duration) {
        let state = self.state.lock().expect("no thread panics with the lock");
        let waited = self
            .changed
            .wait_timeout_while(state, wait, |state| !state.is_broken_off);
        drop(waited.expect("no thread panics with the lock"));
    }
}
