//! Which containers require which (`--requires`).
//!
//! The record of a container says what it requires. So that nobody has to read all records to know whether a container is
//! required, its directory has `dependents/` with an empty file by the id of each that requires it. The file is made
//! while the required container is held and before the record is published, and may outlive both: the record counts.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode};
use rustix::io::Errno;

use super::container::Container;
use super::{DIRECTORY, PRIVATE_DIRECTORY, Result, Store};
use crate::base::file::{self, Durability};
use crate::base::id;

const DEPENDENTS: &str = "dependents";

impl Store {
    /// Notes in the directory of the container `required` that `dependent` requires it.
    pub fn note_dependent(
        &self,
        directory: BorrowedFd<'_>,
        required: &str,
        dependent: &Container,
    ) -> Result<()> {
        let failed = |error| self.io(&format!("containers/{required}/{DEPENDENTS}"), error);
        match rustix::fs::mkdirat(directory, DEPENDENTS, PRIVATE_DIRECTORY) {
            Ok(()) if dependent.durability() == Durability::Synced => {
                rustix::fs::fsync(directory).map_err(|error| failed(error.into()))?;
            }
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let notes = rustix::fs::openat(directory, DEPENDENTS, DIRECTORY, Mode::empty())
            .map_err(|error| failed(error.into()))?;
        file::write(&notes, Path::new(&dependent.id), b"", dependent.durability()).map_err(failed)
    }

    /// The containers that require the container `required`, by id. Where the caller holds it alone these are all.
    pub fn dependents(&self, directory: BorrowedFd<'_>, required: &str) -> Result<Vec<String>> {
        let failed = |error: Errno| self.io(&format!("containers/{required}/{DEPENDENTS}"), error.into());
        let notes = match rustix::fs::openat(directory, DEPENDENTS, DIRECTORY, Mode::empty()) {
            Ok(notes) => notes,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut dependents = Vec::new();
        for entry in Dir::read_from(&notes).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().ok().filter(|name| id::is_prefix(name)) else {
                continue;
            };
            match self.container(name) {
                Ok(container) if !container.config.requires.iter().any(|id| id == required) => {}
                Err(error) if error.is_missing() => {
                    let _ = rustix::fs::unlinkat(&notes, name, AtFlags::empty());
                }
                // Of one whose record cannot be read nobody knows what it requires.
                Ok(_) | Err(_) => dependents.push(name.to_owned()),
            }
        }
        dependents.sort();
        Ok(dependents)
    }
}
