//! Telling a service manager (sd_notify(3)).

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

/// Where a container finds its service manager's socket.
pub const INSIDE: &str = "/run/notify/notify.sock";

/// Sends lines to the socket of a service manager. One that does not listen misses them.
pub fn notify(socket: &[u8], lines: &str) -> rustix::io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(socket)?,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let sender = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    rustix::net::sendto(&sender, lines.as_bytes(), SendFlags::NOSIGNAL, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn who_listens_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        notify(path.as_os_str().as_bytes(), "READY=1").unwrap();
        let mut buffer = [0; 16];
        let length = listener.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
        assert!(notify(b"/nosuch/socket", "READY=1").is_err());
    }
}
