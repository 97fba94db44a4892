//! Messages for the journal of systemd, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, Result};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Connects to the journal. Nobody ever waits for it.
pub fn connect(path: &Path) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Sends a message, unless there is no room for it.
pub fn send(socket: impl AsFd, packet: &[u8]) -> Result<()> {
    loop {
        match rustix::net::send(&socket, packet, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Adds a field. A value with an end of line in it goes with its length.
pub fn field(packet: &mut Vec<u8>, key: &str, value: &[u8]) {
    packet.extend_from_slice(key.as_bytes());
    if value.contains(&b'\n') {
        packet.push(b'\n');
        packet.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        packet.push(b'=');
    }
    packet.extend_from_slice(value);
    packet.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_lines() {
        let mut packet = Vec::new();
        field(&mut packet, "A", b"b\nc");
        assert_eq!(packet, b"A\n\x03\0\0\0\0\0\0\0b\nc\n");
    }
}
