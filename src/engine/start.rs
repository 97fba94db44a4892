//! Starting a container: a monitor of its own is made, which starts the payload and stays.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use super::descriptors::Descriptors;
use super::protocol::{Connection, Packet, Received, VERSION, Wishes};
use super::state::Condition;
use super::{Engine, EngineError, Result, errno, host};
use crate::base::timing;
use crate::store::container::{Log, State, Status};
use crate::store::events::Event;
use crate::sys::process;

/// The descriptor by which a monitor is connected to whoever started it.
pub const MONITOR_SOCKET: i32 = 3;
/// The word that makes our binary a monitor.
pub const MONITOR_STAGE: &str = "monitor";
/// What follows the monitor's other words when it may linger.
pub const LINGER_WORD: &str = "linger";
/// The same when the container ends with its caller.
pub const GUARD_WORD: &str = "guard";
/// The same when it is given the streams of its container.
pub const STREAMS_WORD: &str = "streams";

/// What a monitor is told of the descriptors that it gets.
struct Words {
    has_streams: bool,
    descriptors: Vec<String>,
}

/// A container that was started.
pub struct Started {
    /// Output, input and the exit code come and go here.
    pub connection: Connection,
    /// Of the payload, on the host.
    pub pid: i32,
}

/// Notes in a record that the container is being started, here and now. When its monitor dies before it has recorded
/// more, what it has made is looked for and ended.
pub(super) fn begin(state: &mut State) {
    state.status = Status::Starting;
    state.machine = host::machine();
    state.boot = host::boot();
    state.pid = 0;
    state.cgroup = None;
    state.restarts = 0;
    state.stopped = false;
    state.sent = None;
}

impl Engine {
    /// Starts a container that the caller holds locked, that is marked as active and whose record says that it
    /// [begins](begin).
    pub fn launch(&self, id: &str, log: &Log, wishes: Wishes, descriptors: Descriptors) -> Result<Started> {
        check_streams(log)?;
        let mut passed = match log.is_passed() {
            true => own_streams()?,
            false => Vec::new(),
        };
        let words = Words {
            has_streams: !passed.is_empty(),
            descriptors: descriptors.words(),
        };
        passed.extend(descriptors.copies().map_err(errno("file descriptors"))?);
        // Whoever reads at the other end of one is not to wait for us.
        drop(descriptors);
        timing::phase("monitor");
        let connection = self.make_monitor(id, &passed, &words)?;
        drop(passed);
        let failed = || format!("cannot talk to the monitor of container {id}");
        let times = timing::is_on();
        let hello = Packet::Hello {
            version: VERSION,
            wishes: Wishes { times, ..wishes },
        };
        connection.send(&hello).map_err(errno(failed()))?;
        loop {
            match connection.receive(true).map_err(errno(failed()))? {
                Received::Packet(Packet::Times(times)) => timing::add(timing::decode(&times)),
                Received::Packet(Packet::Started(pid)) => {
                    timing::phase("started");
                    return Ok(Started { connection, pid });
                }
                Received::Packet(Packet::Failed { exit, message }) => {
                    // The monitor cleans up before it leaves.
                    while !matches!(connection.receive(true), Ok(Received::End) | Err(_)) {}
                    return Err(EngineError::Start { exit, message });
                }
                Received::Packet(_) | Received::Nothing => {}
                Received::End => {
                    let message = format!("the monitor of container {id} died before it had started it");
                    return Err(EngineError::Start { exit: 125, message });
                }
            }
        }
    }

    /// Starts a container by id, and before it what it requires; `None` when it runs already.
    pub fn start(
        &self,
        id: &str,
        wishes: Wishes,
        descriptors: Descriptors,
        waiting: &mut dyn FnMut(),
    ) -> Result<Option<Started>> {
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let mut held = self.hold(id, waiting)?.ok_or_else(missing)?;
        let is_startable = !held.condition.may_live();
        if is_startable && !held.container.config.requires.is_empty() {
            // Its lock would come before theirs.
            let required = std::mem::take(&mut held.container.config.requires);
            drop(held);
            self.start_required(&required, waiting)?;
            held = self.hold(id, waiting)?.ok_or_else(missing)?;
        }
        match held.condition {
            Condition::Running | Condition::Starting | Condition::Restarting => Ok(None),
            Condition::Paused => Err(EngineError::Refused(format!(
                "cannot start container {id}: it is paused, try unpause instead"
            ))),
            Condition::Elsewhere => Err(EngineError::Elsewhere(id.to_owned())),
            Condition::Created | Condition::Exited | Condition::Lost => {
                check_streams(&held.container.config.log)?;
                let mut state = held.state;
                begin(&mut state);
                self.store.mark_active(id)?;
                self.store.write_state(held.directory.as_fd(), id, &state)?;
                self.launch(id, &held.container.config.log, wishes, descriptors)
                    .map(Some)
            }
        }
    }

