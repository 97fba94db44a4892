//! What a command and a container's monitor say to each other, in packets over a socket: a byte that says what it is, and
//! its content.
//!
//! The first packet of each side is a greeting with the protocol's version. A monitor may be older or newer than the
//! command; both speak the lower version of the two.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// The version that this program speaks.
pub const VERSION: u8 = 1;
/// The most output or input in one packet.
pub const CHUNK: usize = 32 << 10;

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wishes {
    /// Output from now on.
    pub output: bool,
    /// To give input. The end of the connection is then the end of the input.
    pub input: bool,
    /// The one whose slowness the container feels, instead of being dropped for it: the foreground caller.
    pub primary: bool,
    /// To end it: whatever its restart policy says, its next end is its last.
    pub end: bool,
    /// To be told how long the phases of the start take.
    pub times: bool,
    /// Rows and columns of the client's terminal: the size that a payload finds when it starts.
    pub window: Option<(u16, u16)>,
}

impl Wishes {
    /// Of a command that ends the container.
    pub const ENDING: Self = Self {
        output: false,
        input: false,
        primary: false,
        end: true,
        times: false,
        window: None,
    };
}

/// A packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    // From the client.
    Hello {
        version: u8,
        wishes: Wishes,
    },
    Input(Vec<u8>),
    InputEnd,
    Resize {
        rows: u16,
        columns: u16,
    },
    Signal(i32),
    /// Such a signal was sent past the monitor, or will be in a moment.
    Sent(i32),
    /// Let the payload run, which waits for that.
    Start,
    /// Check the container's health now, and tell of it.
    Check,
    /// Tell of its health, now and with each check.
    Watch,
    /// The health checks in its record have changed. The monitor says the same when it has taken them.
    Changed,
    // From the monitor.
    Welcome {
        version: u8,
    },
    /// How the time went by until now, for whoever asked: see [`timing::encode`](crate::base::timing::encode).
    Times(Vec<u8>),
    /// The payload runs; its pid on the host.
    Started(i32),
    /// It does not, with the exit code that says why.
    Failed {
        exit: i32,
        message: String,
    },
    Output(Vec<u8>),
    ErrorOutput(Vec<u8>),
    /// The container has ended and all its output has been sent.
    Exit(i32),
    /// The client was too slow and gets no more output.
    Dropped,
    /// A check has ended with this code.
    Checked(i32),
    /// How the container is by its checks: `starting`, `healthy` or `unhealthy`.
    Health(String),
}

impl Packet {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello { .. } => b'h',
            Self::Input(_) => b'i',
            Self::InputEnd => b'e',
            Self::Resize { .. } => b'r',
            Self::Signal(_) => b's',
            Self::Sent(_) => b'n',
            Self::Welcome { .. } => b'W',
            Self::Times(_) => b'T',
            Self::Started(_) => b'S',
            Self::Failed { .. } => b'F',
            Self::Output(_) => b'O',
            Self::ErrorOutput(_) => b'E',
            Self::Exit(_) => b'X',
            Self::Dropped => b'D',
            Self::Start => b'l',
            Self::Check => b'c',
            Self::Watch => b'w',
            Self::Changed => b'u',
            Self::Checked(_) => b'C',
            Self::Health(_) => b'H',
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind()];
        match self {
            Self::Hello { version, wishes } => {
                let Wishes {
                    output,
                    input,
                    primary,
                    end,
                    times,
                    ..
                } = *wishes;
                let bits = [output, input, primary, end, times];
                let bits = bits.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit));
                bytes.extend([*version, bits]);
                if let Some((rows, columns)) = wishes.window {
                    bytes.extend(rows.to_le_bytes());
                    bytes.extend(columns.to_le_bytes());
                }
            }
            Self::Welcome { version } => bytes.push(*version),
            Self::Input(data) | Self::Output(data) | Self::ErrorOutput(data) | Self::Times(data) => {
                bytes.extend_from_slice(data)
            }
            Self::Resize { rows, columns } => {
                bytes.extend(rows.to_le_bytes());
                bytes.extend(columns.to_le_bytes());
            }
            Self::Signal(number)
            | Self::Sent(number)
            | Self::Started(number)
            | Self::Exit(number)
            | Self::Checked(number) => {
                bytes.extend(number.to_le_bytes());
            }
            Self::Failed { exit, message } => {
                bytes.extend(exit.to_le_bytes());
                bytes.extend_from_slice(message.as_bytes());
            }
            Self::Health(word) => bytes.extend_from_slice(word.as_bytes()),
            Self::InputEnd | Self::Dropped | Self::Start | Self::Check | Self::Watch | Self::Changed => {}
        }
        bytes
    }

    /// `None`: not a packet of this version.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let number = || rest.get(..4)?.try_into().ok().map(i32::from_le_bytes);
        let short = |at: usize| rest.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
        Some(match kind {
            b'h' => {
                let bits = *rest.get(1)?;
                let wishes = Wishes {
                    output: bits & 1 != 0,
                    input: bits & 2 != 0,
                    primary: bits & 4 != 0,
                    end: bits & 8 != 0,
                    times: bits & 16 != 0,
                    // An older client names none.
                    window: short(2).zip(short(4)),
                };
                Self::Hello {
                    version: *rest.first()?,
                    wishes,
                }
            }
            b'i' => Self::Input(rest.into()),
            b'e' => Self::InputEnd,
            b'r' => Self::Resize {
                rows: short(0)?,
                columns: short(2)?,
            },
            b's' => Self::Signal(number()?),
            b'n' => Self::Sent(number()?),
            b'W' => Self::Welcome {
                version: *rest.first()?,
            },
            b'T' => Self::Times(rest.into()),
            b'S' => Self::Started(number()?),
            b'F' => Self::Failed {
                exit: number()?,
                message: String::from_utf8_lossy(&rest[4..]).into_owned(),
            },
            b'O' => Self::Output(rest.into()),
            b'E' => Self::ErrorOutput(rest.into()),
            b'X' => Self::Exit(number()?),
            b'D' => Self::Dropped,
            b'l' => Self::Start,
            b'c' => Self::Check,
            b'w' => Self::Watch,
            b'u' => Self::Changed,
            b'C' => Self::Checked(number()?),
            b'H' => Self::Health(String::from_utf8_lossy(rest).into_owned()),
            _ => return None,
        })
    }
}

