//! Stopping, killing and waiting.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::client::{await_exit, connect};
use super::protocol::{Connection, Packet, Received, Wishes};
use super::state::{Condition, Found, init, look};
use super::watch::Watch;
use super::{Engine, EngineError, Result, errno, pause};
use crate::store::Kind;
use crate::store::container::{Config, Sharing, State};
use crate::store::events::Event;
use crate::store::locks::{LIVE, Liveness};

/// How long a container may take to end by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// As the container was made.
    Own,
    Seconds(u64),
    /// Killed at once.
    None,
    Unlimited,
}

/// How a container came to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// It did not run.
    Already,
    /// By itself, after the signal.
    Itself,
    /// Killed when the seconds for which it was waited after the signal were over.
    Killed { signal: i32, seconds: u64 },
    /// Killed at once: the signal could not have reached it, since a first process has no default actions
    /// (pid_namespaces(7)) and this one has no handler.
    Deaf,
}

/// How often a monitor that lives may not be found on its socket, as it comes or goes, until it counts as deaf.
const TURNS: u32 = 8;

/// How long a killed container may take to end.
const KILLED: Duration = Duration::from_secs(10);

impl Engine {
    /// Stops a container: its signal first, then SIGKILL.
    pub fn stop(&self, id: &str, signal: Option<i32>, patience: Patience) -> Result<Stopped> {
        let Some((found, connection)) = self.reach_monitor(id)? else {
            return Ok(Stopped::Already);
        };
        let stopped = end(&found, &connection, signal, patience)?;
        self.store.tell([Event::container("stop", &found.container)]);
        Ok(stopped)
    }

    /// A container that runs, with a connection to its monitor; none when it does not run.
    fn reach_monitor(&self, id: &str) -> Result<Option<(Found, Connection)>> {
        for _ in 0..TURNS {
            let Some(found) = look(&self.store, id)? else {
                return Err(EngineError::NoSuchContainer(id.to_owned()));
            };
            match found.condition {
                Condition::Created | Condition::Exited => return Ok(None),
                Condition::Elsewhere => return Err(EngineError::Elsewhere(id.to_owned())),
                Condition::Running
                | Condition::Paused
                | Condition::Starting
                | Condition::Initialized
                | Condition::Restarting
                | Condition::Lost => {}
            }
            if let Some(connection) = connect(&self.store, id, Wishes::ENDING)? {
                return Ok(Some((found, connection)));
            }
            // It has just ended, is being started, or has lost its monitor, which taking the lock settles.
            self.hold(id, &mut || ())?;
        }
        Err(EngineError::Refused(format!(
            "the monitor of container {id} lives and does not answer on its socket"
        )))
    }

    /// Whether `signal` cannot act on the first process of a running container: it has no handler for it, and the kernel
    /// spares a first process the default action.
    pub fn is_deaf_to(&self, id: &str, signal: i32) -> bool {
        matches!(look(&self.store, id), Ok(Some(found)) if found.condition.runs() && is_deaf(&found.container.config, &found.state, signal))
    }

    /// Sends a signal to a container's init. One that ends containers keeps it from being started again. A container that is
    /// paused goes on when it is to end; other signals it finds when it does.
    pub fn kill(&self, id: &str, signal: i32) -> Result<()> {
        let Some(found) = look(&self.store, id)? else {
            return Err(EngineError::NoSuchContainer(id.to_owned()));
        };
        let config = &found.container.config;
        let is_over = found.condition == Condition::Restarting;
        if ends(config, signal) && (is_over || !config.restart.is_no()) {
            self.tell_of_end(id)?;
            if is_over {
                return Ok(());
            }
        }
        let not_running = || EngineError::NotRunning(id.to_owned());
        let waits = found.condition == Condition::Initialized;
        if !waits && !found.condition.runs() {
            return Err(not_running());
        }
        // There is no payload yet that could end by another one.
        let sent = match waits && ends(config, signal) {
            true => Signal::KILL.as_raw(),
            false => signal,
        };
        let pidfd = init(&found.state).ok_or_else(not_running)?;
        // Before the signal: the monitor hears of that before it notices the end.
        if let Ok(Some(connection)) = connect(&self.store, id, Wishes::default()) {
            let _ = connection.try_send(&Packet::Sent(signal));
        }
        crate::sys::signal::send(std::os::fd::AsFd::as_fd(&pidfd), sent)
            .map_err(errno(format!("cannot send signal {signal} to container {id}")))?;
        if signal == Signal::KILL.as_raw() || signal == found.container.config.stop_signal {
            pause::resume(&found);
        }
        self.store
            .tell([Event::container("kill", &found.container).with("signal", signal)]);
        Ok(())
    }

