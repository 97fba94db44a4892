//! Removing containers: one rename makes a container gone, its files are deleted after that was told.

use std::os::fd::AsFd;

use super::state::{Condition, Held};
use super::stop::Patience;
use super::{Engine, EngineError, Result, volumes};
use crate::store::container::Container;
use crate::store::events::Event;
use crate::store::{Kind, Store};

/// How to remove.
#[derive(Clone, Copy, Debug, Default)]
pub struct Removal {
    /// Stop it first when it runs.
    pub force: bool,
    /// Its anonymous volumes as well.
    pub volumes: bool,
    /// Seconds before a running one is killed, instead of its own.
    pub timeout: Option<u64>,
}

impl Engine {
    /// Removes a container. `false`: it was gone already.
    pub fn remove(&self, id: &str, removal: Removal, waiting: &mut dyn FnMut()) -> Result<bool> {
        loop {
            let Some(held) = self.hold(id, waiting)? else {
                return Ok(false);
            };
            let id = id.to_owned();
            if !removal.force {
                match held.condition {
                    Condition::Running | Condition::Starting => return Err(EngineError::Running(id)),
                    Condition::Paused => return Err(EngineError::Paused { id, act: "rm" }),
                    Condition::Restarting => return Err(EngineError::Restarting(id)),
                    Condition::Elsewhere => return Err(EngineError::Elsewhere(id)),
                    Condition::Created | Condition::Initialized | Condition::Exited | Condition::Lost => {}
                }
            }
            let dependents = self.store.dependents(held.directory.as_fd(), &id)?;
            if !dependents.is_empty() {
                return Err(EngineError::Required { id, dependents });
            }
            if matches!(held.condition, Condition::Elsewhere) || !held.condition.may_live() {
                self.remove_held(held, removal.volumes)?;
                return Ok(true);
            }
            if held.condition == Condition::Initialized {
                self.end_waiting(held)?;
                continue;
            }
            // Nobody waits for a process while holding a lock.
            drop(held);
            // As Docker and Podman: force kills at once unless a time was given.
            let patience = removal.timeout.map_or(Patience::None, Patience::Seconds);
            self.stop(&id, None, patience)?;
        }
    }

    /// Removes a container that the caller holds and that does not run; `volumes`: its anonymous volumes as well, which
    /// go with a container that was to vanish in any case.
    pub(super) fn remove_held(&self, held: Held, volumes: bool) -> Result<()> {
        if volumes || held.container.config.remove {
            volumes::remove_anonymous(&self.store, &held.container)?;
        }
        discard(&self.store, &held.container)?;
        self.store.tell([Event::container("remove", &held.container)]);
        drop(held);
        // It is gone; what cannot be deleted now goes with a later sweep.
        let _ = self.store.empty_trash();
        Ok(())
    }

    /// What the monitor does with a container that was to vanish and has ended with `code`. Its files are deleted later.
    pub(super) fn remove_ended(&self, container: &Container, code: i32) -> Result<()> {
        // What is gone last is found again after a crash: a container, but not a volume without one.
        let removed =
            volumes::remove_anonymous(&self.store, container).and_then(|()| discard(&self.store, container));
        let died = Event::container("died", container).exit(code);
        let gone = removed.is_ok().then(|| Event::container("remove", container));
        self.store.tell([died].into_iter().chain(gone));
        removed
    }
}

/// Makes a container gone and gives its name back.
pub(super) fn discard(store: &Store, container: &Container) -> Result<()> {
    // Should we be killed, the mark leads the next command to the name.
    store.mark_active(&container.id)?;
    let was_there = store.discard(Kind::Containers, &container.id)?;
    if !store.release_name(&container.name, &container.id)? && was_there {
        // Renamed since the caller read its record.
        store.sweep_names()?;
    }
    store.clear_active(&container.id)?;
    Ok(())
}
