//! What a monitor writes down of its container.

use std::os::fd::{AsFd, OwnedFd};

use super::super::{EngineError, host, remove, volumes};
use super::prepare::Payload;
use crate::base::time;
use crate::runtime::spawn::SpawnError;
use crate::store::Store;
use crate::store::container::{Container, State, Status};
use crate::store::events::Event;

/// Notes that the payload runs.
pub fn started(state: &mut State, payload: &Payload) {
    initialized(state, payload);
    state.status = Status::Running;
    state.started = Some(time::now());
    state.finished = None;
}

/// Notes that there is a first process, which waits.
pub fn initialized(state: &mut State, payload: &Payload) {
    let pid = payload.started.child.pid.as_raw_nonzero().get();
    state.status = Status::Initialized;
    state.pid = pid;
    state.start_time = host::start_time(pid).unwrap_or(0);
    state.user_namespace = host::user_namespace();
    state.cgroup = payload
        .cgroup
        .as_ref()
        .map(|cgroup| cgroup.path().to_string_lossy().into_owned());
    state.exit_code = 0;
    state.oom_killed = false;
    state.stopping = false;
    state.sent = None;
    state.error.clear();
}

/// Notes that the payload has ended, or could not be started.
pub fn ended(state: &mut State, code: i32, error: String) {
    state.status = Status::Exited;
    state.exit_code = code;
    state.pid = 0;
    state.stopping = false;
    state.finished = Some(time::now());
    state.error = error;
}

/// Records that the container could not be started; one that was to vanish does.
pub fn failed(
    store: &Store,
    directory: &OwnedFd,
    container: &Container,
    state: &mut State,
    error: &EngineError,
) {
    ended(state, exit_code(error), error.to_string());
    super::surroundings::report(container, state);
    if container.config.remove {
        let _ = volumes::remove_anonymous(store, container);
        let _ = remove::discard(store, container);
        store.tell([Event::container("remove", container)]);
        let _ = store.empty_trash();
        return;
    }
    // As Docker: what never ran counts as created and can be started again.
    if state.started.is_none() {
        state.status = Status::Created;
    }
    let _ = store.write_state(directory.as_fd(), &container.id, state);
    let _ = store.clear_active(&container.id);
}

/// The exit code that tells of an error.
pub fn exit_code(error: &EngineError) -> i32 {
    match error {
        EngineError::Start { exit, .. } => *exit,
        _ => 125,
    }
}

/// Which exit code tells why a container could not be started.
pub fn start_error(error: &SpawnError) -> EngineError {
    let exit = match error {
        SpawnError::NotFound { .. } => 127,
        SpawnError::NotExecutable { .. } => 126,
        SpawnError::Step { what, .. } if what.starts_with("working directory") => 126,
        SpawnError::Account(_) => 126,
        _ => 125,
    };
    EngineError::Start {
        exit,
        message: error.to_string(),
    }
}
