//! The end of a store: everything stopped and removed.

use super::super::remove::Removal;
use super::super::{Engine, Result, io};
use super::check::discard_container;
use crate::store::locks::Hold;
use crate::store::{Kind, staging};

impl Engine {
    /// Stops and removes all containers, then empties the store's directory. Files of subordinate ids go too, since
    /// we are in the user namespace that has these ids.
    pub fn reset(&self) -> Result<()> {
        let removal = Removal {
            force: true,
            volumes: true,
            timeout: None,
        };
        for id in self.store.names(Kind::Containers).unwrap_or_default() {
            if self.remove_with_dependents(&id, removal, &mut || ()).is_err() {
                // Damage is no reason to stay.
                discard_container(&self.store, &id)?;
            }
        }
        for id in self.store.names(Kind::Images).unwrap_or_default() {
            if let Ok(Some(held)) = self.store.lock(Kind::Images, &id, Hold::Exclusive, &mut || ()) {
                // What stays mounted is told of when its layers are removed.
                let _ = self.store.unmount_everywhere(&held, Kind::Images, &id);
            }
        }
        let empty = || staging::empty(self.store.root());
        // A monitor that is just leaving may still put something down; nobody comes after it.
        empty()
            .or_else(|_| empty())
            .map_err(io(self.store.path().display().to_string()))
    }
}
