//! Between a command's own streams and a container: what `run`, `attach`, `start -a` and `exec` do while they wait.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use super::protocol::{CHUNK, Connection, Packet, Received};
use super::{Result, errno};
use crate::base::timing;
use crate::sys::signal::Signals;

/// What lasts until a container has written something, or has ended.
pub const FIRST_OUTPUT: &str = "first-output";

/// What became of typed bytes that may hold the keys to detach.
pub enum Typed {
    Input(Vec<u8>),
    Detach(Vec<u8>),
}

/// What to do with a signal that came to the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// Send this one to the container.
    Pass(i32),
    /// It was for the caller alone, who has done what it asks.
    Done,
    /// Leave the container alone and end.
    Leave,
}

/// The command's side.
pub struct Caller<'a> {
    /// Standard input, when it is to be passed on.
    pub input: Option<BorrowedFd<'a>>,
    /// None: not wanted.
    pub output: Option<BorrowedFd<'a>>,
    pub error: Option<BorrowedFd<'a>>,
    /// Signals that were blocked to arrive here. SIGWINCH means a new size; `react` decides on others.
    pub signals: Option<&'a Signals>,
    pub react: &'a mut dyn FnMut(i32) -> Reaction,
    /// The size of the terminal in rows and columns.
    pub size: &'a dyn Fn() -> Option<(u16, u16)>,
    /// Looks for the keys to detach in what was typed.
    pub typed: &'a mut dyn FnMut(&[u8]) -> Typed,
}

/// How it went on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The container ended with this code.
    Exit(i32),
    Detached,
    /// A signal made the caller leave.
    Signalled(i32),
    /// Nobody reads our output any more.
    OutputClosed,
    /// We were too slow, and the container goes on without us.
    Dropped,
    /// The monitor died, and the container with it.
    Lost,
}

/// What the other side said.
enum Turn {
    Going,
    Over(Outcome),
}

/// Relays between the caller and a monitor until one of them is done.
pub fn relay(connection: &Connection, caller: &mut Caller<'_>) -> Result<Outcome> {
    if let Some((rows, columns)) = (caller.size)() {
        let _ = connection.send(&Packet::Resize { rows, columns });
    }
    // Input that the monitor had no room for. Sending must not block: the monitor may be waiting for us to take output.
    let mut pending: Option<Packet> = None;
    let mut detaching = false;
    loop {
        let mut wanted = PollFlags::IN;
        if pending.is_some() {
            wanted |= PollFlags::OUT;
        }
        let mut fds = vec![PollFd::from_borrowed_fd(connection.as_fd(), wanted)];
        let signals = caller.signals.map(|signals| {
            fds.push(PollFd::new(signals, PollFlags::IN));
            fds.len() - 1
        });
        let input = caller.input.filter(|_| pending.is_none()).map(|input| {
            fds.push(PollFd::from_borrowed_fd(input, PollFlags::IN));
            fds.len() - 1
        });
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(errno("waiting for the container")(error)),
        }
        let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        if events[0].contains(PollFlags::OUT)
            && let Some(packet) = pending.take()
        {
            pending = offer(connection, packet)?;
        }
        if detaching && pending.is_none() {
            return Ok(Outcome::Detached);
        }
        if events[0].intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)
            && let Turn::Over(outcome) = listen(connection, caller)?
        {
            return Ok(outcome);
        }
        if signals.is_some_and(|index| !events[index].is_empty())
            && let Some(number) = pass_signals(caller, |packet| _ = connection.send(&packet))?
        {
            return Ok(Outcome::Signalled(number));
        }
        if input.is_some_and(|index| !events[index].is_empty()) {
            let (packet, detach) = read_input(caller);
            detaching = detach;
            if let Some(packet) = packet {
                pending = offer(connection, packet)?;
            }
            if detaching && pending.is_none() {
                return Ok(Outcome::Detached);
            }
        }
    }
}

/// Sends a packet, or gives it back when there is no room.
fn offer(connection: &Connection, packet: Packet) -> Result<Option<Packet>> {
    match connection.try_send(&packet) {
        Ok(()) => Ok(None),
        Err(Errno::AGAIN | Errno::NOBUFS) => Ok(Some(packet)),
        // The monitor has gone; its end is heard next.
        Err(_) => Ok(None),
    }
}

fn listen(connection: &Connection, caller: &mut Caller<'_>) -> Result<Turn> {
    let packet = match connection
        .receive(false)
        .map_err(errno("the container's monitor"))?
    {
        Received::Packet(packet) => packet,
        Received::Nothing => return Ok(Turn::Going),
        Received::End => return Ok(Turn::Over(Outcome::Lost)),
    };
    let written = match &packet {
        Packet::Output(data) => write_all(caller.output, data),
        Packet::ErrorOutput(data) => write_all(caller.error, data),
        Packet::Exit(code) => return Ok(Turn::Over(Outcome::Exit(*code))),
        Packet::Dropped => return Ok(Turn::Over(Outcome::Dropped)),
        _ => Ok(()),
    };
    match written {
        Ok(()) => Ok(Turn::Going),
        Err(Errno::PIPE) => Ok(Turn::Over(Outcome::OutputClosed)),
        Err(error) => Err(errno("writing the container's output")(error)),
    }
}

/// Writes everything, waiting where the other side does not read: that is the back-pressure.
pub fn write_all(to: Option<BorrowedFd<'_>>, mut data: &[u8]) -> rustix::io::Result<()> {
    let Some(to) = to else { return Ok(()) };
    timing::follow(FIRST_OUTPUT, "payload");
    while !data.is_empty() {
        match rustix::io::write(to, data) {
            Ok(length) => data = &data[length..],
            Err(Errno::INTR) => {}
            // Our standard stream may share a description that somebody has made non-blocking.
            Err(Errno::AGAIN) => drop(poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What standard input has, and whether it holds the keys to detach.
fn read_input(caller: &mut Caller<'_>) -> (Option<Packet>, bool) {
    let Some(input) = caller.input else {
        return (None, false);
    };
    let mut buffer = vec![0; CHUNK];
    match rustix::io::read(input, &mut buffer) {
        Ok(0) => {
            caller.input = None;
            (Some(Packet::InputEnd), false)
        }
        Ok(length) => match (caller.typed)(&buffer[..length]) {
            Typed::Input(data) if data.is_empty() => (None, false),
            Typed::Input(data) => (Some(Packet::Input(data)), false),
            Typed::Detach(data) if data.is_empty() => (None, true),
            Typed::Detach(data) => (Some(Packet::Input(data)), true),
        },
        Err(Errno::INTR | Errno::AGAIN) => (None, false),
        // A terminal that has hung up, or that we may not read from in the background.
        Err(_) => {
            caller.input = None;
            (Some(Packet::InputEnd), false)
        }
    }
}

/// Hands on what the caller's signals ask for, new sizes and signals. Some: the caller is to leave because of this one.
pub(super) fn pass_signals(caller: &mut Caller<'_>, mut pass: impl FnMut(Packet)) -> Result<Option<i32>> {
    let Some(signals) = caller.signals else {
        return Ok(None);
    };
    while let Some(delivered) = signals.next().map_err(errno("signals"))? {
        if delivered.number == Signal::WINCH.as_raw() {
            if let Some((rows, columns)) = (caller.size)() {
                pass(Packet::Resize { rows, columns });
            }
            continue;
        }
        match (caller.react)(delivered.number) {
            Reaction::Pass(number) => pass(Packet::Signal(number)),
            Reaction::Done => {}
            Reaction::Leave => return Ok(Some(delivered.number)),
        }
    }
    Ok(None)
}
