//! Making a container up to its payload (`init`), and letting that run.

use super::client::{await_exit, connect};
use super::descriptors::Descriptors;
use super::protocol::{Packet, Wishes};
use super::start::{Started, await_start};
use super::state::{Condition, Held, init};
use super::{Engine, EngineError, Result, errno};

impl Engine {
    /// Makes everything of a container but its payload. `false`: it has a first process already.
    pub fn initialize(&self, id: &str, descriptors: Descriptors, waiting: &mut dyn FnMut()) -> Result<bool> {
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let held = self.hold(id, waiting)?.ok_or_else(missing)?;
        match held.condition {
            Condition::Created | Condition::Exited | Condition::Lost => {}
            Condition::Elsewhere => return Err(EngineError::Elsewhere(id.to_owned())),
            _ => return Ok(false),
        }
        self.check_required(&held.container.config.requires)?;
        self.start_held(held, Wishes::default(), descriptors, true)?;
        Ok(true)
    }

    /// Ends a first process that waits, before anybody can let it go.
    pub(super) fn end_waiting(&self, held: Held) -> Result<()> {
        let connection = connect(&self.store, &held.container.id, Wishes::ENDING)?;
        if let Some(first) = init(&held.state) {
            let _ = rustix::process::pidfd_send_signal(&first, rustix::process::Signal::KILL);
        }
        drop(held);
        connection.map_or(Ok(()), |connection| await_exit(&connection).map(drop))
    }

    /// Lets the payload of a container run whose first process waits. None when that has ended.
    pub(super) fn let_go(&self, id: &str, wishes: Wishes) -> Result<Option<Started>> {
        let Some(connection) = connect(&self.store, id, wishes)? else {
            return Ok(None);
        };
        let size = wishes
            .window
            .map(|(rows, columns)| Packet::Resize { rows, columns });
        for packet in size.into_iter().chain([Packet::Start]) {
            let failed = || format!("cannot talk to the monitor of container {id}");
            connection.send(&packet).map_err(errno(failed()))?;
        }
        let pid = await_start(&connection, id)?;
        Ok(pid.map(|pid| Started { connection, pid }))
    }
}
