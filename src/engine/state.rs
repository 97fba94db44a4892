//! How a container is, looked up: a record says what was, locks and the kernel say what is.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, Signal};

use super::host;
use super::{Engine, EngineError, Result};
use crate::base::{id, time};
use crate::runtime::cgroup;
use crate::store::container::{Container, State, Status};
use crate::store::events::Event;
use crate::store::health::Report;
use crate::store::locks::{Hold, LIVE, Liveness, Locked};
use crate::store::{Kind, Store};

/// How a container is at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Never started.
    Created,
    /// Its monitor lives but has not yet started the payload.
    Starting,
    /// Its first process waits, and there is no payload yet.
    Initialized,
    Running,
    /// Its processes are frozen.
    Paused,
    /// It has ended, and its monitor waits to start it again.
    Restarting,
    Exited,
    /// Its monitor is gone without having recorded an end; the next command that acts on it does.
    Lost,
    /// Started on another machine that shares the store, where alone it can be seen whether it lives. Never swept.
    Elsewhere,
}

impl Condition {
    /// Judges a record together with whether the monitor holds its liveness lock.
    pub fn of(state: &State, monitor_lives: bool) -> Self {
        match (state.status, monitor_lives) {
            (Status::Created, false) => Self::Created,
            (Status::Created, true) | (Status::Starting, true) => Self::Starting,
            (Status::Starting | Status::Initialized | Status::Running | Status::Restarting, false) => {
                Self::Lost
            }
            (Status::Initialized, true) => Self::Initialized,
            (Status::Running, true) => Self::Running,
            (Status::Restarting, true) => Self::Restarting,
            // The monitor may still be cleaning up.
            (Status::Exited, _) => Self::Exited,
        }
    }

    /// Whether it lives, is about to, or may live where it cannot be seen: then nothing of it is spare.
    pub fn may_live(self) -> bool {
        self.runs()
            || matches!(
                self,
                Self::Starting | Self::Initialized | Self::Restarting | Self::Elsewhere
            )
    }

    /// Whether nothing that runs is lost with it.
    pub fn is_spare(self) -> bool {
        self == Self::Initialized || !self.may_live()
    }

    /// Whether its payload runs, frozen or not.
    pub fn runs(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// The same with what Podman says of one that somebody stops: until its end it runs.
    pub fn word_for(self, state: &State) -> &'static str {
        match self {
            Self::Running if state.stopping => "stopping",
            other => other.word(),
        }
    }

    /// The word that Docker and Podman use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Starting => "created",
            Self::Initialized => "initialized",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited | Self::Lost => "exited",
            Self::Elsewhere => "unknown",
        }
    }
}

/// A container as found.
pub struct Found {
    pub container: Container,
    pub state: State,
    pub condition: Condition,
    /// What its health checks have found, where it has some and was started.
    pub health: Option<Report>,
}

