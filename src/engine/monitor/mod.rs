//! The monitor: one small process for each running container.
//!
//! It is the parent of the container's init; it holds the pipes or the terminal, the log and the exit status, and answers
//! on the container's socket. One thread, one poll loop. It never makes a write that can block: what a client does
//! not take is kept in one bounded place, and the foreground caller's slowness reaches the payload through its own
//! pipe, as it would without us. It holds no descriptor of the caller's, so that whoever reads the caller's output
//! sees its end when the caller dies.

mod clients;
pub(super) mod streams;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use self::clients::Clients;
use self::streams::{Output, Streams};
use super::client::{SOCKET, address, socket};
use super::log::LogWriter;
use super::protocol::{Connection, Packet, Received, VERSION, Wishes};
use super::start::MONITOR_SOCKET;
use super::stop::is_deaf;
use super::{Engine, EngineError, Result, errno, host};
use crate::base::time;
use crate::runtime::cgroup::{Cgroup, Limits};
use crate::runtime::spawn::{self, Options, SpawnError, Started};
use crate::store::container::{Container, Root, State, Status};
use crate::store::locks::{LIVE, Liveness};
use crate::store::{Kind, Store, shared};
use crate::sys::process;
use crate::sys::signal::Signals;

/// Runs as the monitor of the container `id` of the store at `root`. Returns the process's exit status.
/// `lingers`: a rootless user namespace outlives its last container by [`LINGER`].
pub fn run(root: &Path, id: &str, lingers: bool) -> i32 {
    let Ok(caller) = process::inherited(MONITOR_SOCKET) else {
        return 125;
    };
    // Nobody may trace us or reach our files by /proc, the container's superuser least of all.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let caller = Connection::new(caller);
    // Sent before we were executed. A caller that has died meanwhile leaves a container that is started all the same.
    let wishes = match caller.receive(true) {
        Ok(Received::Packet(Packet::Hello { wishes, .. })) => Some(wishes),
        _ => None,
    };
    match Monitor::start(root, id, lingers, wishes.and_then(|wishes| wishes.window)) {
        Ok(mut monitor) => {
            if let Some(wishes) = wishes {
                let _ = caller.send(&Packet::Welcome { version: VERSION });
                let _ = caller.send(&Packet::Started(monitor.state.pid));
                monitor.clients.add(caller, wishes);
            }
            monitor.attend();
            0
        }
        Err(error) => {
            let exit = if let EngineError::Start { exit, .. } = &error {
                *exit
            } else {
                125
            };
            let _ = caller.send(&Packet::Failed {
                exit,
                message: error.to_string(),
            });
            exit
        }
    }
}

struct Monitor {
    engine: Engine,
    container: Container,
    directory: OwnedFd,
    state: State,
    /// Proof that we live.
    _liveness: Liveness,
    /// Layers whose content is lent to us stay where they are.
    lent: Vec<OwnedFd>,
    started: Started,
    cgroup: Option<Cgroup>,
    streams: Streams,
    log: LogWriter,
    listener: OwnedFd,
    signals: Signals,
    clients: Clients,
    lingers: bool,
    /// When the payload is killed: somebody ends us, and it with us.
    deadline: Option<Instant>,
}

