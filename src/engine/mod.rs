//! A container's life: created, started, watched, entered, stopped, removed.
//!
//! A container that runs has a [`monitor`] of its own; commands talk to it by the [`protocol`] over the socket in the
//! container's directory. Nothing else is resident.

mod background;
pub mod client;
pub mod clone;
pub mod create;
pub mod descriptors;
pub mod diff;
pub mod events;
mod events_journal;
pub mod exec;
mod export;
mod files;
pub mod health;
mod host;
pub mod initialize;
pub mod limits;
pub mod list;
pub mod log;
pub mod log_journal;
pub mod log_lines;
pub mod monitor;
pub mod mounts;
pub mod notify;
pub mod oci;
pub mod pause;
pub mod protocol;
pub mod read_log;
pub mod relay;
pub mod remove;
pub mod rename;
mod requirements;
pub mod size;
pub mod spec;
pub mod start;
pub mod state;
pub mod stats;
pub mod stop;
pub mod system;
pub mod top;
pub mod update;
pub mod volumes;
mod watch;
pub mod why;

use std::path::Path;

use crate::base::timing;
use crate::runtime::data_only;
use crate::runtime::rootless::{self, Ids, Member, RootlessError};
use crate::store::{Kind, Store, StoreError};

/// The store, opened for acting: an ordinary user is superuser of its own user namespace from here on.
pub struct Engine {
    pub store: Store,
    /// Of a process that was born in its user namespace; else all.
    born_with: Ids,
    /// Keeps the user namespace alive; none for the host's superuser.
    member: Option<Member>,
    /// Monitors may keep a rootless user namespace for [`LINGER`] after its last container, so that the next command need
    /// not make one. Not where somebody counts processes: in CI jobs and systemd units.
    pub lingers: bool,
    /// Containers that it starts end with their caller, even if that is killed.
    pub guards: bool,
}

/// How long a user namespace outlives its last container.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

/// What keeps a command from doing what it was asked, where somebody branches on it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rootless(#[from] RootlessError),
    #[error("no container with name or ID {0:?} found: no such container")]
    NoSuchContainer(String),
    #[error("{0:?} is the beginning of more than one container's id: give more digits")]
    Ambiguous(String),
    #[error("container {0} is not running")]
    NotRunning(String),
    #[error("container {0} is restarting: wait until it runs")]
    Restarting(String),
    #[error("container {0} is running")]
    Running(String),
    #[error("container {id} is paused, unpause the container before {act}")]
    Paused { id: String, act: &'static str },
    #[error("container {0} is already paused")]
    AlreadyPaused(String),
    #[error("container {0} is not paused")]
    NotPaused(String),
    #[error(
        "container {0} was started on another machine that shares this store: act on it there; `rm --force` removes it"
    )]
    Elsewhere(String),
    #[error("volume {name} is being used by the following container(s): {}: volume is being used", containers.join(", "))]
    VolumeInUse { name: String, containers: Vec<String> },
    #[error("container {id} has dependent containers which must be removed before it: {}: container already exists", dependents.join(", "))]
    Required { id: String, dependents: Vec<String> },
    /// The container did not come to run its command.
    #[error("{message}")]
    Start { exit: i32, message: String },
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("{0}")]
    Refused(String),
}

/// What operations of the engine return.
pub type Result<T> = std::result::Result<T, EngineError>;

impl Engine {
    /// Opens the store at `root`, making it where there is none, and enters its user namespace.
    /// Called before the process has any thread.
    pub fn open(root: &Path) -> Result<Self> {
        let store = Store::open(root)?;
        let member = if rootless::is_privileged() {
            None
        } else {
            timing::phase("user-namespace");
            Some(rootless::enter(root)?)
        };
        Ok(Self {
            store,
            member,
            born_with: Ids::All,
            lingers: false,
            guards: false,
        })
    }

    /// Opens the store in a process that was born in its user namespace.
    pub fn inherit(root: &Path) -> Result<Self> {
        let store = Store::open(root)?;
        // In the initial user namespace there is nothing to be a member of.
        let born_with = rootless::mapped();
        let member = if born_with == Ids::All {
            None
        } else {
            rootless::remain(root)?
        };
        Ok(Self {
            store,
            member,
            born_with,
            lingers: false,
            guards: false,
        })
    }

    /// Keeps the user namespace for a moment, unless somebody else does. Ends at once when told to.
    fn linger(&self, signals: &crate::sys::signal::Signals) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Some(member) = self.member.as_ref().filter(|member| member.is_last()) else {
            return;
        };
        if member.ids != Ids::Ranges {
            return;
        }
        while let Ok(Some(_)) = signals.next() {}
        let limit = Timespec {
            tv_sec: LINGER.as_secs() as i64,
            tv_nsec: 0,
        };
        let _ = poll(&mut [PollFd::new(signals, PollFlags::IN)], Some(&limit));
    }

    /// Whether the kernel mounts layers whose content lies in a store that is shared with us. Tried out, which takes some
    /// milliseconds; called while the process has one thread.
    pub fn mounts_lent_content(&self) -> bool {
        let Ok(staging) = self.store.stage(None) else {
            return false;
        };
        data_only::works(&self.store.path_of(Kind::Staging, staging.name()))
    }

    /// Which ids there are for containers.
    pub fn ids(&self) -> Ids {
        self.member.as_ref().map_or(self.born_with, |member| member.ids)
    }

    /// The lowest value of /proc/PID/oom_score_adj that a process of ours may have; none where any is allowed. Going below
    /// one's own takes CAP_SYS_RESOURCE in the machine's user namespace (proc_pid_oom_score_adj(5)).
    pub fn least_oom_score(&self) -> Option<i32> {
        let may_lower = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE);
        if self.ids() == Ids::All && may_lower.unwrap_or(false) {
            return None;
        }
        let own = crate::base::file::read_proc("/proc/self/oom_score_adj").ok()?;
        std::str::from_utf8(&own).ok()?.trim().parse().ok()
    }
}

/// Adds what was being done to an error of the system.
fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> EngineError {
    |source| EngineError::Io {
        what: what.into(),
        source,
    }
}

/// The same for error numbers.
fn errno(what: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> EngineError {
    |errno| EngineError::Io {
        what: what.into(),
        source: errno.into(),
    }
}
