//! A process in a container that goes on without the command that started it. Its parent is a process of ours that stays, so
//! that its end is told among the events, and that takes what a terminal has.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};

use super::exec::{Prepared, Request};
use super::{Engine, EngineError, Result, errno, io};
use crate::store::Store;
use crate::sys::process;

impl Engine {
    /// Starts a process in the container `id` and leaves it.
    pub fn exec_in_background(&self, id: &str, request: &Request) -> Result<()> {
        let prepared = self.prepare_exec(id, request)?;
        let failed = || "cannot start a process in the background".to_owned();
        let (answer, tell) = pipe_with(PipeFlags::CLOEXEC).map_err(errno(failed()))?;
        process::fork(|| {
            let _ = rustix::process::setsid();
            let _ = rustix::process::chdir(c"/");
            process::close_copy(answer.as_raw_fd());
            process::close_foreign();
            attend(&self.store, prepared, tell.as_fd());
            0
        })
        .map_err(errno(failed()))?;
        drop(tell);
        let mut bytes = Vec::new();
        File::from(answer).read_to_end(&mut bytes).map_err(io(failed()))?;
        match bytes.split_first_chunk() {
            Some((exit, [])) if i32::from_le_bytes(*exit) == 0 => Ok(()),
            Some((exit, message)) => Err(EngineError::Start {
                exit: i32::from_le_bytes(*exit),
                message: String::from_utf8_lossy(message).into_owned(),
            }),
            None => Err(EngineError::Start {
                exit: 125,
                message: failed(),
            }),
        }
    }
}

/// Starts it, answers whether that was done, and waits for its end.
fn attend(store: &Store, prepared: Prepared, tell: BorrowedFd<'_>) {
    let answer = |exit: i32, message: &str| {
        let bytes = [&exit.to_le_bytes(), message.as_bytes()].concat();
        let _ = rustix::io::fcntl_dupfd_cloexec(tell, 3).map(|tell| File::from(tell).write_all(&bytes));
    };
    let passed = prepared.descriptors().to_vec();
    match prepared.start(store) {
        Ok(session) => {
            // Whoever waits for the end of our caller's output, or of what was passed on, does not wait for us.
            passed.into_iter().for_each(process::close_copy);
            let null = rustix::fs::open(
                c"/dev/null",
                rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
                rustix::fs::Mode::empty(),
            );
            if let Ok(null) = &null {
                for number in 0..3 {
                    let _ = process::place(null.as_fd(), number);
                }
            }
            answer(0, "");
            process::close_copy(tell.as_raw_fd());
            let event = session.end_event();
            if let Ok((Some(code), _)) = session.collect(Duration::MAX, 0) {
                store.tell([event.exit(code)]);
            }
        }
        Err(EngineError::Start { exit, message }) => answer(exit, &message),
        Err(error) => answer(125, &error.to_string()),
    }
}
