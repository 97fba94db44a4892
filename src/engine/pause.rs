//! Pausing and going on, by the freezer of the container's control group. Nothing is recorded: the group is asked, so that a
//! container counts as paused whoever has frozen it, and whatever became of the command that did.

use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};

use super::client::connect;
use super::protocol::{Packet, Received, Wishes};
use super::state::{Condition, Found, look};
use super::{Engine, EngineError, Result, errno, io};
use crate::runtime::cgroup::Cgroup;
use crate::runtime::freeze::Freezing;
use crate::store::container::State;
use crate::store::events::Event;

/// What waiting for a pause has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    Paused,
    /// It ended before, with this code.
    Ended(i32),
}

/// The control group of a container that runs; none where there was none to have.
pub(super) fn group(state: &State) -> Option<Cgroup> {
    state.cgroup.as_deref().map(|path| Cgroup::at(Path::new(path)))
}

/// Whether a container that runs is frozen.
pub(super) fn is_paused(state: &State) -> bool {
    group(state).is_some_and(|group| group.is_frozen())
}

/// Lets a container go on, if it is paused and has to hear a signal.
pub(super) fn resume(found: &Found) {
    if found.condition == Condition::Paused
        && let Some(group) = group(&found.state)
    {
        // It may have ended by the signal already.
        let _ = group.thaw();
    }
}

impl Engine {
    /// Freezes all processes of a running container.
    pub fn pause(&self, id: &str) -> Result<()> {
        let found = self.alive(id)?;
        if found.condition == Condition::Paused {
            return Err(EngineError::AlreadyPaused(id.to_owned()));
        }
        let group = freezable(&found)?;
        match group
            .freeze()
            .map_err(io(format!("cannot pause container {id}")))?
        {
            Freezing::Done => {
                self.store.tell([Event::container("pause", &found.container)]);
                Ok(())
            }
            Freezing::Ended => Err(EngineError::NotRunning(id.to_owned())),
            Freezing::TooSlow => Err(EngineError::Refused(format!(
                "cannot pause container {id}: a process of it hangs in the kernel and does not freeze; it runs on"
            ))),
        }
    }

    /// Lets a paused container go on.
    pub fn unpause(&self, id: &str) -> Result<()> {
        let found = self.alive(id)?;
        match group(&found.state) {
            Some(group) if found.condition == Condition::Paused => {
                group
                    .thaw()
                    .map_err(io(format!("cannot unpause container {id}")))?;
                self.store.tell([Event::container("unpause", &found.container)]);
                Ok(())
            }
            _ => Err(EngineError::NotPaused(id.to_owned())),
        }
    }

    /// Waits until a running container is paused.
    pub fn await_pause(&self, id: &str) -> Result<Awaited> {
        let found = self.alive(id)?;
        let not_running = || EngineError::NotRunning(id.to_owned());
        let group = freezable(&found)?;
        let monitor = connect(&self.store, id, Wishes::default())?.ok_or_else(not_running)?;
        let failed = || format!("container {id}");
        let mut events = group.events().map_err(io(failed()))?.ok_or_else(not_running)?;
        loop {
            // A group above that is frozen is no pause of the container.
            if events.read().is_some_and(|event| event.frozen) && group.is_frozen() {
                return Ok(Awaited::Paused);
            }
            loop {
                match monitor.receive(false).map_err(errno(failed()))? {
                    Received::Packet(Packet::Exit(code)) => return Ok(Awaited::Ended(code)),
                    Received::End => return Ok(Awaited::Ended(self.wait(id)?)),
                    Received::Packet(_) => {}
                    Received::Nothing => break,
                }
            }
            let _ = poll(
                &mut [PollFd::new(&monitor, PollFlags::IN), events.poll_fd()],
                None,
            );
        }
    }

    /// A container that runs or is paused.
    fn alive(&self, id: &str) -> Result<Found> {
        let found = look(&self.store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        match found.condition {
            Condition::Running | Condition::Paused => Ok(found),
            Condition::Elsewhere => Err(EngineError::Elsewhere(id.to_owned())),
            _ => Err(EngineError::NotRunning(id.to_owned())),
        }
    }
}

/// The group to freeze, or why there is none.
fn freezable(found: &Found) -> Result<Cgroup> {
    let id = &found.container.id;
    let Some(group) = group(&found.state) else {
        return Err(EngineError::Refused(format!(
            "cannot pause container {id}: it has no control group, since none was ours to write where it was started; stop \
             it and start it from a systemd unit with Delegate=yes (systemd-run --user --scope -p Delegate=yes ...), or \
             where cgroup2 is mounted writable"
        )));
    };
    if !group.can_freeze() && group.path().exists() {
        return Err(EngineError::Refused(format!(
            "cannot pause container {id}: the kernel cannot freeze control groups of version 2 (since Linux 5.2)"
        )));
    }
    Ok(group)
}
