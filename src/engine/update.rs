//! Changing limits and the restart policy of containers that exist.

use std::os::fd::AsFd;

use super::pause::group;
use super::state::{Condition, Held};
use super::{Engine, EngineError, Result};
use crate::runtime::cgroup::CgroupError;
use crate::runtime::change::Changes;
use crate::store::life::RestartPolicy;

/// What is to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub limits: Changes,
    pub restart: Option<RestartPolicy>,
}

impl Engine {
    /// Changes a container: what runs at once, and its record, so that it starts so as well. When that fails it is as it
    /// was.
    pub fn update(&self, id: &str, update: &Update, waiting: &mut dyn FnMut()) -> Result<()> {
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let mut held = self.hold(id, waiting)?.ok_or_else(missing)?;
        let refused = |why: &str| EngineError::Refused(format!("cannot update container {id}: {why}"));
        if held.container.config.remove && update.restart.is_some_and(|policy| !policy.is_no()) {
            return Err(refused(
                "it vanishes with its end (--rm), so that it cannot start again",
            ));
        }
        match held.condition {
            Condition::Running | Condition::Paused => {
                change_running(&held, update).map_err(|why| refused(&why))?
            }
            Condition::Starting => return Err(refused("it is being started")),
            Condition::Elsewhere => return Err(EngineError::Elsewhere(id.to_owned())),
            Condition::Created | Condition::Exited | Condition::Lost | Condition::Restarting => {}
        }
        let config = &mut held.container.config;
        let limits = &update.limits;
        config.resources.memory = limits.memory.unwrap_or(config.resources.memory);
        config.resources.nano_cpus = limits.nano_cpus.unwrap_or(config.resources.nano_cpus);
        config.resources.pids = limits
            .pids
            .map_or(config.resources.pids, |pids| Some(pids.unwrap_or(0)));
        config.restart = update.restart.unwrap_or(config.restart);
        Ok(self
            .store
            .write_container(held.directory.as_fd(), &held.container)?)
    }
}

/// Changes the limits of what runs; the error says why not, and what helps.
fn change_running(held: &Held, update: &Update) -> std::result::Result<(), String> {
    let Some(controller) = update.limits.controllers().next() else {
        return Ok(());
    };
    let changed = match group(&held.state) {
        Some(group) => group.change(&update.limits).map_err(|error| error.to_string()),
        None => Err(CgroupError::NoPlace { controller }.to_string()),
    };
    changed.map_err(|why| {
        format!("{why} (nothing was changed; one that is stopped gets its limits when it starts)")
    })
}