    /// Tells the monitor that the next end is by its user's will, and waits until it has heard that.
    fn tell_of_end(&self, id: &str) -> Result<()> {
        let Some(connection) = connect(&self.store, id, Wishes::ENDING)? else {
            return Ok(());
        };
        loop {
            match connection
                .receive(true)
                .map_err(errno("the container's monitor"))?
            {
                Received::Packet(Packet::Welcome { .. }) | Received::End => return Ok(()),
                Received::Packet(_) | Received::Nothing => {}
            }
        }
    }

    /// Waits until a container is in a condition that is `wanted`, of those that its record tells; `None` stands for one
    /// that was removed.
    pub fn await_condition(&self, id: &str, wanted: impl Fn(Option<Condition>) -> bool) -> Result<()> {
        let missing = || EngineError::NoSuchContainer(id.to_owned());
        let Ok(directory) = self.store.object(Kind::Containers, id) else {
            return if wanted(None) { Ok(()) } else { Err(missing()) };
        };
        let watch = Watch::of(directory.as_fd()).map_err(errno(format!("container {id}")))?;
        loop {
            watch.drain();
            // Its death by force writes nothing. Before the look, which then finds whoever it was.
            let monitor = monitor(directory.as_fd());
            let condition = look(&self.store, id)?.map(|found| found.condition);
            if wanted(condition) {
                return Ok(());
            }
            match condition {
                None => return Err(missing()),
                // Settled, and what was to vanish does.
                Some(Condition::Lost) => {
                    drop(self.hold(id, &mut || ())?);
                    self.sweep_containers()?;
                }
                Some(_) => {
                    let mut fds = vec![PollFd::new(&watch, PollFlags::IN)];
                    fds.extend(
                        monitor
                            .as_ref()
                            .map(|monitor| PollFd::new(monitor, PollFlags::IN)),
                    );
                    let _ = poll(&mut fds, None);
                }
            }
        }
    }

    /// Waits for a container to end and returns its exit code.
    pub fn wait(&self, id: &str) -> Result<i32> {
        loop {
            let Some(found) = look(&self.store, id)? else {
                return Err(EngineError::NoSuchContainer(id.to_owned()));
            };
            match found.condition {
                Condition::Running
                | Condition::Paused
                | Condition::Starting
                | Condition::Initialized
                | Condition::Restarting => {
                    if let Some(connection) = connect(&self.store, id, Wishes::default())?
                        && let Some(code) = await_exit(&connection)?
                    {
                        return Ok(code);
                    }
                    // Its monitor has just started or ended: the next look tells.
                    self.hold(id, &mut || ())?;
                }
                Condition::Lost => drop(self.hold(id, &mut || ())?),
                Condition::Elsewhere => return Err(EngineError::Elsewhere(id.to_owned())),
                Condition::Created | Condition::Exited => return Ok(found.state.exit_code),
            }
        }
    }
}

/// A descriptor of the monitor of the container with that directory, while it lives where we can see it.
fn monitor(directory: BorrowedFd<'_>) -> Option<OwnedFd> {
    let holder = || Liveness::holder(directory, LIVE).ok().flatten();
    let pid = holder()?;
    let pidfd = rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // Compared after it was opened: the number may have become another process's before.
    (holder() == Some(pid)).then_some(pidfd)
}

