//! `kill` and `delete`: signals by pidfd, and the removal of everything that `create` made.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::bundle;
use super::state::{Found, Record, Status};
use super::{Held, Result, Runtime, hooks, refuse};
use crate::engine::errno;
use crate::runtime::cgroup::Cgroup;
use crate::sys::{process, signal};

/// How long a killed process may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Runtime {
    /// Sends a signal to the first process, or to all of the container.
    pub fn kill(&self, id: &str, number: i32, all: bool) -> Result<()> {
        let found = self.find(id)?;
        let group = found.record.as_ref().and_then(|record| record.cgroup.as_ref());
        if let (true, Some(group)) = (all, group) {
            let group = Cgroup::at(group.as_path());
            if number == Signal::KILL.as_raw() {
                group.kill();
            } else {
                signal_all(&group, number);
            }
            return Ok(());
        }
        let process = found.record.as_ref().and_then(Record::process);
        match (process, found.status) {
            (Some(process), Status::Created | Status::Running) => {
                signal::send(process.as_fd(), number).map_err(errno(format!("container {id:?}")))
            }
            _ if all => Ok(()),
            // In the words that containerd looks for.
            _ => refuse("container not running"),
        }
    }

    /// Deletes a container that has stopped; with `force` it is killed first, and one that is not there is no failure.
    /// `warn` is told about failed hooks, which keep nothing from being deleted.
    pub fn delete(&self, id: &str, force: bool, warn: &mut dyn FnMut(String)) -> Result<()> {
        super::check_id(id)?;
        let directory = match super::open_directory(&self.root.join(id)) {
            Err(Errno::NOENT) if force => return Ok(()),
            Err(Errno::NOENT) => return refuse(format!("container {id:?} does not exist")),
            result => result.map_err(errno(format!("container {id:?}")))?,
        };
        let held = Held::take(&directory, id)?;
        let found = self.find_held(id)?;
        if found.status != Status::Stopped {
            if !force {
                let word = match found.status {
                    Status::Created => "created",
                    _ => "running",
                };
                return refuse(format!(
                    "cannot delete container {id:?} that is not stopped: {word}"
                ));
            }
            end(&found)?;
        }
        if let Some(record) = &found.record {
            if let Some(group) = &record.cgroup {
                // Processes without a pid namespace of their own outlive the first one: they go with their group.
                Cgroup::at(group.as_path()).end();
            }
            run_poststop(&directory, record, warn);
        }
        self.remove_directory(id);
        drop(held);
        Ok(())
    }
}

fn run_poststop(directory: &OwnedFd, record: &Record, warn: &mut dyn FnMut(String)) {
    let read = bundle::read(directory, &format!("configuration of container {:?}", record.id));
    match read {
        Ok((_, config)) => {
            let listed = config
                .hooks()
                .as_ref()
                .and_then(|hooks| hooks.poststop().as_ref());
            for hook in listed.into_iter().flatten() {
                let one = vec![hook.clone()];
                if let Err(why) = hooks::run(Some(&one), &record.view(Status::Stopped), None) {
                    warn(format!("poststop hook {why}"));
                }
            }
        }
        Err(error) => warn(error.to_string()),
    }
}

/// Kills the first process, with whom its pid namespace ends, and waits for that.
fn end(found: &Found) -> Result<()> {
    let Some(first) = found.record.as_ref().and_then(Record::process) else {
        return Ok(());
    };
    match signal::send(first.as_fd(), Signal::KILL.as_raw()) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => return Err(errno("cannot kill the container")(error)),
    }
    match process::ends_within(first.as_fd(), Some(PATIENCE)) {
        Ok(true) => Ok(()),
        Ok(false) => refuse(format!(
            "the container's first process was killed {} seconds ago and has not ended",
            PATIENCE.as_secs()
        )),
        Err(error) => Err(errno("cannot wait for the container")(error)),
    }
}

fn signal_all(group: &Cgroup, number: i32) {
    for pid in group.processes() {
        let Some(pid) = Pid::from_raw(pid) else { continue };
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        // Still there after it was opened: then the descriptor is not of a later process.
        if group.processes().contains(&pid.as_raw_pid()) {
            let _ = signal::send(process.as_fd(), number);
        }
    }
}