impl Monitor {
    /// Starts the container. When that fails everything is as it was, but for a record of the failure.
    fn start(root: &Path, id: &str, lingers: bool, window: Option<(u16, u16)>) -> Result<Self> {
        let engine = Engine::inherit(root)?;
        let directory = engine.store.object(Kind::Containers, id)?;
        let liveness = take_liveness(&directory, id)?;
        // Whoever told us to start may have been killed, and the container removed by another command since.
        if !engine.store.is_current(Kind::Containers, id, directory.as_fd()) {
            return Err(EngineError::NoSuchContainer(id.to_owned()));
        }
        let container = engine.store.read_container(directory.as_fd(), id)?;
        let mut state = engine.store.read_state(directory.as_fd(), id)?;
        let spawned = keep_lent(&container)
            .and_then(|lent| Ok((lent, Self::spawn(&engine, &container, &directory, window)?)));
        match spawned {
            Ok((lent, (started, cgroup, streams))) => {
                record_start(&mut state, &started, cgroup.as_ref());
                let prepared = (|| {
                    engine.store.write_state(directory.as_fd(), id, &state)?;
                    let listener = listen(&directory, id)?;
                    let log = LogWriter::open(directory.as_fd(), &container.config.log)
                        .map_err(super::io(format!("log of container {id}")))?;
                    let signals = Signals::of(&[
                        Signal::CHILD.as_raw(),
                        Signal::TERM.as_raw(),
                        Signal::HUP.as_raw(),
                        Signal::INT.as_raw(),
                    ])
                    .map_err(errno("signals"))?;
                    Ok((listener, log, signals))
                })();
                match prepared {
                    Ok((listener, log, signals)) => {
                        write_pidfile(&container, state.pid);
                        Ok(Self {
                            engine,
                            container,
                            directory,
                            state,
                            _liveness: liveness,
                            lent,
                            started,
                            cgroup,
                            streams,
                            log,
                            listener,
                            signals,
                            clients: Clients::default(),
                            lingers,
                            deadline: None,
                        })
                    }
                    Err(error) => {
                        process::kill_and_reap(started.child.pidfd.as_fd());
                        if let Some(cgroup) = cgroup {
                            cgroup.end();
                        }
                        fail(&engine.store, &directory, &container, &mut state, &error, 125);
                        Err(error)
                    }
                }
            }
            Err(error) => {
                let exit = if let EngineError::Start { exit, .. } = &error {
                    *exit
                } else {
                    125
                };
                fail(&engine.store, &directory, &container, &mut state, &error, exit);
                Err(error)
            }
        }
    }

    fn spawn(
        engine: &Engine,
        container: &Container,
        directory: &OwnedFd,
        window: Option<(u16, u16)>,
    ) -> Result<(Started, Option<Cgroup>, Streams)> {
        let id = &container.id;
        renew_work(directory, id)?;
        engine.prepare_volumes(container)?;
        let mut spec = engine.spec(container, window.unwrap_or((24, 80)))?;
        let resources = &container.config.resources;
        let limits = Limits {
            memory: resources.memory,
            swap: None,
            nano_cpus: resources.nano_cpus,
            pids: resources.pids,
        };
        // Podman's default, kept where the controller is at hand.
        let wished = Limits {
            pids: limits.pids.is_none().then_some(2048),
            ..Limits::default()
        };
        let cgroup = Cgroup::make(id, &limits, &wished).map_err(|error| EngineError::Start {
            exit: 125,
            message: error.to_string(),
        })?;
        spec.cgroup = cgroup.as_ref().and_then(|cgroup| cgroup.open().ok());
        let (streams, ends) = Streams::make(&container.config).map_err(errno("pipes"))?;
        let options = Options {
            streams: ends,
            die_with_parent: true,
            start_gate: None,
        };
        match spawn::spawn(spec, options) {
            Ok(mut started) => {
                let streams = streams.with_terminal(started.terminal.take());
                Ok((started, cgroup, streams))
            }
            Err(error) => {
                if let Some(cgroup) = cgroup {
                    cgroup.end();
                }
                Err(start_error(&error))
            }
        }
    }

    /// Everything from the first output to the end.
    fn attend(mut self) {
        let mut ended = None;
        while ended.is_none() || self.clients.is_blocked() || self.streams.has_output() {
            self.turn(ended.is_some());
            if ended.is_none()
                && let Some(code) = self.reap()
            {
                ended = Some(code);
                // Recorded before the rest of the output is delivered, which a stopped reader can hold up for ever.
                self.record_end(code);
                self.clients.tell_waiting(code);
            }
        }
        self.clients.tell_all(ended.unwrap_or(0));
        while self.clients.is_blocked() {
            self.turn(true);
        }
        self.finish();
    }

