//! Giving a container another name.

use std::os::fd::AsFd;

use super::state::{Condition, Held};
use super::{Engine, EngineError, Result};
use crate::store::events::Event;

impl Engine {
    /// Renames a container. At any moment one of the two names leads to it: that which its record bears.
    pub fn rename(&self, id: &str, name: &str, waiting: &mut dyn FnMut()) -> Result<()> {
        super::create::check_name(name)?;
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let mut held = self.hold(id, waiting)?.ok_or_else(missing)?;
        if held.container.name == name {
            return Ok(());
        }
        // The mark of one that runs, or may, is not ours to clear.
        let marks = matches!(held.condition, Condition::Created | Condition::Exited);
        if marks {
            self.store.mark_active(id)?;
        }
        let old = held.container.name.clone();
        let renamed = self.give_name(&mut held, name);
        if marks {
            self.store.clear_active(id)?;
        }
        renamed?;
        // One that vanishes when it ends may just have done so, under the name that its monitor knew.
        if !self.store.is_kept(id)? {
            self.store.release_name(name, id)?;
            return Err(missing());
        }
        self.store
            .tell([Event::container("rename", &held.container).with("oldName", old)]);
        Ok(())
    }

    fn give_name(&self, held: &mut Held, name: &str) -> Result<()> {
        self.store.take_name(name, &held.container.id)?;
        name.clone_into(&mut held.container.name);
        let written = self
            .store
            .write_container(held.directory.as_fd(), &held.container);
        if written.is_ok() {
            self.store.release_others(&held.container)?;
        } else {
            self.store.release_name(name, &held.container.id)?;
        }
        Ok(written?)
    }
}
