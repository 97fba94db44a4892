//! Containers that require others (`--requires`): those are started before them, and cannot be removed without them.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use super::descriptors::Descriptors;
use super::protocol::Wishes;
use super::remove::Removal;
use super::state::look;
use super::{Engine, EngineError, Result};
use crate::store::Kind;
use crate::store::container::Container;
use crate::store::locks::{Hold, Locked};

impl Engine {
    /// Keeps what a container that is being made requires, and tells there of it, until the result is dropped.
    pub(super) fn hold_required(&self, container: &Container) -> Result<Vec<Locked>> {
        let mut held = Vec::new();
        // In the order of locks.
        for id in container.config.requires.iter().collect::<BTreeSet<_>>() {
            let lock = self.store.lock(Kind::Containers, id, Hold::Shared, &mut || ())?;
            let lock = lock.ok_or_else(|| gone(id))?;
            self.store.note_dependent(lock.as_fd(), id, container)?;
            held.push(lock);
        }
        Ok(held)
    }

    /// Starts containers that another one requires, and first what they require, unless they run.
    pub fn start_required(&self, required: &[String], waiting: &mut dyn FnMut()) -> Result<()> {
        for id in required {
            // The caller's streams are for the container that he asked for.
            match self.start(id, Wishes::default(), Descriptors::none(), waiting) {
                Ok(_) => {}
                Err(EngineError::NoSuchContainer(_)) => return Err(gone(id)),
                Err(error) => {
                    return Err(EngineError::Refused(format!(
                        "cannot start container {id}, which is required: {error}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Fails unless the containers run that another one requires.
    pub(super) fn check_required(&self, required: &[String]) -> Result<()> {
        for id in required {
            let found = look(&self.store, id)?.ok_or_else(|| gone(id))?;
            if !found.condition.runs() {
                return Err(EngineError::Refused(format!(
                    "container {id}, which is required, does not run: start it first"
                )));
            }
        }
        Ok(())
    }

    /// Removes a container, and first those that require it. Those that were removed, itself last.
    pub fn remove_with_dependents(
        &self,
        id: &str,
        removal: Removal,
        waiting: &mut dyn FnMut(),
    ) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        loop {
            match self.remove(id, removal, waiting) {
                Err(EngineError::Required { dependents, .. }) => {
                    for dependent in dependents {
                        removed.extend(self.remove_with_dependents(&dependent, removal, waiting)?);
                    }
                }
                Ok(was_there) => {
                    removed.extend(was_there.then(|| id.to_owned()));
                    return Ok(removed);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn gone(id: &str) -> EngineError {
    EngineError::Refused(format!(
        "container {id}, which is required, was removed: make the one that requires it anew"
    ))
}