/// One end of a connection.
#[derive(Debug)]
pub struct Connection(OwnedFd);

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    Packet(Packet),
    /// Nothing is there yet.
    Nothing,
    /// The other side has gone, or does not speak our language.
    End,
}

impl Connection {
    pub fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// A connected pair.
    pub fn pair() -> rustix::io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC;
        let (one, two) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(one), Self(two)))
    }

    /// Sends a packet, waiting until there is room. `false`: the other side has gone.
    pub fn send(&self, packet: &Packet) -> rustix::io::Result<bool> {
        let bytes = packet.encode();
        loop {
            match rustix::net::send(&self.0, &bytes, SendFlags::NOSIGNAL) {
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a packet if there is room for it now. `EAGAIN` when there is none.
    pub fn try_send(&self, packet: &Packet) -> rustix::io::Result<()> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::net::send(&self.0, &packet.encode(), flags).map(drop)
    }

    /// The next packet.
    pub fn receive(&self, wait: bool) -> rustix::io::Result<Received> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); CHUNK + 16];
        let flags = if wait {
            RecvFlags::empty()
        } else {
            RecvFlags::DONTWAIT
        };
        loop {
            match rustix::net::recv(&self.0, &mut buffer, flags) {
                Ok(((bytes, _), _)) => {
                    return Ok(Packet::decode(bytes).map_or(Received::End, Received::Packet));
                }
                // A peer that has gone without reading everything is told first; what it has sent can be read after that.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packets_cross_and_the_end_is_seen() {
        let (one, two) = Connection::pair().unwrap();
        let wishes = Wishes {
            output: true,
            input: false,
            primary: true,
            end: false,
            times: true,
            window: None,
        };
        for packet in [
            Packet::Hello {
                version: VERSION,
                wishes,
            },
            Packet::Hello {
                version: VERSION,
                wishes: Wishes {
                    window: Some((40, 120)),
                    ..wishes
                },
            },
            Packet::Hello {
                version: VERSION,
                wishes: Wishes::ENDING,
            },
            Packet::Input(vec![0; CHUNK]),
            Packet::InputEnd,
            Packet::Resize {
                rows: 24,
                columns: 80,
            },
            Packet::Signal(15),
            Packet::Sent(9),
            Packet::Welcome { version: 1 },
            Packet::Times(b"1 a\n".into()),
            Packet::Started(7),
            Packet::Failed {
                exit: 127,
                message: "é".into(),
            },
            Packet::Output(vec![1]),
            Packet::ErrorOutput(vec![]),
            Packet::Exit(-1),
            Packet::Dropped,
            Packet::Start,
            Packet::Check,
            Packet::Watch,
            Packet::Changed,
            Packet::Checked(-1),
            Packet::Health("healthy".into()),
        ] {
            assert!(one.send(&packet).unwrap());
            assert_eq!(two.receive(true).unwrap(), Received::Packet(packet));
        }
        assert_eq!(two.receive(false).unwrap(), Received::Nothing);
        drop(one);
        assert_eq!(two.receive(false).unwrap(), Received::End);
        assert!(!two.send(&Packet::Dropped).unwrap());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Packet::decode(&bytes);
        }
    }
}