    /// One round: wait for whatever comes first and deal with it. When the payload has ended, nothing more is waited for
    /// but readers.
    fn turn(&mut self, ended: bool) {
        let blocked = self.clients.is_blocked();
        let mut fds = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
        ];
        let watched = self.streams.watch(&mut fds, blocked);
        let first_client = fds.len();
        self.clients.watch(&mut fds, self.streams.takes_input());
        // Pipes that outlive the payload (held by processes of a shared pid namespace) are read as far as they are full.
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let drains = ended && !blocked;
        let limit = if drains { Some(now) } else { self.time_left() };
        let count = match poll(&mut fds, limit.as_ref()) {
            Ok(count) => count,
            Err(_) => return,
        };
        let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        if drains
            && !events[2..first_client]
                .iter()
                .any(|event| event.contains(PollFlags::IN))
        {
            self.streams.close_output();
        }
        if count == 0 {
            if self.deadline.is_some_and(|end| end <= Instant::now()) {
                self.deadline = None;
                self.signal(Signal::KILL.as_raw());
            }
            return;
        }
        if !events[0].is_empty() {
            self.signals();
        }
        if !events[1].is_empty() {
            self.accept();
        }
        for (output, event) in watched.iter().zip(&events[2..]) {
            if !event.is_empty() {
                self.stream(*output);
            }
        }
        for request in self.clients.attend(&events[first_client..]) {
            self.answer(request);
        }
    }

    /// Moves what a stream has to the log and the clients, or input on to the payload.
    fn stream(&mut self, output: Output) {
        match output {
            Output::Input => self.streams.flush_input(),
            Output::Standard | Output::Error => {
                let Some(data) = self.streams.read(output) else {
                    return;
                };
                self.log.write(output == Output::Error, &data);
                self.clients.deliver(output == Output::Error, data);
            }
        }
    }

    fn answer(&mut self, packet: Packet) {
        match packet {
            Packet::Input(data) => self.streams.push_input(data),
            Packet::InputEnd => self.streams.end_input(),
            Packet::Resize { rows, columns } => self.streams.resize(rows, columns),
            Packet::Signal(number) => self.signal(number),
            _ => {}
        }
    }

    fn accept(&mut self) {
        use rustix::net::SocketFlags;
        let flags = SocketFlags::CLOEXEC;
        while let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            // The directory is closed to others already; this holds when somebody opens it up.
            let is_ours = rustix::net::sockopt::socket_peercred(&socket)
                .is_ok_and(|peer| peer.uid == rustix::process::geteuid() || peer.uid.is_root());
            if is_ours {
                self.clients.add_unknown(Connection::new(socket));
            }
        }
    }

    /// Passes a signal on to the container's init.
    fn signal(&self, number: i32) {
        let _ = crate::sys::signal::send(self.started.child.pidfd.as_fd(), number);
    }

    fn signals(&mut self) {
        while let Ok(Some(delivered)) = self.signals.next() {
            // Whoever stops us means the container, which cannot go on without us.
            if [Signal::TERM, Signal::HUP, Signal::INT]
                .iter()
                .any(|signal| signal.as_raw() == delivered.number)
            {
                self.stop(delivered.number);
            }
        }
    }

    /// What `stop` does, for whoever ends us: a service manager, which would wait long for a payload that does not hear.
    fn stop(&mut self, number: i32) {
        let config = &self.container.config;
        let patience = if is_deaf(config, &self.state, number) {
            0
        } else {
            self.signal(number);
            // A paused one hears it only when it goes on.
            if let Some(cgroup) = &self.cgroup {
                let _ = cgroup.thaw();
            }
            config.stop_timeout
        };
        let end = Instant::now().checked_add(Duration::from_secs(patience));
        self.deadline = self.deadline.or(end);
    }

    fn time_left(&self) -> Option<Timespec> {
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Timespec::try_from(left).ok()
    }

    /// The exit code of init, when it has ended.
    fn reap(&self) -> Option<i32> {
        process::reap(self.started.child.pidfd.as_fd()).unwrap_or(Some(255))
    }

    /// Writes down how it ended, or removes it when it was to vanish.
    fn record_end(&mut self, code: i32) {
        if let Some(cgroup) = &self.cgroup {
            self.state.oom_killed = cgroup.out_of_memory();
            // Before the record: whoever reads of an end looks for no group any more.
            cgroup.end();
        }
        // The same goes for what was lent: nobody reads it any more.
        self.lent.clear();
        record_exit(&mut self.state, code, String::new());
        if self.container.config.remove {
            self.log.make_no_more_files();
            let _ = self.engine.remove_ended(&self.container);
        } else {
            let store = &self.engine.store;
            // In this order: once the end is recorded another command may start it anew.
            let _ = store.clear_active(&self.container.id);
            let _ = store.write_state(self.directory.as_fd(), &self.container.id, &self.state);
        }
    }

    /// Cleans up what nobody waits for.
    fn finish(self) {
        self.log.finish();
        drop(self.clients);
        // The root is unmounted here, after the code was told, and before our liveness ends.
        drop(self.started);
        let _ = rustix::fs::unlinkat(&self.directory, SOCKET, rustix::fs::AtFlags::empty());
        // What others left as well: a command that was killed cannot do it itself.
        let _ = self.engine.store.sweep();
        let _ = self.engine.sweep_containers();
        // The next start of this container need not wait for what follows.
        drop(self._liveness);
        if self.lingers {
            self.engine.linger(&self.signals);
        }
    }
}

