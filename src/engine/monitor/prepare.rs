//! What a monitor makes before the payload runs, and the payload itself.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use super::super::client::{SOCKET, address, socket};
use super::super::{Engine, EngineError, Result, errno, limits};
use super::passed::Passed;
use super::record::start_error;
use super::streams::Streams;
use crate::base::bytes::ByteString;
use crate::base::timing;
use crate::runtime::cgroup::Cgroup;
use crate::runtime::spawn::{self, Options, Started};
use crate::runtime::spec::{Gate, Process};
use crate::store::container::{Container, Root};
use crate::store::locks::{LIVE, Liveness};
use crate::store::shared;
use crate::sys::process;

/// A payload that runs, or a first process that waits to become it.
pub struct Payload {
    /// Dropping it unmounts the container's root.
    pub started: Started,
    pub cgroup: Option<Cgroup>,
    pub since: Instant,
}

impl Payload {
    /// Ends it when it could not be recorded.
    pub fn discard(self) {
        process::kill_and_reap(self.started.child.pidfd.as_fd());
        if let Some(cgroup) = self.cgroup {
            cgroup.end();
        }
    }
}

/// Starts the payload, or makes everything for it where there is a gate.
pub fn payload(
    engine: &Engine,
    container: &Container,
    directory: &OwnedFd,
    window: Option<(u16, u16)>,
    passed: &Passed,
    start_gate: Option<Gate>,
) -> Result<(Payload, Streams)> {
    let id = &container.id;
    renew_work(directory, id)?;
    engine.prepare_volumes(container)?;
    let mut spec = engine.spec(container, window.unwrap_or((24, 80)))?;
    timing::phase("control-group");
    let cgroup = control_group(container)?;
    spec.cgroup = cgroup.as_ref().and_then(|cgroup| cgroup.open().ok());
    announce(&mut spec.process, passed);
    let (streams, ends) = match passed.ends() {
        Ok(Some(ends)) => Ok((Streams::none(), Some(ends))),
        Ok(None) => Streams::make(&container.config),
        Err(error) => Err(error),
    }
    .map_err(errno("pipes"))?;
    let options = Options {
        streams: ends,
        die_with_parent: true,
        start_gate,
    };
    match spawn::spawn(spec, options) {
        Ok(mut started) => {
            let streams = streams.with_terminal(started.terminal.take());
            let payload = Payload {
                started,
                cgroup,
                since: Instant::now(),
            };
            Ok((payload, streams))
        }
        Err(error) => {
            if let Some(cgroup) = cgroup {
                cgroup.end();
            }
            Err(start_error(&error))
        }
    }
}

fn control_group(container: &Container) -> Result<Option<Cgroup>> {
    let resources = &container.config.resources;
    if container.config.no_group {
        return Ok(None);
    }
    let (required, wished) = (limits::settings(resources)?, limits::wished(resources));
    Cgroup::make(&container.id, &required, &wished).map_err(|error| EngineError::Start {
        exit: 125,
        message: error.to_string(),
    })
}

/// Tells the payload of descriptors that it gets.
fn announce(process: &mut Process, passed: &Passed) {
    process.descriptors = passed.numbers();
    if let Some(listen) = passed.listen() {
        let count = process.descriptors.len();
        process.is_listener = true;
        // Of variables that the image has by these names none is meant.
        let is_other = |entry: &ByteString| !entry.as_bytes().starts_with(b"LISTEN_");
        process.environment.retain(is_other);
        process.environment.push(format!("LISTEN_FDS={count}").into());
        if let Some(names) = &listen.names {
            process.environment.push(format!("LISTEN_FDNAMES={names}").into());
        }
    }
}

/// Keeps the layers whose content stores of others lend to the container.
pub fn keep_lent(container: &Container) -> Result<Vec<OwnedFd>> {
    let Root::Image { data, name, .. } = &container.root else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    for path in data {
        let path = Path::new(path);
        let what = || path.display().to_string();
        kept.push(
            shared::keep_data(path)
                .map_err(super::super::io(what()))?
                .ok_or_else(|| {
                    EngineError::Refused(format!(
                        "the content of image {name} is lent from {}, which is not there any more: \
                 pull the image, and make the container anew",
                        what()
                    ))
                })?,
        );
    }
    Ok(kept)
}

/// Proves to everybody that this container has a monitor. One that is just leaving is waited for.
pub fn take_liveness(directory: &OwnedFd, id: &str) -> Result<Liveness> {
    Liveness::wait(directory.as_fd(), LIVE).map_err(errno(format!("container {id}")))
}

/// overlayfs leaves things in its work directory that the next mount must not find.
fn renew_work(directory: &OwnedFd, id: &str) -> Result<()> {
    let failed = || format!("work directory of container {id}");
    if rustix::fs::statat(directory, "upper", rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_err() {
        return Ok(());
    }
    let inner = rustix::fs::statat(directory, "work/work", rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    if inner.is_ok() {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        let work = rustix::fs::openat(directory, "work", flags, rustix::fs::Mode::empty())
            .map_err(errno(failed()))?;
        crate::store::staging::empty(work.as_fd()).map_err(super::super::io(failed()))?;
    }
    Ok(())
}

pub fn listen(directory: &OwnedFd, id: &str) -> Result<OwnedFd> {
    let failed = || format!("socket of container {id}");
    let _ = rustix::fs::unlinkat(directory, SOCKET, rustix::fs::AtFlags::empty());
    let listener = socket().map_err(errno(failed()))?;
    rustix::io::ioctl_fionbio(&listener, true).map_err(errno(failed()))?;
    let address = address(directory, SOCKET).map_err(errno(failed()))?;
    rustix::net::bind(&listener, &address).map_err(errno(failed()))?;
    rustix::net::listen(&listener, 64).map_err(errno(failed()))?;
    Ok(listener)
}

pub fn write_pidfile(container: &Container, pid: i32) {
    super::surroundings::write_pidfile(container.config.pidfile.as_ref(), pid);
}