    /// Records that a container was stopped and started for one command.
    pub fn tell_restart(&self, id: &str) {
        if let Ok(container) = self.store.container(id) {
            self.store.tell([Event::container("restart", &container)]);
        }
    }

    /// Executes ourselves anew as monitor of `id`: in a session of its own, with one descriptor and nothing else of ours.
    fn make_monitor(&self, id: &str, passed: &[OwnedFd], words: &Words) -> Result<Connection> {
        let failed = || format!("cannot start a monitor for container {id}");
        let c = |bytes: &[u8]| CString::new(bytes).expect("paths, ids and words hold no NUL byte");
        let root = c(self.store.path().as_os_str().as_bytes());
        let mut arguments = vec![c(b"coracle"), c(MONITOR_STAGE.as_bytes()), root, c(id.as_bytes())];
        if self.lingers {
            arguments.push(c(LINGER_WORD.as_bytes()));
        }
        if let Some(word) = self.store.recording.word() {
            arguments.push(c(word.as_bytes()));
        }
        if self.guards {
            arguments.push(c(GUARD_WORD.as_bytes()));
        }
        if words.has_streams {
            arguments.push(c(STREAMS_WORD.as_bytes()));
        }
        arguments.extend(words.descriptors.iter().map(|word| c(word.as_bytes())));
        let mut arguments = process::Strings::new(arguments);
        let mut environment = process::Strings::new(Vec::new());
        let (ours, theirs) = Connection::pair().map_err(errno(failed()))?;
        let null = rustix::fs::open(
            c"/dev/null",
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )
        .map_err(errno("/dev/null"))?;
        process::fork(|| {
            let _ = rustix::process::setsid();
            let _ = rustix::process::chdir(c"/");
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
            for number in 0..3 {
                let _ = process::place(null.as_fd(), number);
            }
            execute_anew(theirs.as_fd(), passed, &mut arguments, &mut environment)
        })
        .map_err(errno(failed()))?;
        Ok(ours)
    }
}

fn standard_streams() -> [BorrowedFd<'static>; 3] {
    [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ]
}

/// Refuses a log by which a container would get a terminal of ours that it is not meant to have. To be asked before
/// anything is recorded or stopped.
pub fn check_streams(log: &Log) -> Result<()> {
    // What a container writes into a terminal can be read as if its user had typed it.
    if matches!(log, Log::Passthrough) && standard_streams().iter().any(rustix::termios::isatty) {
        return Err(EngineError::Refused(
            "--log-driver=passthrough gives no terminal to a container, which could type into it: \
             use passthrough-tty if you trust it"
                .into(),
        ));
    }
    Ok(())
}

/// Our standard streams for a container, under numbers that are in nobody's way.
fn own_streams() -> Result<Vec<OwnedFd>> {
    let copy = |stream: &BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(stream, 10);
    let copies = standard_streams()
        .iter()
        .map(copy)
        .collect::<rustix::io::Result<_>>();
    copies.map_err(errno("standard streams"))
}

/// Executes our program anew in a child, with standard streams, `kept` as [`MONITOR_SOCKET`] and `passed` behind it, and
/// with no other descriptor of its parent. Returns the code to end with where that fails.
pub(super) fn execute_anew(
    kept: BorrowedFd<'_>,
    passed: &[OwnedFd],
    arguments: &mut process::Strings,
    environment: &mut process::Strings,
) -> i32 {
    // Whatever held the number before, lock or not, stays our parent's.
    if kept.as_raw_fd() == MONITOR_SOCKET {
        let _ = rustix::io::fcntl_setfd(kept, rustix::io::FdFlags::empty());
    } else {
        let _ = process::place(kept, MONITOR_SOCKET);
    }
    let mut next = MONITOR_SOCKET + 1;
    for stream in passed {
        let _ = process::place(stream.as_fd(), next);
        next += 1;
    }
    let _ = process::close_on_exec_from(next);
    crate::sys::signal::reset_all();
    crate::sys::signal::unblock_all();
    process::execve(c"/proc/self/exe", arguments, environment);
    127
}
