//! What a container's first process and its parent say to each other while it is being set up: one table of
//! messages over one socket of packets. End of file means that the other side died or, seen by the parent after
//! everything was prepared, that the payload was executed (the socket closes on exec).

use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::{Errno, IoSlice, IoSliceMut, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// From child to parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Kind {
    /// All mounts are made. Descriptors: those named by the bits of `index`, see [`ROOT`] and so on.
    Mounted = 1,
    /// Everything but the exec is done (only when the child was asked to wait for `start`).
    Ready = 2,
    /// A step failed; the child is gone after this.
    Failed = 3,
}

/// Bits of `index` in [`Kind::Mounted`], in the order of the descriptors.
pub const ROOT: u32 = 1;
pub const PASSWD: u32 = 2;
pub const GROUP: u32 = 4;
pub const TERMINAL: u32 = 8;

/// From parent to child, one byte each.
pub const NETWORK_READY: u8 = b'n';
pub const PROCEED: u8 = b'p';
pub const MAPPED: u8 = b'm';
/// To a child at [`Gate::Parent`](super::spec::Gate::Parent).
pub const START: u8 = b's';

/// A message of the child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    pub kind: Kind,
    /// The step that failed.
    pub step: u32,
    /// Which of its items, or the descriptors that come along.
    pub index: u32,
    pub errno: i32,
}

/// Bytes of a message.
pub const SIZE: usize = 16;

impl Message {
    pub fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        for (slot, word) in
            bytes
                .chunks_exact_mut(4)
                .zip([self.kind as u32, self.step, self.index, self.errno as u32])
        {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    pub fn parse(bytes: [u8; SIZE]) -> Option<Self> {
        let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let kind = match word(0) {
            1 => Kind::Mounted,
            2 => Kind::Ready,
            3 => Kind::Failed,
            _ => return None,
        };
        Some(Self {
            kind,
            step: word(4),
            index: word(8),
            errno: word(12) as i32,
        })
    }
}

/// The most descriptors that one message carries.
pub const MAX_FDS: usize = 4;

/// Sends a message. Allocates nothing.
pub fn send(socket: BorrowedFd<'_>, message: Message, fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::INVAL);
    }
    let bytes = message.bytes();
    if fds.is_empty() {
        // A plain write, since a filter that is already loaded may know no sendmsg.
        return rustix::io::write(socket, &bytes).map(drop);
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a message with its descriptors; none at end of file.
pub fn receive(socket: BorrowedFd<'_>) -> Result<Option<(Message, Vec<OwnedFd>)>> {
    let mut bytes = [0; SIZE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let flags = RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
            // A child that has died with a message of ours unread is told first; what it has sent can be read after that.
            Err(Errno::INTR | Errno::CONNRESET) => {}
            result => break result?.bytes,
        }
    };
    let fds = control
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
            _ => Vec::new(),
        })
        .collect();
    match length {
        0 => Ok(None),
        SIZE => Message::parse(bytes)
            .map(|message| Some((message, fds)))
            .ok_or(Errno::PROTO),
        _ => Err(Errno::PROTO),
    }
}

/// A connected pair of sockets for these messages.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn messages_cross_with_their_descriptors() {
        let (one, two) = pair().unwrap();
        let message = Message {
            kind: Kind::Failed,
            step: 7,
            index: 9,
            errno: -1,
        };
        send(one.as_fd(), message, &[one.as_fd(), two.as_fd()]).unwrap();
        let (received, fds) = receive(two.as_fd()).unwrap().unwrap();
        assert_eq!((received, fds.len()), (message, 2));
        drop(fds);
        drop(one);
        assert!(receive(two.as_fd()).unwrap().is_none());
    }
}
