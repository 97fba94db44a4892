//! Running another process in a running container. Takes no lock, writes no record, and leaves nothing behind: the
//! process is the command's own child, in the container's namespaces and control group.

use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::monitor::start_error;
use super::monitor::streams::{Output, Streams};
use super::protocol::Packet;
use super::relay::{Caller, Outcome, Typed, pass_signals, write_all};
use super::spec::{capability_set, environment, filter, set_variable};
use super::state::{Condition, init, look};
use super::{Engine, EngineError, Result, errno};
use crate::base::bytes::ByteString;
use crate::base::file::read_proc;
use crate::base::timing;
use crate::runtime::cgroup::Cgroup;
use crate::runtime::hierarchy;
use crate::runtime::spawn::{self, Options, Started};
use crate::runtime::spec::{Capabilities, Process, Target, User};
use crate::store::Store;
use crate::store::container::{Config, Network, Sharing};
use crate::store::events::Event;
use crate::sys::process::Namespaces;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub arguments: Vec<ByteString>,
    /// Beside the container's own variables.
    pub env: Vec<ByteString>,
    /// The container's own if empty.
    pub working_directory: ByteString,
    /// The container's own if none.
    pub user: Option<String>,
    pub groups: Vec<String>,
    pub terminal: bool,
    pub interactive: bool,
    pub privileged: bool,
    pub cap_add: Vec<String>,
    /// Rows and columns.
    pub size: Option<(u16, u16)>,
    /// Its streams are /dev/null, unless it has a terminal.
    pub detached: bool,
    /// It is killed when we die.
    pub ends_with_caller: bool,
    /// Descriptors of ours that it gets under the same numbers.
    pub descriptors: Vec<RawFd>,
}

/// A process in a container, connected to us.
pub struct Session {
    started: Started,
    streams: Streams,
    /// That it was started.
    event: Event,
}

/// A process that is about to be started.
pub(super) struct Prepared {
    target: Target,
    process: Process,
    cgroup: Option<OwnedFd>,
    streams: Streams,
    options: Options,
    event: Event,
}

impl Engine {
    /// Starts a process in the container `id`.
    pub fn exec(&self, id: &str, request: &Request) -> Result<Session> {
        self.prepare_exec(id, request)?.start(&self.store)
    }

    pub(super) fn prepare_exec(&self, id: &str, request: &Request) -> Result<Prepared> {
        timing::phase("container");
        let found = look(&self.store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        let not_running = || EngineError::NotRunning(id.to_owned());
        match found.condition {
            Condition::Running => {}
            Condition::Restarting => return Err(EngineError::Restarting(id.to_owned())),
            Condition::Paused => {
                let (id, act) = (id.to_owned(), "exec");
                return Err(EngineError::Paused { id, act });
            }
            _ => return Err(not_running()),
        }
        let target = Target {
            init: init(&found.state).ok_or_else(not_running)?,
            namespaces: own_namespaces(&found.container.config),
        };
        let event = Event::container("exec", &found.container);
        let mut config = found.container.config;
        config.privileged |= request.privileged;
        config.cap_add.extend(request.cap_add.iter().cloned());
        config.terminal |= request.terminal;
        config.interactive = request.interactive;
        let process = process(&config, request)?;
        // Of the container's terminal such a process has the variable TERM alone.
        config.terminal = request.terminal;
        let cgroup = match &found.state.cgroup {
            Some(path) => match config.systemd.is_some() || config.privileged {
                true => group(&group_within(Path::new(path), found.state.pid), &config)?,
                false => group(Path::new(path), &config)?,
            },
            None => None,
        };
        let (streams, mut ends) = Streams::make(&config).map_err(errno("pipes"))?;
        if request.detached && ends.is_some() {
            ends = Some(null_streams().map_err(errno("/dev/null"))?);
        }
        let options = Options {
            streams: ends,
            die_with_parent: request.ends_with_caller,
            start_gate: None,
        };
        Ok(Prepared {
            target,
            process,
            cgroup,
            streams,
            options,
            event,
        })
    }
}

impl Prepared {
    pub(super) fn descriptors(&self) -> &[RawFd] {
        &self.process.descriptors
    }

