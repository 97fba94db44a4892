//! Making a container: a staged directory with its records, a name, one rename.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::Mode;

use super::{Engine, EngineError, Result, errno};
use crate::base::{id, time, timing};
use crate::store::container::{Container, Log, Root, Sharing, State, VERSION};
use crate::store::events::Event;
use crate::store::locks::Hold;
use crate::store::staging::make_directory;
use crate::store::{Kind, StoreError};

/// How a container gets its name.
pub enum Naming<'a> {
    Given(&'a str),
    /// Asked again when the name is taken.
    Generated(&'a mut dyn FnMut() -> String),
}

/// A container that was just made.
pub struct Born {
    pub id: String,
    pub name: String,
    pub log: Log,
    /// Its directory, still locked against everybody else.
    pub directory: OwnedFd,
}

/// Refuses what cannot be the name of a container.
pub(super) fn check_name(name: &str) -> Result<()> {
    if crate::store::names::is_valid(name) {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "container name {name:?} is invalid: letters, digits, `_`, `.` and `-` are allowed, a letter or digit first"
    )))
}

/// What a host may be called of the name of a container.
pub(super) fn host_name(name: &str) -> String {
    let kept = name.chars().filter(|letter| *letter != '_');
    kept.take(64)
        .collect::<String>()
        .trim_matches(['.', '-'])
        .to_owned()
}

impl Engine {
    /// Makes `container`, whose id, name and time are filled in. `starting`: the caller starts it at once, so that it is
    /// taken for interrupted when the caller dies before.
    pub fn create(&self, container: &mut Container, naming: Naming<'_>, starting: bool) -> Result<Born> {
        timing::phase("record");
        self.check_config(&container.config)?;
        if starting {
            super::start::check_streams(&container.config.log)?;
        }
        let staging = self.store.stage(None)?;
        let id = staging.name().to_owned();
        container.version = VERSION;
        container.id.clone_from(&id);
        container.created = time::now();
        let mut state = State::created();
        if starting {
            super::start::begin(&mut state);
        }
        container.first = Some(state);
        let _required = self.hold_required(container)?;
        // An image in use is not removed between now and the moment when the container's record tells so.
        let _image = self.hold_image(&container.root)?;
        let _volumes = self.hold_volumes(container)?;
        // What died before us may hold the name.
        self.sweep_containers()?;
        self.store.mark_active(&id)?;
        container.name = self.take_any_name(naming, &id).inspect_err(|_| {
            let _ = self.store.clear_active(&id);
        })?;
        let config = &mut container.config;
        if config.hostname.is_empty() && config.uts == Sharing::Private {
            config.hostname = match config.is_named_host {
                true => host_name(&container.name),
                false => id::short(&id).to_owned(),
            };
        }
        let made = self.fill(&staging, container).and_then(|()| {
            let (_, directory) = staging.publish(Kind::Containers, &id)?;
            let directory =
                directory.ok_or_else(|| EngineError::Refused(format!("container {id} exists already")))?;
            self.make_anonymous_volumes(container).inspect_err(|_| {
                let _ = super::volumes::remove_anonymous(&self.store, container);
                let _ = super::remove::discard(&self.store, container);
            })?;
            Ok(directory)
        });
        match made {
            Ok(directory) => {
                // Of one that is started at once its monitor tells, with its start.
                if !starting {
                    self.store.clear_active(&id)?;
                    self.store.tell([Event::container("create", container)]);
                }
                Ok(Born {
                    id,
                    name: container.name.clone(),
                    log: container.config.log.clone(),
                    directory,
                })
            }
            Err(error) => {
                let _ = self.store.release_name(&container.name, &id);
                let _ = self.store.clear_active(&id);
                Err(error)
            }
        }
    }

    fn hold_image(&self, root: &Root) -> Result<Option<impl Sized>> {
        let Root::Image { id, name, .. } = root else {
            return Ok(None);
        };
        match self.store.lock(Kind::Images, id, Hold::Shared, &mut || ())? {
            Some(lock) => Ok(Some(lock)),
            None => Err(EngineError::Refused(format!(
                "image {name} was removed meanwhile"
            ))),
        }
    }

    fn take_any_name(&self, naming: Naming<'_>, id: &str) -> Result<String> {
        match naming {
            Naming::Given(name) => {
                check_name(name)?;
                self.store.take_name(name, id)?;
                Ok(name.to_owned())
            }
            Naming::Generated(next) => loop {
                let name = next();
                match self.store.take_name(&name, id) {
                    Ok(()) => return Ok(name),
                    Err(StoreError::NameInUse { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            },
        }
    }

    fn fill(&self, staging: &crate::store::staging::Staging<'_>, container: &Container) -> Result<()> {
        let directory = staging.directory();
        let failed = || format!("container {}", container.id);
        let has_upper = !matches!(container.root, Root::Directory { overlay: false, .. });
        if has_upper {
            let upper = make_directory(directory, "upper", Mode::RWXU).map_err(errno(failed()))?;
            self.dress_upper(upper.as_fd(), &container.root)?;
            rustix::fs::mkdirat(directory, "work", Mode::RWXU).map_err(errno(failed()))?;
        }
        if matches!(&container.root, Root::Image { lowers, .. } if lowers.is_empty()) {
            rustix::fs::mkdirat(directory, "empty", Mode::RWXU).map_err(errno(failed()))?;
        }
        Ok(self.store.write_first(directory, container)?)
    }

    /// Gives the writable layer's root the attributes that the image's root has: overlayfs shows the uppermost ones.
    fn dress_upper(&self, upper: std::os::fd::BorrowedFd<'_>, root: &Root) -> Result<()> {
        let lower = match root {
            Root::Image { lowers, .. } => lowers.first().map(|lower| self.store.path().join(lower)),
            Root::Directory { path, .. } => Some(path.as_path().to_path_buf()),
        };
        let mode = lower
            .and_then(|lower| rustix::fs::stat(&lower).ok())
            .map_or(0o755, |status| {
                let _ = rustix::fs::fchown(
                    upper,
                    Some(rustix::fs::Uid::from_raw(status.st_uid)),
                    Some(rustix::fs::Gid::from_raw(status.st_gid)),
                );
                status.st_mode & 0o7777
            });
        rustix::fs::fchmod(upper, Mode::from_raw_mode(mode)).map_err(errno("the container's upper directory"))
    }
}
