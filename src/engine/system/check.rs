//! Whether everything in the store is sound, object by object, and its repair.
//!
//! What can be made up for from what is left is: states, names, records of volumes. What cannot is removed: images
//! and what nothing reaches. Data that is only here is never removed unasked: a container whose record or layers are
//! lost goes with `force` alone.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode};

use super::super::remove::Removal;
use super::super::volumes::volumes_of;
use super::super::{Engine, Result};
use crate::base::digest::Digest;
use crate::base::file::Durability;
use crate::image::{artifact, layer};
use crate::store::artifacts::artifact_directory;
use crate::store::container::{Container, MountSource, Root, State, Status};
use crate::store::images::Image;
use crate::store::locks::{Hold, LIVE, Liveness};
use crate::store::staging::make_directory;
use crate::store::volumes::{DATA, Volume};
use crate::store::{Kind, Store, StoreError};

/// Longest manifest or configuration that was ever stored.
const BLOB_LIMIT: u64 = 16 << 20;

/// How to check.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checking {
    /// Look at what is there, but do not read the data of layers.
    pub quick: bool,
    pub repair: bool,
    /// Remove containers that cannot be repaired.
    pub force: bool,
}

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The object: `image …`, `container …`.
    pub object: String,
    pub reason: String,
    /// What was done about it; none: it is still so.
    pub repair: Option<String>,
}

struct Check<'a> {
    engine: &'a Engine,
    checking: Checking,
    problems: Vec<Problem>,
    /// What is wrong with layers that were looked at already.
    layers: HashMap<String, Option<String>>,
}

impl Engine {
    /// Looks through the whole store.
    pub fn check(&self, checking: Checking) -> Result<Vec<Problem>> {
        let mut check = Check {
            engine: self,
            checking,
            problems: Vec::new(),
            layers: HashMap::new(),
        };
        // What dead commands left is no damage: every command sweeps it.
        if let Err(error) = self.store.sweep() {
            check.found("staging", error.to_string(), None);
        }
        check.images()?;
        check.containers()?;
        check.tags()?;
        check.names()?;
        check.volumes()?;
        check.artifacts()?;
        check.unreachable()?;
        Ok(check.problems)
    }
}

