//! Starting a container: a monitor of its own is made, which starts the payload and stays.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use super::descriptors::Descriptors;
use super::protocol::{Connection, Packet, Received, VERSION, Wishes};
use super::state::{Condition, Held};
use super::{Engine, EngineError, Result, errno, host};
use crate::base::timing;
use crate::store::container::{Container, Log, State, Status};
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

/// The same when the payload is not executed until somebody says so.
pub const WAIT_WORD: &str = "wait";

/// What a monitor is told of the descriptors that it gets, and whether its payload is to wait.
struct Words {
    has_streams: bool,
    waits: bool,
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
        self.make(id, log, wishes, descriptors, false)
    }

    /// The same, where the payload may be one that waits until it is let go.
    pub(super) fn make(
        &self,
        id: &str,
        log: &Log,
        wishes: Wishes,
        descriptors: Descriptors,
        waits: bool,
    ) -> Result<Started> {
        let mut passed = match log.is_passed() {
            true if descriptors.no_streams => no_streams()?,
            true => {
                check_streams(log)?;
                own_streams()?
            }
            false => Vec::new(),
        };
        let words = Words {
            has_streams: !passed.is_empty(),
            waits,
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
        match await_start(&connection, id)? {
            Some(pid) => Ok(Started { connection, pid }),
            None => {
                let message = format!("the monitor of container {id} died before it had started it");
                Err(EngineError::Start { exit: 125, message })
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
        if held.condition.is_spare() && !held.container.config.requires.is_empty() {
            // Its lock would come before theirs.
            let required = std::mem::take(&mut held.container.config.requires);
            drop(held);
            self.start_required(&required, waiting)?;
            held = self.hold(id, waiting)?.ok_or_else(missing)?;
        }
        match held.condition {
            Condition::Running | Condition::Starting | Condition::Restarting => Ok(None),
            Condition::Initialized => {
                if !descriptors.is_empty() {
                    return Err(EngineError::Refused(format!(
                        "container {id} is initialized, and can be given sockets of $LISTEN_FDS no more: stop it, or pass \
                         them to init"
                    )));
                }
                if let Some(started) = self.let_go(id, wishes)? {
                    return Ok(Some(started));
                }
                // Its first process, or its monitor, has ended meanwhile.
                drop(held);
                self.start(id, wishes, descriptors, waiting)
            }
            Condition::Paused => Err(EngineError::Refused(format!(
                "cannot start container {id}: it is paused, try unpause instead"
            ))),
            Condition::Elsewhere => Err(EngineError::Elsewhere(id.to_owned())),
            Condition::Created | Condition::Exited | Condition::Lost => {
                self.start_held(held, wishes, descriptors, false).map(Some)
            }
        }
    }

    /// Starts a container that has no monitor; `waits`: up to its payload.
    pub(super) fn start_held(
        &self,
        held: Held,
        wishes: Wishes,
        descriptors: Descriptors,
        waits: bool,
    ) -> Result<Started> {
        let Container { id, config, .. } = &held.container;
        check_streams(&config.log)?;
        let mut state = held.state;
        begin(&mut state);
        self.store.mark_active(id)?;
        self.store.write_state(held.directory.as_fd(), id, &state)?;
        self.make(id, &config.log, wishes, descriptors, waits)
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
        if words.waits {
            arguments.push(c(WAIT_WORD.as_bytes()));
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

/// Waits until a monitor has said that the payload runs, and gives its pid; none when it ends without a word.
pub(super) fn await_start(connection: &Connection, id: &str) -> Result<Option<i32>> {
    let failed = || format!("cannot talk to the monitor of container {id}");
    loop {
        match connection.receive(true).map_err(errno(failed()))? {
            Received::Packet(Packet::Times(times)) => timing::add(timing::decode(&times)),
            Received::Packet(Packet::Started(pid)) => {
                timing::phase("started");
                return Ok(Some(pid));
            }
            Received::Packet(Packet::Failed { exit, message }) => {
                // The monitor cleans up before it leaves.
                while !matches!(connection.receive(true), Ok(Received::End) | Err(_)) {}
                return Err(EngineError::Start { exit, message });
            }
            Received::Packet(_) | Received::Nothing => {}
            Received::End => return Ok(None),
        }
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

/// The same that lead nowhere.
fn no_streams() -> Result<Vec<OwnedFd>> {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let null = rustix::fs::open(c"/dev/null", flags, rustix::fs::Mode::empty());
    let null = null.map_err(errno("/dev/null"))?;
    let copies = (0..3).map(|_| rustix::io::fcntl_dupfd_cloexec(&null, 10));
    copies
        .collect::<rustix::io::Result<_>>()
        .map_err(errno("/dev/null"))
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
