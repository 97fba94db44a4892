//! Control groups, version 2: a container's, its limits, its end.
//!
//! The places of `hierarchy` are tried one after the other. A machine without a writable one runs containers all the same;
//! only limits that were asked for are then refused.

use std::ffi::OsStr;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::hierarchy::{self, Place, mount_point, places};
use super::setting::Setting;

/// What the names of containers' groups begin with; the id follows.
const PREFIX: &str = "coracle-";
/// How deep groups are followed.
const DEPTH: u32 = 64;
/// How long killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The group of one container.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
}

/// Why limits cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    #[error(
        "cannot limit {controller}: no control group of this machine is ours to write: run it as a systemd unit with \
         Delegate=yes (systemd-run --user --scope -p Delegate=yes ...), or mount cgroup2 where it is writable"
    )]
    NoPlace { controller: &'static str },
    #[error("cannot limit {controller}: the user's service manager gives no control group: {source}")]
    NotGiven {
        controller: &'static str,
        source: std::io::Error,
    },
    #[error("cannot limit {controller}: the controller is missing in {}: {}", level.display(), cure(level))]
    Missing {
        controller: &'static str,
        level: PathBuf,
    },
    #[error(
        "cannot limit {controller}: the group {} has processes of others, so that no group below it can have limits: run \
         it as a systemd unit with Delegate=yes", path.display()
    )]
    Busy { controller: &'static str, path: PathBuf },
    #[error("requested {what} are not available - requested {asked}, available: {found}")]
    NotAvailable {
        what: &'static str,
        asked: String,
        found: String,
    },
    #[error("{file} was set to {asked} and is {found}")]
    NotTaken {
        file: String,
        asked: String,
        found: String,
    },
    #[error("the control group {} has processes of somebody else", path.display())]
    InUse { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

type Result<T> = std::result::Result<T, CgroupError>;

impl CgroupError {
    fn is_about_value(&self) -> bool {
        matches!(
            self,
            Self::NotAvailable { .. } | Self::NotTaken { .. } | Self::Write { .. }
        )
    }
}

/// What gives a controller to the topmost group that has it not.
fn cure(level: &Path) -> String {
    let name = level.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("user@") {
        format!(
            "write \"[Service]\" and \"Delegate=yes\" into /etc/systemd/system/user@.service.d/delegate.conf, then run \
             systemctl daemon-reload and restart {name}"
        )
    } else if name.ends_with(".service") || name.ends_with(".scope") {
        format!("add it to Delegate= of the unit {name}")
    } else {
        "the kernel has it not or another hierarchy uses it, or cgroup.subtree_control of the group above does not list it"
            .into()
    }
}

impl Cgroup {
    /// Makes a group named `coracle-ID` with `limits`. `None` where there is no place and no limit.
    /// `wished` limits are set where the controller is at hand or ours to have, and passed over elsewhere.
    pub fn make(id: &str, limits: &[Setting], wished: &[Setting]) -> Result<Option<Self>> {
        let required = limits.first().map(|limit| limit.controller);
        let name = name(id);
        let mut refused = None;
        let mut places = places();
        if let (Some(controller), true) = (required, places.is_empty()) {
            let asked = hierarchy::ask_for_place(&name);
            places.extend(asked.map_err(|source| CgroupError::NotGiven { controller, source })?);
        }
        for mut place in places {
            if required.is_some() {
                place.shield();
            }
            let Some(path) = place.make_group(&name) else {
                continue;
            };
            let group = Self { path };
            match group.enable_and_set(&place, limits, wished) {
                Ok(()) => return Ok(Some(group)),
                Err(error) => {
                    group.end();
                    // Of a value that the kernel refuses no other place says more.
                    if !refused.as_ref().is_some_and(CgroupError::is_about_value) {
                        refused = Some(error);
                    }
                }
            }
        }
        match (required, refused) {
            (None, _) => Ok(None),
            (Some(_), Some(error)) => Err(error),
            (Some(controller), None) => Err(CgroupError::NoPlace { controller }),
        }
    }

    /// Makes the group at `path`, relative to the root of the hierarchy, with `settings`. `None` where groups cannot be
    /// made and nothing is to be set.
    pub fn make_at(path: &Path, settings: &[Setting]) -> Result<Option<Self>> {
        let no_place = || match settings.first() {
            Some(setting) => Err(CgroupError::NoPlace {
                controller: setting.controller,
            }),
            None => Ok(None),
        };
        let Some(mount) = mount_point() else {
            return no_place();
        };
        let mut level = mount;
        for part in path {
            for setting in settings {
                // Where it is missing in the end that is said below.
                let control = level.join("cgroup.subtree_control");
                let _ = std::fs::write(control, format!("+{}", setting.controller));
            }
            level.push(part);
            if hierarchy::make(&level).is_err() {
                return no_place();
            }
        }
        let group = Self { path: level };
        if hierarchy::has_processes(&group.path) {
            return Err(CgroupError::InUse { path: group.path });
        }
        match group.apply(settings) {
            Ok(()) => Ok(Some(group)),
            Err(error) => {
                group.end();
                Err(error)
            }
        }
    }

    fn apply(&self, settings: &[Setting]) -> Result<()> {
        for setting in settings {
            self.check_controller(setting)?;
            self.write(&setting.file, &setting.value)?;
        }
        Ok(())
    }

    /// Refuses what the group lacks the controller for.
    pub(super) fn check_controller(&self, setting: &Setting) -> Result<()> {
        match self.has(setting.controller) {
            true => Ok(()),
            false => Err(CgroupError::Missing {
                controller: setting.controller,
                level: self.path.parent().unwrap_or(&self.path).into(),
            }),
        }
    }

    /// Whether a controller is at hand in the group.
    pub(super) fn has(&self, controller: &str) -> bool {
        hierarchy::lists(&self.path.join("cgroup.controllers"), controller)
    }

    /// The processes in the group itself.
    pub fn processes(&self) -> Vec<i32> {
        let pids = std::fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        pids.lines().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// The group at a path that a record names.
    pub fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves us, if need be, to where a child of ours can be born in the group. `false`: there is no such place.
    pub fn reach(&self) -> std::io::Result<bool> {
        if hierarchy::is_reachable(&self.path) {
            return Ok(true);
        }
        Ok(hierarchy::ask_for_place("coracle-exec")?.is_some() && hierarchy::is_reachable(&self.path))
    }

    /// The directory, for a process to be born in.
    pub fn open(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&self.path, flags, Mode::empty())
    }

    fn enable_and_set(&self, place: &Place, limits: &[Setting], wished: &[Setting]) -> Result<()> {
        for limit in limits {
            if !self.has(limit.controller) {
                place.enable(limit.controller)?;
            }
        }
        for wish in wished.iter().filter(|_| place.is_ours) {
            if !self.has(wish.controller) {
                let _ = place.enable(wish.controller);
            }
        }
        for limit in limits {
            self.take(limit)?;
        }
        for wish in wished {
            let _ = self.write(&wish.file, &wish.value);
        }
        Ok(())
    }

    pub(super) fn write(&self, file: &str, value: &str) -> Result<()> {
        let path = self.path.join(file);
        // Writing nothing would not reach the kernel.
        let value = if value.is_empty() { "\n" } else { value };
        std::fs::write(&path, value).map_err(|source| CgroupError::Write { path, source })
    }

    /// Whether the kernel has killed a process here for want of memory.
    pub fn out_of_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| {
            line.strip_prefix("oom_kill ")
                .is_some_and(|count| count.trim() != "0")
        })
    }

    /// Kills everything in the group and below (`cgroup.kill`, since Linux 5.14).
    pub fn kill(&self) {
        let _ = std::fs::write(self.path.join("cgroup.kill"), "1");
    }

    /// Ends everything in the group and below, and removes it.
    pub fn end(&self) {
        // As a rule nothing is left: init has ended, and with it its pid namespace.
        if matches!(rustix::fs::rmdir(&self.path), Err(Errno::BUSY)) {
            self.kill();
            self.await_end();
            remove_below(&self.path, 0);
        }
        hierarchy::lift_shield(&self.path);
    }

    /// Waits until nothing lives in the group or below; not for ever, as a process can hang in the kernel.
    fn await_end(&self) {
        let Ok(mut events) = std::fs::File::open(self.path.join("cgroup.events")) else {
            return;
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut text = String::new();
            let read = events.rewind().and_then(|()| events.read_to_string(&mut text));
            if read.is_err() || !text.contains("populated 1") {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            // The file tells of a change since it was last read (cgroups(7), "cgroup.events").
            match poll(&mut [PollFd::new(&events, PollFlags::PRI)], timeout.as_ref()) {
                Ok(0) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

/// Ends the groups of the container `id` wherever [`Cgroup::make`] has made them, for which a monitor that was killed may
/// have left no record.
pub fn end_all_of(id: &str) {
    if let Some(mount) = mount_point() {
        end_below(&mount, &name(id), 0);
    }
}

fn end_below(path: &Path, wanted: &str, depth: u32) {
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            continue;
        }
        let found = entry.file_name();
        if found == wanted {
            Cgroup { path: entry.path() }.end();
        } else if depth < DEPTH && !is_containers(&found) {
            end_below(&entry.path(), wanted, depth + 1);
        }
    }
}

/// The name of a container's group.
fn name(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// Whether a group is a container's: what lies in it is the container's own affair.
fn is_containers(name: &OsStr) -> bool {
    let id = name.as_bytes().strip_prefix(PREFIX.as_bytes());
    id.is_some_and(|id| id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit))
}

/// Removes a group after the ones below it. Depth is bounded, since the container chose it.
fn remove_below(path: &Path, depth: u32) {
    if depth < DEPTH
        && let Ok(entries) = std::fs::read_dir(path)
    {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_below(&entry.path(), depth + 1);
            }
        }
    }
    let _ = rustix::fs::rmdir(path);
}
