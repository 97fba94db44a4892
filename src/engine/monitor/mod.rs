//! The monitor: one small process for each running container.
//!
//! It is the parent of the container's init; it holds the pipes or the terminal, the log and the exit status, and answers
//! on the container's socket. One thread, one poll loop. It never makes a write that can block: what a client does
//! not take is kept in one bounded place, and the foreground caller's slowness reaches the payload through its own
//! pipe, as it would without us. It holds no descriptor of the caller's, so that whoever reads the caller's output
//! sees its end when the caller dies.

mod checks;
mod clients;
mod ending;
mod gate;
mod health;
mod passed;
pub(super) mod prepare;
mod record;
mod restart;
pub(super) mod streams;
mod surroundings;
mod told;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use self::checks::Checks;
use self::clients::Clients;
use self::passed::Passed;
use self::prepare::Payload;
pub use self::record::start_error;
use self::restart::BackOff;
use self::streams::{Output, Streams};
pub use self::surroundings::remove_image;
use super::client::SOCKET;
use super::descriptors::Announced;
use super::log::LogWriter;
use super::protocol::{CHUNK, Connection, Packet, Received, VERSION, Wishes};
use super::stop::{ends, is_deaf};
use super::{Engine, EngineError, Result, errno};
use crate::base::timing;
use crate::runtime::spec::Gate;
use crate::store::Kind;
use crate::store::container::{Container, Sender, State, Status};
use crate::store::events::Event;
use crate::store::locks::Liveness;
use crate::store::recording::Recording;
use crate::sys::signal::Signals;

/// What a payload can have left in a pipe is less, unless a superuser of the host has made that longer.
const REST_LIMIT: usize = 1 << 20;

/// How a monitor is to be.
#[derive(Clone, Debug)]
pub struct Manner {
    /// A rootless user namespace outlives its last container by [`LINGER`](super::LINGER).
    pub lingers: bool,
    /// Where its events are recorded.
    pub recording: Recording,
    /// It ends with its caller.
    pub is_guarded: bool,
    /// The payload gets the streams that we were started with, instead of pipes of ours.
    pub has_streams: bool,
    /// The payload is not executed until somebody says so.
    pub waits: bool,
}