impl Check<'_> {
    fn store(&self) -> &Store {
        &self.engine.store
    }

    fn found(&mut self, object: impl Into<String>, reason: String, repair: Option<&str>) {
        self.problems.push(Problem {
            object: object.into(),
            reason,
            repair: repair.map(str::to_owned),
        });
    }

    /// Tells of a problem, after trying to repair it where that was asked for.
    fn handle(
        &mut self,
        object: String,
        reason: String,
        done: &str,
        repair: impl FnOnce(&mut Self) -> Result<bool>,
    ) {
        let mut problem = Problem {
            object,
            reason,
            repair: None,
        };
        if self.checking.repair {
            match repair(self) {
                Ok(true) => problem.repair = Some(done.to_owned()),
                Ok(false) => problem.reason.push_str(" (in use, left alone)"),
                Err(error) => problem
                    .reason
                    .push_str(&format!(" (cannot be repaired: {error})")),
            }
        }
        self.problems.push(problem);
    }

    fn images(&mut self) -> Result<()> {
        for id in self.store().names(Kind::Images)? {
            let object = format!("image {id}");
            let Some(reason) = self.image(&id) else {
                let image = self.store().own_image(&id).ok().flatten();
                // The store that lends it may come back, so it stays.
                if let Some(reason) = image.and_then(|image| missing_content(&image.data())) {
                    self.found(
                        object,
                        format!("{reason}: share it again, or pull the image"),
                        None,
                    );
                }
                continue;
            };
            self.handle(object, reason, "removed", |check| {
                let Some(_held) = check.store().try_lock(Kind::Images, &id, Hold::Exclusive)? else {
                    return Ok(false);
                };
                // Somebody may have brought it anew before it was ours to judge.
                check.layers.clear();
                match check.image(&id) {
                    Some(_) => Ok(check.store().discard(Kind::Images, &id)?),
                    None => Ok(true),
                }
            });
        }
        Ok(())
    }

    /// What is wrong with the image that has this place.
    fn image(&mut self, id: &str) -> Option<String> {
        match self.store().own_image(id) {
            Ok(Some(image)) => self.known_image(&image),
            Ok(None) if self.store().object(Kind::Images, id).is_err() => None,
            Ok(None) => Some("its record is missing".into()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// What is wrong with an image whose record can be read.
    fn known_image(&mut self, image: &Image) -> Option<String> {
        let configuration = image.list.is_none().then_some(&image.id);
        let members = image.list.iter().flat_map(|list| &list.members);
        let manifests = image
            .manifests
            .iter()
            .chain(members.clone().map(|member| &member.manifest));
        for digest in configuration
            .into_iter()
            .chain(manifests.map(|manifest| &manifest.digest))
        {
            if let Err(error) = self.store().blob(digest, BLOB_LIMIT) {
                return Some(error.to_string());
            }
        }
        for file in members.flat_map(|member| &member.files) {
            if let Err(error) = self.store().list_file(&image.id.hex(), file) {
                return Some(error.to_string());
            }
        }
        let lent = image.lent.iter().flat_map(|lent| &lent.layers);
        let lent: HashSet<Digest> = lent.copied().collect();
        let own = image.layers.iter().filter(|layer| !lent.contains(&layer.diff_id));
        let own: Vec<String> = own.map(|layer| layer.diff_id.hex()).collect();
        let made = image.lent.as_ref().map(|lent| lent.name.clone());
        own.into_iter()
            .chain(image.fix_up.clone())
            .chain(made)
            .find_map(|name| self.layer(&name))
    }

    /// What is wrong with a layer or a fix-up tree.
    fn layer(&mut self, name: &str) -> Option<String> {
        if let Some(known) = self.layers.get(name) {
            return known.clone();
        }
        let reason = look_at_layer(self.store(), name, self.checking.quick).err();
        self.layers.insert(name.to_owned(), reason.clone());
        reason
    }

    fn containers(&mut self) -> Result<()> {
        for id in self.store().names(Kind::Containers)? {
            let directory = match self.store().object(Kind::Containers, &id) {
                Ok(directory) => directory,
                Err(error) if error.is_missing() => continue,
                Err(error) => {
                    self.found(format!("container {id}"), error.to_string(), None);
                    continue;
                }
            };
            let record = self.store().read_container(directory.as_fd(), &id);
            let state = self.store().read_state(directory.as_fd(), &id);
            let is_gone = self.store().object(Kind::Containers, &id).is_err();
            match (record, state) {
                _ if is_gone => {}
                (Err(error), _) => self.lost_container(&id, error.to_string()),
                (Ok(container), state) => {
                    if let Err(error) = state {
                        self.lost_state(&container, error.to_string());
                    }
                    self.container(&container);
                }
            }
        }
        Ok(())
    }

    fn container(&mut self, container: &Container) {
        let lost = container.root.layers().find_map(|name| self.layer(name));
        let lost = lost.or_else(|| missing_content(container.root.data()));
        if let Some(reason) = lost {
            return self.lost_container(&container.id, reason);
        }
        let needs_upper = !matches!(container.root, Root::Directory { overlay: false, .. });
        let upper = self
            .store()
            .path_of(Kind::Containers, &container.id)
            .join("upper");
        if needs_upper && !upper.is_dir() {
            return self.lost_container(&container.id, "its own files are missing".into());
        }
        let object = format!("container {}", container.id);
        let is_named = self.store().name(&container.name).ok().flatten() == Some(container.id.clone());
        if !is_named {
            let reason = format!("its name {} does not lead to it", container.name);
            self.handle(object.clone(), reason, "named again", |check| {
                check.store().take_name(&container.name, &container.id)?;
                Ok(true)
            });
        }
        for (name, mount) in volumes_of(container) {
            // Anonymous ones are made at the start.
            if matches!(mount.source, MountSource::Volume { anonymous: true, .. })
                || self.store().object(Kind::Volumes, name).is_ok()
            {
                continue;
            }
            let reason = format!("its volume {name} is missing");
            self.handle(object.clone(), reason, "made an empty one", |check| {
                let volume = Volume::new(name, false);
                Ok(check.store().make_volume(&volume, Durability::Synced)?)
            });
        }
    }

    /// A state that cannot be read is that of a container which has ended, unless its monitor lives.
    fn lost_state(&mut self, container: &Container, reason: String) {
        let id = &container.id;
        self.handle(format!("container {id}"), reason, "recorded as ended", |check| {
            let Some(held) = check.store().try_lock(Kind::Containers, id, Hold::Exclusive)? else {
                return Ok(false);
            };
            if Liveness::holder(held.as_fd(), LIVE).ok().flatten().is_some() {
                return Ok(false);
            }
            let state = State {
                status: Status::Exited,
                exit_code: 255,
                error: "its state was lost".into(),
                ..State::created()
            };
            check.store().write_state(held.as_fd(), id, &state)?;
            Ok(true)
        });
    }

    fn lost_container(&mut self, id: &str, reason: String) {
        let object = format!("container {id}");
        if self.checking.repair && !self.checking.force {
            let reason = format!("{reason} (--force removes it with its files)");
            return self.found(object, reason, None);
        }
        self.handle(object, reason, "removed", |check| {
            if check.store().container(id).is_ok() {
                let removal = Removal {
                    force: true,
                    volumes: true,
                    timeout: None,
                };
                if check.engine.remove(id, removal, &mut || ()).is_ok() {
                    return Ok(true);
                }
            }
            discard_container(check.store(), id)
        });
    }

    fn tags(&mut self) -> Result<()> {
        for tag in self.store().own_tags()? {
            if !matches!(self.store().image(&tag.image), Ok(None)) {
                continue;
            }
            let reason = format!("it names image {}, which is not here", tag.image);
            self.handle(format!("name {}", tag.reference), reason, "removed", |check| {
                Ok(check.store().remove_tag(&tag.reference, &tag.image)?)
            });
        }
        for file in self.store().stray_tags()? {
            let reason = "it is not what a name of an image is kept in".into();
            self.handle(format!("tags/{file}"), reason, "removed", |check| {
                unlink(check.store(), Kind::Tags, &file)
            });
        }
        Ok(())
    }

    fn names(&mut self) -> Result<()> {
        for name in self.store().names(Kind::Names)? {
            let object = format!("name {name}");
            match self.store().name(&name) {
                Ok(Some(id)) if self.store().is_used(&name, &id)? => {}
                Ok(Some(id)) => {
                    let reason = if self.store().is_kept(&id)? {
                        format!("it names container {id}, which has another name")
                    } else {
                        format!("it names container {id}, which is not here")
                    };
                    self.handle(object, reason, "removed", |check| {
                        check.store().sweep_names()?;
                        Ok(true)
                    });
                }
                _ => {
                    let reason = "it is not what a name of a container is kept in".into();
                    self.handle(object, reason, "removed", |check| {
                        unlink(check.store(), Kind::Names, &name)
                    });
                }
            }
        }
        Ok(())
    }

    fn volumes(&mut self) -> Result<()> {
        for name in self.store().names(Kind::Volumes)? {
            let object = format!("volume {name}");
            let Ok(directory) = self.store().object(Kind::Volumes, &name) else {
                if rustix::fs::lstat(self.store().path_of(Kind::Volumes, &name)).is_ok() {
                    self.found(object, "it is not a directory".into(), None);
                }
                continue;
            };
            if let Err(error) = self.store().volume(&name) {
                // The data is what counts; what is known of it beside its name is lost.
                self.handle(object.clone(), error.to_string(), "recorded anew", |check| {
                    let Some(held) = check.store().try_lock(Kind::Volumes, &name, Hold::Exclusive)? else {
                        return Ok(false);
                    };
                    let volume = Volume {
                        fresh: false,
                        ..Volume::new(&name, false)
                    };
                    check.store().write_volume(&held, &volume, Durability::Synced)?;
                    Ok(true)
                });
            }
            if rustix::fs::statat(&directory, DATA, AtFlags::SYMLINK_NOFOLLOW).is_err() {
                let reason = "its data is missing".into();
                self.handle(object, reason, "made an empty directory", |_| {
                    let data = make_directory(directory.as_fd(), DATA, Mode::RWXU);
                    let mode = Mode::from_raw_mode(0o755);
                    data.and_then(|data| rustix::fs::fchmod(&data, mode))
                        .map_err(super::super::errno(format!("volume {name}")))?;
                    Ok(true)
                });
            }
        }
        Ok(())
    }

    fn artifacts(&mut self) -> Result<()> {
        let (artifacts, damaged) = self.store().artifacts()?;
        let mut problems: Vec<(String, String, String)> = Vec::new();
        for artifact in artifacts {
            if let Err(error) = artifact::check(self.store(), &artifact, !self.checking.quick) {
                let place = artifact_directory(&artifact.name);
                problems.push((artifact.name, place, format!("{error:#}")));
            }
        }
        for error in damaged {
            if let StoreError::Damaged { path, .. } | StoreError::Io { path, .. } = &error {
                let place = path
                    .parent()
                    .and_then(|path| path.file_name())
                    .unwrap_or_default();
                let place = place.to_string_lossy().into_owned();
                problems.push((place.clone(), place, error.to_string()));
            }
        }
        for (name, place, reason) in problems {
            self.handle(format!("artifact {name}"), reason, "removed", |check| {
                let read = !check.checking.quick;
                Ok(artifact::discard_unsound(check.store(), &place, read)?)
            });
        }
        Ok(())
    }

    /// Layers and blobs that no record reaches, which an interrupted removal leaves.
    fn unreachable(&mut self) -> Result<()> {
        let unreachable = match self.store().unreachable() {
            Ok(unreachable) => unreachable,
            // Told of with the record that cannot be read.
            Err(_) => return Ok(()),
        };
        if unreachable.is_empty() {
            return Ok(());
        }
        if self.checking.repair {
            self.store().sweep_unreachable()?;
        }
        let left: HashSet<String> = if self.checking.repair {
            self.store().unreachable()?.into_iter().collect()
        } else {
            unreachable.iter().cloned().collect()
        };
        for path in unreachable {
            let repair = (!left.contains(&path)).then_some("removed");
            self.found(path, "nothing needs it".into(), repair);
        }
        Ok(())
    }
}

/// What is wrong when content is lent to us, and its store is gone.
fn missing_content(data: &[String]) -> Option<String> {
    let missing = data.iter().find(|path| !Path::new(path).is_dir())?;
    Some(format!("its content is lent from {missing}, which is not there"))
}

fn look_at_layer(store: &Store, name: &str, quick: bool) -> std::result::Result<(), String> {
    let described = |error: &dyn std::fmt::Display| format!("layer {name}: {error}");
    let directory = store
        .object(Kind::Layers, name)
        .map_err(|error| error.to_string())?;
    let is_there = |file: &str| {
        rustix::fs::statat(&directory, file, AtFlags::SYMLINK_NOFOLLOW)
            .map(drop)
            .map_err(|error| described(&format!("{file}: {error}")))
    };
    is_there(layer::TREE)?;
    if name.ends_with(".fix") || name.ends_with(".lent") {
        return Ok(());
    }
    let record = layer::read_record(directory.as_fd()).map_err(|error| described(&error))?;
    if record.diff_id.hex() != name {
        return Err(described(&format!("its record is for {}", record.diff_id)));
    }
    is_there("split")?;
    if !quick {
        layer::verify(directory.as_fd()).map_err(|error| described(&error))?;
    }
    Ok(())
}

/// Removes a container that cannot be read. `false`: somebody has it.
pub(super) fn discard_container(store: &Store, id: &str) -> Result<bool> {
    let Some(held) = store.try_lock(Kind::Containers, id, Hold::Exclusive)? else {
        return Ok(false);
    };
    if Liveness::holder(held.as_fd(), LIVE).ok().flatten().is_some() {
        return Ok(false);
    }
    store.discard(Kind::Containers, id)?;
    drop(held);
    store.sweep_names()?;
    // It is gone; what cannot be deleted now goes with a later sweep.
    let _ = store.empty_trash();
    Ok(true)
}

fn unlink(store: &Store, kind: Kind, name: &str) -> Result<bool> {
    let directory = store.directory(kind)?;
    rustix::fs::unlinkat(directory, name, AtFlags::empty())
        .map_err(super::super::errno(format!("{}/{name}", kind.path())))?;
    Ok(true)
}
