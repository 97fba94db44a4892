//! Giving a container another name.

use std::os::fd::AsFd;

use super::{Engine, EngineError, Result};

impl Engine {
    /// Renames a container. At any moment it has at least one of the two names, and its record has one that leads to it.
    pub fn rename(&self, id: &str, name: &str, waiting: &mut dyn FnMut()) -> Result<()> {
        super::create::check_name(name)?;
        let mut held = self
            .hold(id, waiting)?
            .ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        let before = held.container.name.clone();
        if before == name {
            return Ok(());
        }
        self.store.take_name(name, id)?;
        held.container.name = name.to_owned();
        let written = self
            .store
            .write_container(held.directory.as_fd(), &held.container);
        let unused = if written.is_ok() { before.as_str() } else { name };
        self.store.release_name(unused, id)?;
        Ok(written?)
    }
}
