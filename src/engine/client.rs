//! A command's connection to a container's monitor.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::protocol::{Connection, Packet, Received, VERSION, Wishes};
use super::state::{Condition, look};
use super::{Engine, EngineError, Result, errno};
use crate::store::events::Event;
use crate::store::{Kind, Store};

/// The socket in a container's directory.
pub const SOCKET: &str = "socket";

/// The address of a file in an open directory. A path through the descriptor is always short enough for a socket's
/// address (108 bytes), and no part of it can be swapped.
pub fn address(directory: impl AsFd, name: &str) -> rustix::io::Result<SocketAddrUnix> {
    let number = std::os::fd::AsRawFd::as_raw_fd(&directory.as_fd());
    SocketAddrUnix::new(format!("/proc/self/fd/{number}/{name}"))
}

/// A new socket for connections or for listening.
pub fn socket() -> rustix::io::Result<std::os::fd::OwnedFd> {
    rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
}

/// Connects to the monitor of a container; none when it has none.
pub fn connect(store: &Store, id: &str, wishes: Wishes) -> Result<Option<Connection>> {
    use rustix::io::Errno;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(store.path_of(Kind::Containers, id), flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(errno(format!("container {id}"))(error)),
    };
    let failed = || format!("cannot talk to the monitor of container {id}");
    let socket = socket().map_err(errno(failed()))?;
    let address = address(&directory, SOCKET).map_err(errno(failed()))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => {}
        Err(Errno::NOENT | Errno::CONNREFUSED | Errno::CONNRESET) => return Ok(None),
        Err(error) => return Err(errno(failed())(error)),
    }
    let connection = Connection::new(socket);
    let hello = Packet::Hello {
        version: VERSION,
        wishes,
    };
    let alive = connection.send(&hello).map_err(errno(failed()))?;
    Ok(alive.then_some(connection))
}

impl Engine {
    /// Attaches to a running container.
    pub fn attach(&self, id: &str, wishes: Wishes) -> Result<Connection> {
        let found = look(&self.store, id)?;
        if found
            .as_ref()
            .is_some_and(|found| found.container.config.log.is_passed())
        {
            return Err(EngineError::Refused(format!(
                "cannot attach to container {id}: its output goes to where it was started from (--log-driver=passthrough)"
            )));
        }
        match (found.map(|found| found.condition), id.to_owned()) {
            (Some(Condition::Paused), id) => return Err(EngineError::Paused { id, act: "attach" }),
            (Some(Condition::Initialized), id) => return Err(EngineError::NotRunning(id)),
            (Some(Condition::Restarting), id) => return Err(EngineError::Restarting(id)),
            _ => {}
        }
        let connection =
            connect(&self.store, id, wishes)?.ok_or_else(|| EngineError::NotRunning(id.to_owned()))?;
        if let Ok(container) = self.store.container(id) {
            self.store.tell([Event::container("attach", &container)]);
        }
        Ok(connection)
    }
}

/// The exit code of the container behind a connection, when it ends; none when its monitor dies first.
/// Output is passed over.
pub fn await_exit(connection: &Connection) -> Result<Option<i32>> {
    loop {
        match connection
            .receive(true)
            .map_err(errno("the container's monitor"))?
        {
            Received::Packet(Packet::Exit(code)) => return Ok(Some(code)),
            Received::End => return Ok(None),
            _ => {}
        }
    }
}