/// Keeps the layers whose content stores of others lend to the container.
fn keep_lent(container: &Container) -> Result<Vec<OwnedFd>> {
    let Root::Image { data, name, .. } = &container.root else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    for path in data {
        let path = Path::new(path);
        let what = || path.display().to_string();
        kept.push(
            shared::keep_data(path)
                .map_err(super::io(what()))?
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
fn take_liveness(directory: &OwnedFd, id: &str) -> Result<Liveness> {
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
        crate::store::staging::empty(work.as_fd()).map_err(super::io(failed()))?;
    }
    Ok(())
}

fn listen(directory: &OwnedFd, id: &str) -> Result<OwnedFd> {
    let failed = || format!("socket of container {id}");
    let _ = rustix::fs::unlinkat(directory, SOCKET, rustix::fs::AtFlags::empty());
    let listener = socket().map_err(errno(failed()))?;
    rustix::io::ioctl_fionbio(&listener, true).map_err(errno(failed()))?;
    let address = address(directory, SOCKET).map_err(errno(failed()))?;
    rustix::net::bind(&listener, &address).map_err(errno(failed()))?;
    rustix::net::listen(&listener, 64).map_err(errno(failed()))?;
    Ok(listener)
}

fn record_start(state: &mut State, started: &Started, cgroup: Option<&Cgroup>) {
    let pid = started.child.pid.as_raw_nonzero().get();
    state.status = Status::Running;
    state.pid = pid;
    state.start_time = host::start_time(pid).unwrap_or(0);
    state.user_namespace = host::user_namespace();
    state.cgroup = cgroup.map(|cgroup| cgroup.path().to_string_lossy().into_owned());
    state.started = Some(time::now());
    state.finished = None;
    state.exit_code = 0;
    state.oom_killed = false;
    state.error.clear();
}

fn record_exit(state: &mut State, code: i32, error: String) {
    state.status = Status::Exited;
    state.exit_code = code;
    state.pid = 0;
    state.finished = Some(time::now());
    state.error = error;
}

/// Records that the container could not be started; one that was to vanish does.
fn fail(
    store: &Store,
    directory: &OwnedFd,
    container: &Container,
    state: &mut State,
    error: &EngineError,
    exit: i32,
) {
    if container.config.remove {
        let _ = super::volumes::remove_anonymous(store, container);
        let _ = super::remove::discard(store, container);
        let _ = store.empty_trash();
        return;
    }
    record_exit(state, exit, error.to_string());
    // As Docker: what never ran counts as created and can be started again.
    if state.started.is_none() {
        state.status = Status::Created;
    }
    let _ = store.write_state(directory.as_fd(), &container.id, state);
    let _ = store.clear_active(&container.id);
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

fn write_pidfile(container: &Container, pid: i32) {
    if let Some(path) = &container.config.pidfile {
        let _ = std::fs::write(path.as_path(), pid.to_string());
    }
}

/// What a fresh connection may say first, for the clients' table.
fn wishes_of(packet: &Packet) -> Option<Wishes> {
    match packet {
        Packet::Hello { wishes, .. } => Some(*wishes),
        _ => None,
    }
}