/// Whether whoever sends `signal` wants the container to end: what the payload may take for anything else does not.
pub(super) fn ends(config: &Config, signal: i32) -> bool {
    let ending = [Signal::KILL, Signal::TERM, Signal::INT, Signal::QUIT];
    signal == config.stop_signal || ending.iter().any(|ending| ending.as_raw() == signal)
}

/// Ends a container by its signal, or by SIGKILL.
fn end(found: &Found, connection: &Connection, signal: Option<i32>, patience: Patience) -> Result<Stopped> {
    let signal = signal.unwrap_or(found.container.config.stop_signal);
    let seconds = match patience {
        Patience::Own => Some(found.container.config.stop_timeout),
        Patience::Seconds(seconds) => Some(seconds),
        Patience::None => Some(0),
        Patience::Unlimited => None,
    };
    // Where there is no payload yet the monitor kills the first process instead.
    let is_deaf =
        found.condition != Condition::Initialized && is_deaf(&found.container.config, &found.state, signal);
    if !is_deaf && patience != Patience::None {
        send(connection, signal)?;
        // The signal waits where it is: it goes on by it.
        pause::resume(found);
        let limit = seconds.map(Duration::from_secs);
        if await_limited(connection, limit)? {
            return Ok(Stopped::Itself);
        }
    }
    send(connection, Signal::KILL.as_raw())?;
    // By ourselves as well: a monitor that is stopped passes nothing on.
    if let Some(init) = init(&found.state) {
        let _ = rustix::process::pidfd_send_signal(&init, Signal::KILL);
    }
    if !await_limited(connection, Some(KILLED))? {
        return Err(EngineError::Refused(format!(
            "container {} was killed {} seconds ago and has not ended: its monitor is stopped (SIGCONT lets it go \
             on), or a process of it hangs in the kernel",
            found.container.id,
            KILLED.as_secs()
        )));
    }
    Ok(match seconds {
        _ if is_deaf => Stopped::Deaf,
        seconds => Stopped::Killed {
            signal,
            seconds: seconds.unwrap_or(0),
        },
    })
}

fn send(connection: &Connection, signal: i32) -> Result<()> {
    connection
        .send(&Packet::Signal(signal))
        .map_err(errno("the container's monitor"))
        .map(drop)
}

/// Waits for the end of the container; `false` when the time was over before. A time that no clock reaches is none.
fn await_limited(connection: &Connection, limit: Option<Duration>) -> Result<bool> {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        match connection
            .receive(false)
            .map_err(errno("the container's monitor"))?
        {
            // The end without a code is the monitor's death, with which the container dies.
            Received::Packet(Packet::Exit(_)) | Received::End => return Ok(true),
            Received::Packet(_) => continue,
            Received::Nothing => {}
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let ready = poll(&mut [PollFd::new(connection, PollFlags::IN)], timeout.as_ref());
        if matches!(ready, Ok(0)) {
            return Ok(false);
        }
    }
}

/// Whether `signal` cannot act on the container's first process.
pub(super) fn is_deaf(config: &Config, state: &State, signal: i32) -> bool {
    if config.init && config.init_program.is_none()
        || config.pid == Sharing::Host
        || signal == Signal::KILL.as_raw()
    {
        return false;
    }
    // One that has just begun may still be installing its handlers.
    handled(state).is_some_and(|mask| mask & (1 << (signal - 1).clamp(0, 63)) == 0)
        && is_older_than(state, Duration::from_secs(1))
}

/// The signals for which the container's first process has a handler or waits (`/proc/PID/status`). A blocked signal can be
/// waited for by sigwait or signalfd, so that it counts as well.
fn handled(state: &State) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", state.pid)).ok()?;
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    Some(mask("SigCgt:")? | mask("SigBlk:")?)
}

fn is_older_than(state: &State, age: Duration) -> bool {
    let Some(uptime) = std::fs::read_to_string("/proc/uptime").ok() else {
        return false;
    };
    let seconds = uptime
        .split_whitespace()
        .next()
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    seconds - state.start_time as f64 / ticks > age.as_secs_f64()
}