    pub(super) fn start(self, store: &Store) -> Result<Session> {
        let mut started = spawn::join(self.target, self.process, self.cgroup, self.options)
            .map_err(|error| start_error(&error))?;
        let streams = self.streams.with_terminal(started.terminal.take());
        store.tell([self.event.clone()]);
        Ok(Session {
            started,
            streams,
            event: self.event,
        })
    }
}

/// The group below the container's in which its first process is now: systemd leaves the container's own to the groups it
/// makes in it, and then nobody can be born there (cgroups(7), no internal processes).
fn group_within(own: &Path, pid: i32) -> PathBuf {
    let table = read_proc(&format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let below = hierarchy::path_in(&table).to_owned();
    let name = own.file_name().unwrap_or_default();
    let mut parts = below.components().skip_while(|part| part.as_os_str() != name);
    match parts.next() {
        Some(_) => own.join(parts.collect::<PathBuf>()),
        None => own.to_owned(),
    }
}

/// The group for the process. Where it cannot be joined, only a container without limits goes without.
fn group(path: &Path, config: &Config) -> Result<Option<OwnedFd>> {
    let group = Cgroup::at(path);
    match group.reach() {
        Ok(true) => Ok(group.open().ok()),
        Ok(false) | Err(_) if !config.resources.is_limited() => Ok(None),
        result => Err(EngineError::Start {
            exit: 125,
            message: format!(
                "cannot join the limited group {} from here{}: run this as a unit of the service manager that the \
                 container was started under (systemd-run --user --pipe ...)",
                path.display(),
                result
                    .err()
                    .map(|error| format!(" ({error})"))
                    .unwrap_or_default(),
            ),
        }),
    }
}

fn null_streams() -> rustix::io::Result<[OwnedFd; 3]> {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let null = || rustix::fs::open(c"/dev/null", flags, rustix::fs::Mode::empty());
    Ok([null()?, null()?, null()?])
}

fn process(config: &Config, request: &Request) -> Result<Process> {
    let set = capability_set(config)?;
    let mut variables = environment(config);
    for entry in &request.env {
        set_variable(&mut variables, entry);
    }
    let working_directory = [&request.working_directory, &config.working_directory]
        .into_iter()
        .find(|directory| !directory.is_empty())
        .cloned()
        .unwrap_or_else(|| "/".into());
    // An empty one is nobody's name: least of all the superuser's.
    let user = request.user.as_ref().filter(|user| !user.is_empty());
    let user = user.unwrap_or(&config.user).clone();
    let groups = config.groups.iter().chain(&request.groups).cloned().collect();
    Ok(Process {
        arguments: request.arguments.clone(),
        environment: variables,
        working_directory,
        user: User::Named { user, groups },
        capabilities: Capabilities::engine(set),
        no_new_privileges: config.no_new_privileges,
        seccomp: filter(config, set)?,
        limits: config
            .ulimits
            .iter()
            .map(super::spec::limit)
            .collect::<Result<_>>()?,
        oom_score_adj: config.oom_score_adj,
        umask: config.umask.unwrap_or(0o022),
        terminal: request.terminal.then_some(request.size.unwrap_or((24, 80))),
        descriptors: request.descriptors.clone(),
        is_listener: false,
    })
}

/// The namespaces in which the container differs from us.
fn own_namespaces(config: &Config) -> Namespaces {
    let mut namespaces = super::spec::namespaces(config);
    if config.network == Network::None {
        namespaces |= Namespaces::NETWORK;
    }
    if config.cgroup == Sharing::Host {
        namespaces -= Namespaces::CGROUP;
    }
    namespaces
}

impl Session {
    /// Waits until the process has ended, or kills it when `limit` is over: then there is no code. At most so many bytes
    /// of its output are kept, in the order in which they came.
    pub fn collect(mut self, limit: Duration, most: usize) -> Result<(Option<i32>, Vec<u8>)> {
        let end = Instant::now().checked_add(limit);
        let mut output = Vec::new();
        let mut code = None;
        let mut is_late = false;
        while code.is_none() || self.streams.has_output() {
            let left = match code {
                // What the process has left behind may keep the pipes open: they are read as far as they are full.
                Some(_) => Some(Duration::ZERO),
                None => end.map(|end| end.saturating_duration_since(Instant::now())),
            };
            let mut fds = Vec::with_capacity(3);
            let watched = self.streams.watch(&mut fds, false);
            if code.is_none() {
                fds.push(PollFd::new(&self.started.child.pidfd, PollFlags::IN));
            }
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let count = match poll(&mut fds, timeout.as_ref()) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(errno("waiting for the process")(error)),
            };
            let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            drop(fds);
            for (stream, events) in watched.into_iter().zip(events) {
                if !events.is_empty()
                    && let Some(data) = self.streams.read(stream)
                {
                    let room = most - output.len();
                    output.extend_from_slice(&data[..data.len().min(room)]);
                }
            }
            if code.is_some() && count == 0 {
                self.streams.close_output();
            }
            if code.is_none() && end.is_some_and(|end| end <= Instant::now()) {
                is_late = true;
                crate::sys::process::kill_and_reap(self.started.child.pidfd.as_fd());
                code = Some(0);
            }
            if code.is_none() {
                code = self.reap()?;
            }
        }
        Ok((code.filter(|_| !is_late), output))
    }

    /// Relays until the process has ended and all its output was passed on.
    pub fn relay(mut self, store: &Store, caller: &mut Caller<'_>) -> Result<Outcome> {
        let mut code = None;
        loop {
            if code.is_some() && !self.streams.has_output() {
                return Ok(Outcome::Exit(code.unwrap_or(0)));
            }
            if let Some(outcome) = self.turn(caller, code.is_some())? {
                return Ok(outcome);
            }
            if code.is_none() {
                code = self.reap()?;
                if let Some(code) = code {
                    store.tell([self.end_event().exit(code)]);
                }
            }
        }
    }

    /// That it has ended.
    pub(super) fn end_event(&self) -> Event {
        let mut event = self.event.clone();
        event.action = "exec_died".into();
        event
    }

    fn turn(&mut self, caller: &mut Caller<'_>, ended: bool) -> Result<Option<Outcome>> {
        let mut fds = Vec::with_capacity(6);
        let watched = self.streams.watch(&mut fds, false);
        if !ended {
            fds.push(PollFd::new(&self.started.child.pidfd, PollFlags::IN));
        }
        let signals = caller.signals.map(|signals| {
            fds.push(PollFd::new(signals, PollFlags::IN));
            fds.len() - 1
        });
        let input = caller
            .input
            .filter(|_| self.streams.takes_input() && !ended)
            .map(|input| {
                fds.push(PollFd::from_borrowed_fd(input, PollFlags::IN));
                fds.len() - 1
            });
        // What the process has left behind may keep the pipes open: they are read as far as they are full.
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let count = match poll(&mut fds, if ended { Some(&now) } else { None }) {
            Ok(count) => count,
            Err(Errno::INTR) => return Ok(None),
            Err(error) => return Err(errno("waiting for the process")(error)),
        };
        let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        if ended && count == 0 {
            self.streams.close_output();
        }
        for (output, events) in watched.into_iter().zip(&events) {
            if events.is_empty() {
                continue;
            }
            let to = if output == Output::Error {
                caller.error
            } else {
                caller.output
            };
            match output {
                Output::Input => self.streams.flush_input(),
                Output::Standard | Output::Error => {
                    let Some(data) = self.streams.read(output) else {
                        continue;
                    };
                    match write_all(to, &data) {
                        Ok(()) => {}
                        Err(Errno::PIPE) => return Ok(Some(Outcome::OutputClosed)),
                        Err(error) => return Err(errno("writing the output")(error)),
                    }
                }
            }
        }
        if signals.is_some_and(|index| !events[index].is_empty())
            && let Some(number) = pass_signals(caller, |packet| self.answer(&packet))?
        {
            return Ok(Some(Outcome::Signalled(number)));
        }
        if input.is_some_and(|index| !events[index].is_empty()) && self.pass_input(caller) {
            return Ok(Some(Outcome::Detached));
        }
        Ok(None)
    }

    fn answer(&mut self, packet: &Packet) {
        match *packet {
            Packet::Resize { rows, columns } => self.streams.resize(rows, columns),
            Packet::Signal(number) => {
                let _ = crate::sys::signal::send(self.started.child.pidfd.as_fd(), number);
            }
            _ => {}
        }
    }

    /// Passes typed bytes on; whether they held the keys to detach.
    fn pass_input(&mut self, caller: &mut Caller<'_>) -> bool {
        let Some(input) = caller.input else { return false };
        let mut buffer = vec![0; super::protocol::CHUNK];
        match rustix::io::read(input, &mut buffer) {
            Err(Errno::INTR | Errno::AGAIN) => false,
            Ok(0) | Err(_) => {
                caller.input = None;
                self.streams.end_input();
                false
            }
            Ok(length) => match (caller.typed)(&buffer[..length]) {
                Typed::Input(data) => {
                    self.streams.push_input(data);
                    false
                }
                Typed::Detach(data) => {
                    self.streams.push_input(data);
                    true
                }
            },
        }
    }

    fn reap(&self) -> Result<Option<i32>> {
        crate::sys::process::reap(self.started.child.pidfd.as_fd()).map_err(errno("waiting for the process"))
    }
}
