//! Volumes: made, filled, listed by their users, removed.
//!
//! A named volume is there before the record of a container names it. An anonymous one is made right after, and made
//! up for at the start if its maker was killed in between, so that none is ever left without its container.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::AsFd;

use rustix::fs::Mode;

use super::{Engine, EngineError, Result, errno};
use crate::base::file::Durability;
use crate::base::id;
use crate::runtime::copy_up::{Tree, copy_up};
use crate::store::container::{Container, Mount, MountSource, Root};
use crate::store::events::Event;
use crate::store::locks::{Hold, Locked};
use crate::store::names;
use crate::store::staging::{Staging, make_directory};
use crate::store::volumes::{DATA, Volume};
use crate::store::{Kind, Store};

/// What `volume create` was told.
#[derive(Clone, Debug, Default)]
pub struct NewVolume {
    /// Made up when there is none.
    pub name: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub options: BTreeMap<String, String>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Not to be filled from an image.
    pub no_copy: bool,
}

/// Which containers use which volume.
#[derive(Debug, Default)]
pub struct Users {
    /// Identifiers and names of containers, by volume.
    by_volume: HashMap<String, Vec<(String, String)>>,
    /// Some container cannot be read: it might use any volume.
    pub uncertain: bool,
}

impl Users {
    /// Looks through the records of all containers.
    pub fn of(store: &Store) -> Result<Self> {
        let mut users = Self::default();
        for id in store.names(Kind::Containers)? {
            match store.container(&id) {
                Ok(container) => users.add(&container),
                Err(error) => {
                    users.uncertain |= !error.is_missing() || store.object(Kind::Containers, &id).is_ok()
                }
            }
        }
        Ok(users)
    }

    fn add(&mut self, container: &Container) {
        let names: BTreeSet<&str> = volumes_of(container).map(|(name, _)| name).collect();
        for name in names {
            let users = self.by_volume.entry(name.to_owned()).or_default();
            users.push((container.id.clone(), container.name.clone()));
        }
    }

    /// The containers that use a volume: identifiers and names.
    pub fn of_volume(&self, name: &str) -> &[(String, String)] {
        self.by_volume.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The volumes of a container and how they are mounted.
pub fn volumes_of(container: &Container) -> impl Iterator<Item = (&str, &Mount)> {
    let mounts = container.config.mounts.iter();
    mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume { name, .. } => Some((name.as_str(), mount)),
        _ => None,
    })
}

fn anonymous_of(container: &Container) -> impl Iterator<Item = &str> {
    volumes_of(container).filter_map(|(name, mount)| {
        matches!(mount.source, MountSource::Volume { anonymous: true, .. }).then_some(name)
    })
}

fn check_name(name: &str) -> Result<()> {
    if names::is_valid(name) {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "volume name {name:?} is invalid: letters, digits, `_`, `.` and `-` are allowed, a letter or digit first"
    )))
}

impl Engine {
    /// Makes a volume. `None`: there is one of that name.
    pub fn create_volume(&self, wish: NewVolume) -> Result<Option<Volume>> {
        let anonymous = wish.name.is_none();
        let name = wish.name.unwrap_or_else(id::random);
        check_name(&name)?;
        let mut volume = Volume::new(&name, anonymous);
        volume.fresh = !wish.no_copy;
        volume.labels = wish.labels;
        volume.options = wish.options;
        (volume.uid, volume.gid) = (wish.uid, wish.gid);
        let made = self.make_volume(&volume, Durability::Synced)?;
        Ok(made.then_some(volume))
    }

    fn make_volume(&self, volume: &Volume, durability: Durability) -> Result<bool> {
        let made = self.store.make_volume(volume, durability)?;
        if made {
            self.store.tell([Event::volume("create", &volume.name)]);
        }
        Ok(made)
    }

    /// Makes sure that the named volumes of a container that is being made are there, and keeps them until the result is
    /// dropped.
    pub(super) fn hold_volumes(&self, container: &Container) -> Result<Vec<Locked>> {
        let mut held = Vec::new();
        let anonymous: BTreeSet<&str> = anonymous_of(container).collect();
        let names: BTreeSet<&str> = volumes_of(container).map(|(name, _)| name).collect();
        for name in names.difference(&anonymous) {
            check_name(name)?;
            held.push(loop {
                let lock = self.store.lock(Kind::Volumes, name, Hold::Shared, &mut || ())?;
                match lock {
                    Some(lock) => break lock,
                    None => self.make_volume(&Volume::new(name, false), Durability::Synced)?,
                };
            });
        }
        Ok(held)
    }

    /// Makes the anonymous volumes of a container whose record is published.
    pub(super) fn make_anonymous_volumes(&self, container: &Container) -> Result<()> {
        for name in anonymous_of(container) {
            check_name(name)?;
            self.make_volume(&Volume::new(name, true), container.durability())?;
        }
        Ok(())
    }

    /// Before a container starts: its new volumes get what its image has at their places.
    pub(super) fn prepare_volumes(&self, container: &Container) -> Result<()> {
        self.make_anonymous_volumes(container)?;
        for (name, mount) in volumes_of(container) {
            self.prepare_volume(container, name, mount)
                .map_err(|error| match error {
                    EngineError::Refused(reason) => EngineError::Start {
                        exit: 125,
                        message: reason,
                    },
                    error => error,
                })?;
        }
        Ok(())
    }

