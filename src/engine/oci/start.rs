//! `start`: opens the gate and hears whether the payload was executed.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::bundle;
use super::state::{ANSWER, Found, Record, Status, open_start};
use super::{Held, Result, Runtime, hooks, refuse};
use crate::engine::{EngineError, errno};
use crate::runtime::spawn;

impl Runtime {
    /// Lets a created container execute its payload.
    pub fn start(&self, id: &str) -> Result<()> {
        let directory = self.open(id)?;
        let held = Held::take(&directory, id)?;
        let found = self.find_held(id)?;
        let record = match (found.record.as_ref(), found.status) {
            (Some(record), Status::Created) => record,
            (_, Status::Running) => return refuse("cannot start an already running container"),
            (_, Status::Creating) => return refuse("cannot start a container that is being created"),
            _ => return refuse("cannot start a container that has stopped"),
        };
        open_gate(&found, record)?;
        let (_, config) = bundle::read(&directory, &format!("configuration of container {id:?}"))?;
        let listed = config
            .hooks()
            .as_ref()
            .and_then(|hooks| hooks.poststart().as_ref());
        let failed = hooks::run(listed, &record.view(Status::Running), None).err();
        drop(held);
        match failed {
            None => Ok(()),
            Some(why) => {
                // A container without its hooks is none (runtime.md, "Lifecycle", step 10).
                self.delete(id, true, &mut |_| {})?;
                refuse(format!("hook {why}"))
            }
        }
    }

    /// The same as `find`, for whoever holds the lock.
    pub(super) fn find_held(&self, id: &str) -> Result<Found> {
        let mut found = self.find(id)?;
        if found.record.is_none() {
            // The lock is ours: then nobody is creating it any more.
            found.status = Status::Stopped;
        }
        Ok(found)
    }
}

/// Writes the byte that the first process waits for, and waits for its exec to close the other FIFO.
fn open_gate(found: &Found, record: &Record) -> Result<()> {
    let failed = || format!("cannot reach the first process of container {:?}", record.id);
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Opened before the byte goes: after the exec there is no writer to be heard.
    let answer =
        rustix::fs::openat(&found.directory, ANSWER, flags, Mode::empty()).map_err(errno(failed()))?;
    let start = open_start(&found.directory).map_err(errno(failed()))?;
    rustix::io::write(&start, b"s").map_err(errno(failed()))?;
    drop(start);
    let mut message = [0; spawn::ANSWER_SIZE];
    let mut length = 0;
    while length < message.len() {
        let mut fds = [PollFd::from_borrowed_fd(answer.as_fd(), PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(errno(failed())(error)),
        }
        match rustix::io::read(&answer, &mut message[length..]) {
            Ok(0) if length == 0 => return Ok(()),
            Ok(0) => break,
            Ok(count) => length += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(errno(failed())(error)),
        }
    }
    let error = spawn::explain_answer(message, &record.program);
    Err(EngineError::Refused(format!("exec: {error}")))
}
