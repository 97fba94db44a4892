//! Changing limits, the restart policy, health checks and the environment of containers that exist.

use std::os::fd::AsFd;

use super::client::connect;
use super::limits::{Changes, differences};
use super::pause::group;
use super::protocol::{Packet, Received, Wishes};
use super::state::{Condition, Held, look};
use super::{Engine, EngineError, Result, errno};
use crate::runtime::cgroup::CgroupError;
use crate::runtime::setting::Setting;
use crate::store::container::Config;
use crate::store::life::RestartPolicy;

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub limits: Changes,
    pub restart: Option<RestartPolicy>,
}

/// Changes what counts from the next start on, or says why it cannot be so.
pub type Edit<'a> = &'a dyn Fn(&mut Config) -> std::result::Result<(), String>;

/// What has become of it.
#[derive(Clone, Copy, Debug)]
pub struct Updated {
    /// It runs, with the environment that it was started with.
    pub runs: bool,
    /// Its monitor, which may be of an older version, goes on with the health checks that it had.
    pub has_old_checks: bool,
}

impl Engine {
    /// Changes a container: what runs at once, and its record, so that it starts so as well. When that fails it is as it
    /// was.
    pub fn update(
        &self,
        id: &str,
        update: &Update,
        edit: Edit<'_>,
        waiting: &mut dyn FnMut(),
    ) -> Result<Updated> {
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let mut held = self.hold(id, waiting)?.ok_or_else(missing)?;
        let refused = |why: &str| EngineError::Refused(format!("cannot update container {id}: {why}"));
        if held.container.config.remove && update.restart.is_some_and(|policy| !policy.is_no()) {
            return Err(refused(
                "it vanishes with its end (--rm), so that it cannot start again",
            ));
        }
        let health = held.container.config.health.clone();
        edit(&mut held.container.config).map_err(|why| refused(&why))?;
        let mut resources = held.container.config.resources.clone();
        update.limits.apply(&mut resources).map_err(|why| refused(&why))?;
        let settings = differences(&update.limits, &held.container.config.resources, &resources)
            .map_err(|error| refused(&error.to_string()))?;
        let has_group = !held.container.config.no_group;
        if !has_group && update.limits != Changes::default() {
            return Err(refused(
                "it has no control group (--cgroups=disabled), so that it cannot have limits",
            ));
        }
        let runs = match held.condition {
            Condition::Initialized | Condition::Running | Condition::Paused => {
                change_running(&held, &settings).map_err(|why| refused(&why))?;
                true
            }
            Condition::Starting => return Err(refused("it is being started")),
            Condition::Elsewhere => return Err(EngineError::Elsewhere(id.to_owned())),
            Condition::Created | Condition::Exited | Condition::Lost | Condition::Restarting => false,
        };
        let config = &mut held.container.config;
        config.resources = resources;
        config.restart = update.restart.unwrap_or(config.restart);
        let has_new_checks = config.health != health;
        self.store
            .write_container(held.directory.as_fd(), &held.container)?;
        drop(held);
        let has_old_checks = runs && has_new_checks && !self.pass_on_checks(id)?;
        Ok(Updated { runs, has_old_checks })
    }

    /// Lets a monitor take the health checks that the record says now. `false`: it does not know how.
    fn pass_on_checks(&self, id: &str) -> Result<bool> {
        let failed = || format!("cannot talk to the monitor of container {id}");
        // One that has ended has no old ones.
        let Some(connection) = connect(&self.store, id, Wishes::default())? else {
            return Ok(true);
        };
        if !connection.send(&Packet::Changed).map_err(errno(failed()))? {
            return Ok(true);
        }
        loop {
            match connection.receive(true).map_err(errno(failed()))? {
                Received::Packet(Packet::Changed | Packet::Exit(_)) => return Ok(true),
                Received::End => {
                    let found = look(&self.store, id)?;
                    return Ok(!found.is_some_and(|found| found.condition.runs()));
                }
                Received::Packet(_) | Received::Nothing => {}
            }
        }
    }
}

/// Changes the limits of what runs; the error says why not, and what helps.
fn change_running(held: &Held, settings: &[Setting]) -> std::result::Result<(), String> {
    let Some(Setting { controller, .. }) = settings.first() else {
        return Ok(());
    };
    let changed = match group(&held.state) {
        Some(group) => group.change(settings).map_err(|error| error.to_string()),
        None => Err(CgroupError::NoPlace { controller }.to_string()),
    };
    changed.map_err(|why| {
        format!("{why} (nothing was changed; one that is stopped gets its limits when it starts)")
    })
}