/// Runs as the monitor of the container `id` of the store at `root`. Returns the process's exit status.
pub fn run(root: &Path, id: &str, manner: Manner, announced: &Announced) -> i32 {
    let Ok((caller, passed)) = passed::take(manner.has_streams, announced) else {
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
    let times = wishes.is_some_and(|wishes| wishes.times);
    if times {
        timing::begin("prepare");
    }
    let tell_times = || {
        if times {
            let _ = caller.send(&Packet::Times(timing::encode(&timing::end().0)));
        }
    };
    let (is_guarded, waits) = (manner.is_guarded, manner.waits);
    match Monitor::start(root, id, manner, passed, wishes.and_then(|wishes| wishes.window)) {
        Ok(mut monitor) => {
            monitor.is_guarded = is_guarded;
            let attached = wishes.is_some_and(|wishes| wishes.output || wishes.input);
            let attach = attached.then_some("attach");
            // Before the caller is told: what it does next finds the events.
            let create = monitor.is_new.then_some("create");
            let start = (!waits).then_some("start").into_iter().chain(attach);
            monitor.tell(create.into_iter().chain(["init"]).chain(start));
            tell_times();
            if let Some(wishes) = wishes {
                let _ = caller.send(&Packet::Welcome { version: VERSION });
                let _ = caller.send(&Packet::Started(monitor.state.pid));
                monitor.clients.add(caller, wishes);
            }
            monitor.attend();
            0
        }
        Err(error) => {
            let exit = record::exit_code(&error);
            tell_times();
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
    /// It was made for this start, and nobody has told of that yet.
    is_new: bool,
    /// Layers whose content is lent to us stay where they are.
    lent: Vec<OwnedFd>,
    /// None while it waits to be started again.
    payload: Option<Payload>,
    streams: Streams,
    log: LogWriter,
    listener: OwnedFd,
    signals: Signals,
    clients: Clients,
    lingers: bool,
    /// What the payload has of whoever started it.
    passed: Passed,
    /// When the payload is killed: somebody ends us, and it with us.
    deadline: Option<Instant>,
    /// When an ended payload is started again.
    due: Option<Instant>,
    back_off: BackOff,
    /// It is not started again: we are to end.
    is_last: bool,
    /// Rows and columns of the terminal, for the next start.
    window: Option<(u16, u16)>,
    /// None where health is not checked.
    checks: Option<Checks>,
    /// What has ended it, when that was we; and whether it is to start again at once.
    cause: String,
    starts_anew: bool,
    /// It waited, and this exit code tells why it could not execute the payload.
    failure: Option<i32>,
    /// When it is killed because it has run for long enough.
    expires: Option<Instant>,
    /// It ends with its caller.
    is_guarded: bool,
}

impl Monitor {
    /// Starts the container. When that fails everything is as it was, but for a record of the failure.
    fn start(
        root: &Path,
        id: &str,
        manner: Manner,
        mut passed: Passed,
        window: Option<(u16, u16)>,
    ) -> Result<Self> {
        let mut engine = Engine::inherit(root)?;
        engine.store.recording = manner.recording;
        let directory = engine.store.object(Kind::Containers, id)?;
        let liveness = prepare::take_liveness(&directory, id)?;
        // Whoever told us to start may have been killed, and the container removed by another command since.
        if !engine.store.is_current(Kind::Containers, id, directory.as_fd()) {
            return Err(EngineError::NoSuchContainer(id.to_owned()));
        }
        let container = engine.store.read_container(directory.as_fd(), id)?;
        let written = engine.store.read_written_state(directory.as_fd(), id)?;
        let is_new = written.is_none();
        let mut state = match written {
            Some(state) => state,
            None => container.first.clone().unwrap_or_else(State::created),
        };
        let fail = |state: &mut State, error: &EngineError| {
            if is_new {
                engine.store.tell([Event::container("create", &container)]);
            }
            record::failed(&engine.store, &directory, &container, state, error);
        };
        let spawned = prepare::keep_lent(&container).and_then(|lent| {
            // First the log: nothing runs whose output could not be kept.
            let log = LogWriter::open(directory.as_fd(), &container)
                .map_err(super::io(format!("log of container {id}")))?;
            let gate = manner.waits.then_some(Gate::Parent);
            let payload = prepare::payload(&engine, &container, &directory, window, &passed, gate)?;
            Ok((lent, log, payload))
        });
        let (lent, log, (payload, streams)) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                fail(&mut state, &error);
                return Err(error);
            }
        };
        if container.config.restart.is_no() && container.config.health.is_none() {
            passed.give_up_descriptors();
        }
        timing::phase("status");
        match manner.waits {
            true => record::initialized(&mut state, &payload),
            false => record::started(&mut state, &payload),
        }
        let prepared = (|| {
            engine.store.write_state(directory.as_fd(), id, &state)?;
            let listener = prepare::listen(&directory, id)?;
            let signals = Signals::of(&[
                Signal::CHILD.as_raw(),
                Signal::TERM.as_raw(),
                Signal::HUP.as_raw(),
                Signal::INT.as_raw(),
            ])
            .map_err(errno("signals"))?;
            Ok((listener, signals))
        })();
        match prepared {
            Ok((listener, signals)) => {
                prepare::write_pidfile(&container, state.pid);
                let own = i32::try_from(std::process::id()).unwrap_or(0);
                surroundings::write_pidfile(container.config.monitor_pidfile.as_ref(), own);
                Ok(Self {
                    is_new,
                    engine,
                    container,
                    directory,
                    state,
                    _liveness: liveness,
                    lent,
                    payload: Some(payload),
                    streams,
                    log,
                    listener,
                    signals,
                    clients: Clients::default(),
                    lingers: manner.lingers,
                    passed,
                    deadline: None,
                    due: None,
                    back_off: BackOff::default(),
                    is_last: false,
                    window,
                    checks: None,
                    cause: String::new(),
                    starts_anew: false,
                    failure: None,
                    expires: None,
                    is_guarded: false,
                })
            }
            Err(error) => {
                payload.discard();
                fail(&mut state, &error);
                Err(error)
            }
        }
    }

    fn tell(&self, actions: impl IntoIterator<Item = &'static str>) {
        let events = actions.into_iter();
        let store = &self.engine.store;
        store.tell(events.map(|action| Event::container(action, &self.container)));
    }

    /// Everything from the first output to the last end.
    fn attend(mut self) {
        let mut code = self.live();
        while self.due.is_some() {
            self.clients.part(code);
            // Its root is unmounted here: it must be before the next one is mounted.
            self.payload = None;
            self.rest();
            if self.due.take().is_some() {
                code = match self.start_again() {
                    Ok(()) => self.live(),
                    Err(error) => self.record_failure(&error),
                };
            }
        }
        self.clients.tell_all(code);
        while self.clients.is_blocked() {
            self.turn();
        }
        self.finish();
    }

    /// One life of the payload, until it has ended and all its output was taken. Returns its exit code.
    fn live(&mut self) -> i32 {
        let mut ended = None;
        if !self.waits() {
            self.begin_checks();
            self.begin_surroundings();
        }
        while ended.is_none() || self.clients.is_blocked() || self.streams.has_output() {
            // Before the first wait: a payload may have ended before its signal was waited for, and one with its caller's
            // streams tells of its end by nothing else.
            if ended.is_none()
                && let Some(code) = self.reap()
            {
                self.hear();
                let code = self.verdict(code);
                ended = Some(code);
                // Whoever learns of the end finds in the log all that was written.
                self.take_rest();
                // Recorded before the rest of the output is delivered, which a stopped reader can hold up for ever.
                self.record_end(code);
                self.clients.tell_waiting(code);
                continue;
            }
            self.turn();
        }
        ended.unwrap_or(0)
    }

    /// Takes what an ended payload has left in its pipes, without regard to who is behind. What others go on to write there
    /// comes later.
    fn take_rest(&mut self) {
        for output in [Output::Standard, Output::Error] {
            for _ in 0..REST_LIMIT / CHUNK {
                if !self.stream(output) {
                    break;
                }
            }
        }
        self.log.flush();
    }

    /// Until it is time to start again, or nobody wants that any more.
    fn rest(&mut self) {
        while self.due.is_some_and(|due| due > Instant::now()) {
            self.turn();
        }
    }

    fn start_again(&mut self) -> Result<()> {
        self.read_record();
        let (payload, streams) = prepare::payload(
            &self.engine,
            &self.container,
            &self.directory,
            self.window,
            &self.passed,
            None,
        )?;
        record::started(&mut self.state, &payload);
        self.state.restarts = self.state.restarts.saturating_add(1);
        if let Err(error) = self.store_state() {
            payload.discard();
            return Err(error);
        }
        prepare::write_pidfile(&self.container, self.state.pid);
        self.payload = Some(payload);
        self.streams = streams;
        self.tell(["restart", "init", "start"]);
        Ok(())
    }

    /// One round: wait for whatever comes first and deal with it.
    fn turn(&mut self) {
        self.attend_surroundings();
        self.note_stop();
        let blocked = self.clients.is_blocked();
        let mut fds = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
        ];
        let watched = self.streams.watch(&mut fds, blocked);
        let first_client = fds.len();
        self.clients.watch(&mut fds, self.streams.takes_input());
        let first_check = fds.len();
        if let Some(source) = self.checks.as_ref().and_then(Checks::source) {
            fds.push(PollFd::from_borrowed_fd(source, PollFlags::IN));
        }
        // Pipes that outlive the payload (held by processes of a shared pid namespace) are read as far as they are full.
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let has_ended = !self.lives();
        let drains = has_ended && !blocked && self.streams.has_output();
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
        if self.deadline.is_some_and(|end| end <= Instant::now()) {
            self.deadline = None;
            self.signal(Signal::KILL.as_raw());
        }
        let has_result = events.get(first_check).is_some_and(|events| !events.is_empty());
        self.attend_checks(has_result);
        if count == 0 {
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
        for (request, ends) in self.clients.attend(&events[first_client..first_check]) {
            self.answer(request, ends);
        }
    }

    /// Moves what a stream has to the log and the clients, or input on to the payload. `false`: there was no output.
    fn stream(&mut self, output: Output) -> bool {
        if output == Output::Input {
            self.streams.flush_input();
            return false;
        }
        let Some(data) = self.streams.read(output) else {
            return false;
        };
        self.log.write(output == Output::Error, &data);
        self.clients.deliver(output == Output::Error, data);
        true
    }

    /// Does what a client wants, which may be [one that ends the container](Wishes::end).
    fn answer(&mut self, packet: Packet, of_ending: bool) {
        match packet {
            Packet::Input(data) => self.streams.push_input(data),
            Packet::InputEnd => self.streams.end_input(),
            Packet::Resize { rows, columns } => {
                self.window = Some((rows, columns));
                self.streams.resize(rows, columns);
            }
            Packet::Sent(number) => self.note_signal(Sender::Kill, number),
            Packet::Signal(number) => {
                let by = if of_ending { Sender::Stop } else { Sender::Caller };
                self.note_signal(by, number);
                let ends = ends(&self.container.config, number);
                if ends {
                    self.end_by_user();
                }
                // There is no payload yet that could end by another one.
                let is_killed = self.waits() && (ends || of_ending);
                self.signal(if is_killed { Signal::KILL.as_raw() } else { number });
            }
            Packet::Start => self.let_go(),
            Packet::Check => self.check_now(),
            Packet::Watch => self.tell_health(None),
            Packet::Changed => self.take_checks(),
            // Of those that greet only whoever ends the container is told of.
            Packet::Hello { .. } => self.end_by_user(),
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
        if let Some(payload) = &self.payload {
            let _ = crate::sys::signal::send(payload.started.child.pidfd.as_fd(), number);
        }
    }

    /// Its user wants it to end, or not to start again.
    fn end_by_user(&mut self) {
        let was = std::mem::replace(&mut self.state.stopped, true);
        if self.due.is_some() {
            self.rest_for_good();
        } else if !was && !self.container.config.restart.is_no() && self.lives() {
            // Noted at once: the machine may go down before it has ended, and it is not to be started with the next.
            let _ = self.store_state();
        }
    }

    /// One that has ended is not started again.
    fn rest_for_good(&mut self) {
        if self.due.take().is_some() {
            self.state.status = Status::Exited;
            self.record_last_end();
        }
    }

    fn signals(&mut self) {
        while let Ok(Some(delivered)) = self.signals.next() {
            // Whoever stops us means the container, which cannot go on without us.
            if [Signal::TERM, Signal::HUP, Signal::INT]
                .iter()
                .any(|signal| signal.as_raw() == delivered.number)
            {
                self.note_signal(Sender::Monitor, delivered.number);
                self.stop(delivered.number);
            }
        }
    }

    /// What `stop` does, for whoever ends us: a service manager, which would wait long for a payload that does not hear.
    fn stop(&mut self, number: i32) {
        self.is_last = true;
        self.rest_for_good();
        self.ask_to_end(number);
    }

    /// Sends a signal, and sets when it is killed.
    fn ask_to_end(&mut self, number: i32) {
        let config = &self.container.config;
        let patience = if self.waits() || is_deaf(config, &self.state, number) {
            0
        } else {
            self.signal(number);
            // A paused one hears it only when it goes on.
            self.thaw();
            config.stop_timeout
        };
        let end = Instant::now().checked_add(Duration::from_secs(patience));
        self.deadline = self.deadline.or(end);
    }

    fn thaw(&self) {
        if let Some(cgroup) = self.payload.as_ref().and_then(|payload| payload.cgroup.as_ref()) {
            let _ = cgroup.thaw();
        }
    }

    fn time_left(&self) -> Option<Timespec> {
        let check = self.checks.as_ref().and_then(Checks::due);
        let moments = [self.deadline, self.due, check, self.expires];
        let moment = moments.into_iter().flatten().min()?;
        let left = moment.saturating_duration_since(Instant::now());
        Timespec::try_from(left).ok()
    }

    fn store_state(&self) -> Result<()> {
        let store = &self.engine.store;
        Ok(store.write_state(self.directory.as_fd(), &self.container.id, &self.state)?)
    }

    /// Cleans up what nobody waits for.
    fn finish(mut self) {
        self.log.flush();
        drop(self.clients);
        // The root is unmounted here, after the code was told, and before our liveness ends.
        drop(self.payload);
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

/// What a fresh connection may say first, for the clients' table.
fn wishes_of(packet: &Packet) -> Option<Wishes> {
    match packet {
        Packet::Hello { wishes, .. } => Some(*wishes),
        _ => None,
    }
}