/// Everything about one container; none when it is gone.
pub fn look(store: &Store, id: &str) -> Result<Option<Found>> {
    let directory = match store.object(Kind::Containers, id) {
        Ok(directory) => directory,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let found = (|| {
        let container = store.read_container(directory.as_fd(), id)?;
        let (mut state, condition) = condition(store, directory.as_fd(), id)?;
        if condition == Condition::Lost {
            settle(&mut state);
        }
        let health = match container.config.health {
            Some(_) => store.read_health(directory.as_fd(), id)?,
            None => None,
        };
        Ok(Found {
            health,
            container,
            state,
            condition,
        })
    })();
    match found {
        Err(EngineError::Store(error)) if error.is_missing() && !is_there(store, id) => Ok(None),
        result => result.map(Some),
    }
}

/// Makes the record of a dead monitor say how it ended.
fn settle(state: &mut State) {
    state.error = match (state.boot == host::boot(), state.status) {
        (false, _) => "the machine was restarted".into(),
        (true, Status::Starting) => "its start was interrupted".into(),
        (true, Status::Restarting) => "its monitor was killed before it could start it again".into(),
        (true, _) => "its monitor was killed".into(),
    };
    // Of one that waited to be started again the end is known.
    if state.status != Status::Restarting {
        state.exit_code = 137;
    }
    state.status = Status::Exited;
    state.stopping = false;
    state.pid = 0;
}

fn is_there(store: &Store, id: &str) -> bool {
    store.object(Kind::Containers, id).is_ok()
}

/// The state's record and what it means now.
pub fn condition(store: &Store, directory: BorrowedFd<'_>, id: &str) -> Result<(State, Condition)> {
    // The lock first: a monitor that ends between the two looks has recorded the end before.
    let holder =
        Liveness::holder(directory, LIVE).map_err(|errno| super::errno(format!("container {id}"))(errno))?;
    let state = store.read_state(directory, id)?;
    let mut condition = Condition::of(&state, holder.is_some());
    if condition == Condition::Running && super::pause::is_paused(&state) {
        condition = Condition::Paused;
    }
    if condition == Condition::Lost && state.machine != host::machine() {
        condition = Condition::Elsewhere;
    }
    Ok((state, condition))
}

/// The id of the container that `text` names: a name, an id, or the beginning of one.
pub fn find(store: &Store, text: &str) -> Result<String> {
    let missing = || EngineError::NoSuchContainer(text.to_owned());
    // In Docker names begin with a slash.
    let text = text.strip_prefix('/').unwrap_or(text);
    if let Some(id) = store.bearer(text)? {
        return Ok(id);
    }
    if !id::is_prefix(text) {
        return Err(missing());
    }
    if text.len() == 64 {
        return if is_there(store, text) {
            Ok(text.to_owned())
        } else {
            Err(missing())
        };
    }
    let mut matching = store
        .names(Kind::Containers)?
        .into_iter()
        .filter(|id| id.starts_with(text));
    match (matching.next(), matching.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(missing()),
        (Some(_), Some(_)) => Err(EngineError::Ambiguous(text.to_owned())),
    }
}

/// A container, held alone, with a state that is true.
pub struct Held {
    pub directory: Locked,
    pub container: Container,
    pub state: State,
    pub condition: Condition,
}

impl Engine {
    /// Locks a container and settles what a dead monitor left. `waiting` is called when another command holds it for
    /// long. None when it is gone.
    pub fn hold(&self, id: &str, waiting: &mut dyn FnMut()) -> Result<Option<Held>> {
        let Some(directory) = self.store.lock(Kind::Containers, id, Hold::Exclusive, waiting)? else {
            return Ok(None);
        };
        self.held(directory, id).map(Some)
    }

    fn held(&self, directory: Locked, id: &str) -> Result<Held> {
        let container = self.store.read_container(directory.as_fd(), id)?;
        let (mut state, mut condition) = condition(&self.store, directory.as_fd(), id)?;
        if condition == Condition::Lost {
            self.bury(directory.as_fd(), &container, &mut state)?;
            condition = Condition::Exited;
        }
        Ok(Held {
            directory,
            container,
            state,
            condition,
        })
    }

    /// Ends what a dead monitor left alive and records the end.
    fn bury(&self, directory: BorrowedFd<'_>, container: &Container, state: &mut State) -> Result<()> {
        if state.boot == host::boot() {
            if let Some(pidfd) = init(state) {
                let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
                let _ = crate::sys::process::ends_within(pidfd.as_fd(), None);
            }
            // Recorded only once the payload runs, but made before.
            cgroup::end_all_of(&container.id);
        }
        let has_ended = state.status == Status::Restarting;
        settle(state);
        if !has_ended {
            state.finished = Some(time::now());
        }
        self.store.write_state(directory, &container.id, state)?;
        // What is to vanish is still to be swept.
        if !container.config.remove {
            self.store.clear_active(&container.id)?;
        }
        self.store
            .tell([Event::container("died", container).exit(state.exit_code)]);
        Ok(())
    }

    /// Settles the containers whose monitors have died, and removes those that were to vanish. Looks only at those that
    /// are being made, renamed, removed, started, or have no recorded end; what others hold is left to them. One that cannot be
    /// settled now does not keep the others from it.
    pub fn sweep_containers(&self) -> Result<()> {
        for id in self.store.names(Kind::Active)? {
            let _ = self.settle_active(&id);
        }
        Ok(())
    }

    fn settle_active(&self, id: &str) -> Result<()> {
        let Some(found) = look(&self.store, id)? else {
            // Published next, or gone, perhaps without its name.
            if !self.store.is_kept(id)? {
                self.store.sweep_names()?;
                self.store.clear_active(id)?;
            }
            return Ok(());
        };
        if found.condition.may_live() {
            return Ok(());
        }
        let Some(directory) = self.store.try_lock(Kind::Containers, id, Hold::Exclusive)? else {
            return Ok(());
        };
        // A monitor that is still cleaning up does the rest itself.
        if Liveness::holder(directory.as_fd(), LIVE).is_ok_and(|holder| holder.is_some()) {
            return Ok(());
        }
        let held = self.held(directory, id)?;
        self.store.release_others(&held.container)?;
        self.store.clear_active(id)?;
        if held.container.config.remove && held.condition == Condition::Exited {
            self.remove_held(held, false)?;
        }
        Ok(())
    }
}

/// A descriptor of the container's init, if that very process lives.
pub fn init(state: &State) -> Option<OwnedFd> {
    let pid = Pid::from_raw(state.pid)?;
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
    // Compared after it was opened: the descriptor cannot change its mind (pid reuse).
    (host::start_time(state.pid) == Some(state.start_time)).then_some(pidfd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let state = |status| State {
            status,
            ..State::created()
        };
        for (status, lives, expected) in [
            (Status::Created, false, Condition::Created),
            (Status::Created, true, Condition::Starting),
            (Status::Starting, true, Condition::Starting),
            (Status::Starting, false, Condition::Lost),
            (Status::Initialized, true, Condition::Initialized),
            (Status::Initialized, false, Condition::Lost),
            (Status::Running, true, Condition::Running),
            (Status::Running, false, Condition::Lost),
            (Status::Restarting, true, Condition::Restarting),
            (Status::Restarting, false, Condition::Lost),
            (Status::Exited, true, Condition::Exited),
            (Status::Exited, false, Condition::Exited),
        ] {
            assert_eq!(Condition::of(&state(status), lives), expected);
        }
    }
}