    /// Fills a volume if this is its first use. Whoever comes meanwhile waits until that is done: it must mount the
    /// directory that stays.
    fn prepare_volume(&self, container: &Container, name: &str, mount: &Mount) -> Result<()> {
        let copies = matches!(mount.source, MountSource::Volume { copy: true, .. });
        loop {
            let Some(volume) = self.store.volume(name)? else {
                return Err(EngineError::Refused(format!(
                    "volume {name}, which container {} uses, is gone: `coracle volume create {name}` makes an empty one",
                    container.name
                )));
            };
            if !volume.fresh {
                return Ok(());
            }
            let Some(staging) = self.store.claim_volume(name)? else {
                self.store.await_volume_claim(name)?;
                continue;
            };
            if self.store.volume(name)?.is_none_or(|volume| !volume.fresh) {
                continue;
            }
            let filled = copies && self.fill_volume(&staging, container, mount, &volume)?;
            if filled && container.durability() == Durability::Synced {
                staging.sync()?;
            }
            self.settle(&staging, container, name, filled)?;
        }
    }

    /// Copies into `staging` what the image has. `false`: it has nothing there.
    fn fill_volume(
        &self,
        staging: &Staging<'_>,
        container: &Container,
        mount: &Mount,
        volume: &Volume,
    ) -> Result<bool> {
        let failed = || format!("volume {}", volume.name);
        let data = make_directory(staging.directory(), DATA, Mode::RWXU).map_err(errno(failed()))?;
        make_directory(staging.directory(), "empty", Mode::RWXU).map_err(errno(failed()))?;
        let empty = format!("{}/{}/empty", Kind::Staging.path(), staging.name());
        let tree = match &container.root {
            Root::Image { lowers, data, .. } => Tree::Layers {
                base: self.store.path(),
                lowers,
                data,
                empty: &empty,
            },
            Root::Directory { path, .. } => Tree::Directory(path.as_path()),
        };
        let filled = copy_up(&tree, &mount.target, data.as_fd()).map_err(|error| {
            EngineError::Refused(format!(
                "cannot fill volume {} with what the image has at {}: {error}",
                volume.name,
                mount.target.lossy()
            ))
        })?;
        volume.give(data.as_fd()).map_err(errno(failed()))?;
        Ok(filled)
    }

    /// The volume is used from now on.
    fn settle(&self, staging: &Staging<'_>, container: &Container, name: &str, filled: bool) -> Result<()> {
        let Some(held) = self
            .store
            .lock(Kind::Volumes, name, Hold::Exclusive, &mut || ())?
        else {
            return Ok(());
        };
        let Some(mut volume) = self.store.volume(name)?.filter(|volume| volume.fresh) else {
            return Ok(());
        };
        if filled {
            self.store.publish_data(staging, &held, name)?;
        }
        volume.fresh = false;
        self.store.write_volume(&held, &volume, container.durability())?;
        Ok(())
    }

    /// Removes a volume that no container uses. `false`: there is none of that name.
    pub fn remove_volume(&self, name: &str, waiting: &mut dyn FnMut()) -> Result<bool> {
        if !names::is_valid(name) {
            return Ok(false);
        }
        let Some(held) = self.store.lock(Kind::Volumes, name, Hold::Exclusive, waiting)? else {
            return Ok(false);
        };
        let users = Users::of(&self.store)?;
        let users = users.of_volume(name);
        if !users.is_empty() {
            return Err(EngineError::VolumeInUse {
                name: name.to_owned(),
                containers: users.iter().map(|(id, _)| (*id).to_owned()).collect(),
            });
        }
        self.store.discard(Kind::Volumes, name)?;
        drop(held);
        self.store.tell([Event::volume("remove", name)]);
        // It is gone; what cannot be deleted now goes with a later sweep.
        let _ = self.store.empty_trash();
        Ok(true)
    }

    /// The volumes that `prune` would remove: those that no container uses and that were made without a name, or with
    /// `all` every unused one.
    pub fn prunable_volumes(&self, all: bool, fits: &mut dyn FnMut(&Volume) -> bool) -> Result<Vec<Volume>> {
        let users = Users::of(&self.store)?;
        if users.uncertain {
            return Err(EngineError::Refused(
                "a container cannot be read and might use any volume: no volume is pruned before `coracle system check \
                 --repair`"
                    .into(),
            ));
        }
        let (mut volumes, _damaged) = self.store.volumes()?;
        volumes.retain(|volume| {
            (all || volume.anonymous) && users.of_volume(&volume.name).is_empty() && fits(volume)
        });
        Ok(volumes)
    }
}

/// Removes the anonymous volumes of a container that is being removed, but those that others use too.
pub(super) fn remove_anonymous(store: &Store, container: &Container) -> Result<()> {
    for name in anonymous_of(container) {
        let Some(held) = store.try_lock(Kind::Volumes, name, Hold::Exclusive)? else {
            continue;
        };
        // Judged under the lock, which whoever names the volume in a new container holds.
        let users = Users::of(store)?;
        if users.of_volume(name).iter().all(|(id, _)| *id == container.id) {
            store.discard(Kind::Volumes, name)?;
            store.tell([Event::volume("remove", name)]);
        }
        drop(held);
    }
    Ok(())
}
