//! A control group from the user's service manager, for where none is ours: a login session.
//!
//! systemd moves us into a scope of our own, with delegation (systemd.io, "Control Group APIs and Delegation"). It is asked
//! over its private socket, where the D-Bus protocol is spoken without a bus: no bus needs to run and nothing of the
//! environment is used. Who answers is the user himself, or nobody: everything together has to happen in a bounded time.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::dbus::{self, Message, Start, Writer, malformed};

/// How long the service manager may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many messages about other things may come first.
const MESSAGES: usize = 10_000;
/// The longest line of the greeting, and the longest complaint that is passed on.
const LINE_MAX: usize = 512;

/// The number of our only call.
const SERIAL: u32 = 1;
const INTERFACE: &str = "org.freedesktop.systemd1.Manager";

/// Moves this process into a new scope `name` of its user's service manager.
pub fn enter(name: &str) -> Result<()> {
    let table = std::fs::read_to_string("/proc/self/uid_map")?;
    let own = rustix::process::geteuid().as_raw();
    let user = outside(&table, own).ok_or(ErrorKind::NotFound)?;
    let mut manager = Manager::connect(&format!("/run/user/{user}/systemd/private"), PATIENCE)?;
    manager.greet()?;
    manager.start_scope(name, std::process::id())
}

/// The id that is `own` here, in the user namespace above, which is the service manager's.
fn outside(table: &str, own: u32) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (first, above, count) = (
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
        );
        let offset = own.checked_sub(first).filter(|offset| *offset < count)?;
        above.checked_add(offset)
    })
}

struct Manager {
    stream: UnixStream,
    /// When there is no more waiting for it.
    deadline: Instant,
}

impl Manager {
    fn connect(path: &str, patience: Duration) -> Result<Self> {
        let deadline = Instant::now() + patience;
        let address = SocketAddrUnix::new(path)?;
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        // Before it is connected: where many wait to be accepted, that waits too.
        set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
        loop {
            match rustix::net::connect(&socket, &address) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Err(late()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            stream: UnixStream::from(socket),
            deadline,
        })
    }

    fn greet(&mut self) -> Result<()> {
        // No user id is named: the socket tells, and ours has another value in the manager's user namespace.
        self.send(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        for expected in ["DATA", "OK"] {
            let line = self.read_line()?;
            if line.split(' ').next() != Some(expected) {
                return Err(refused(format!("the service manager answered {line:?}")));
            }
        }
        Ok(())
    }

    /// Asks for the scope and waits until the job of making it has ended.
    fn start_scope(&mut self, name: &str, pid: u32) -> Result<()> {
        self.send(&call(name, pid))?;
        // The job, and how the last one for this unit ended: told in either order.
        let (mut job, mut ended) = (None, None);
        for _ in 0..MESSAGES {
            let message = self.receive()?;
            match message.kind {
                dbus::ERROR if message.reply_to == Some(SERIAL) => return Err(refused(complaint(&message))),
                dbus::METHOD_RETURN if message.reply_to == Some(SERIAL) => {
                    job = Some(message.body("o")?.string()?);
                }
                dbus::SIGNAL if message.interface == INTERFACE && message.member == "JobRemoved" => {
                    let mut body = message.body("uoss")?;
                    body.number()?;
                    let (job, unit, result) = (body.string()?, body.string()?, body.string()?);
                    if unit == name {
                        ended = Some((job, result));
                    }
                }
                _ => continue,
            }
            match (&job, &ended) {
                (Some(job), Some((ended, result))) if job == ended => {
                    return match result.as_str() {
                        "done" => Ok(()),
                        _ => Err(refused(format!("the job of making {name} ended with {result:?}"))),
                    };
                }
                _ => {}
            }
        }
        Err(refused("the service manager talks of other things".into()))
    }

    fn receive(&mut self) -> Result<Message> {
        let mut start = [0; Start::LENGTH];
        self.read(&mut start)?;
        let start = Start::parse(start)?;
        let mut rest = vec![0; start.rest()];
        self.read(&mut rest)?;
        start.message(&rest)
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        // Not a byte more: the messages begin behind the last line.
        while !line.ends_with(b"\r\n") {
            if line.len() > LINE_MAX {
                return Err(malformed());
            }
            self.read(&mut byte)?;
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    /// Fills the buffer before the deadline, however small the pieces are that come.
    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => {
                    let text = "the service manager has hung up";
                    return Err(Error::new(ErrorKind::UnexpectedEof, text));
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(late()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => late(),
            _ => error,
        })
    }
}

/// Why a call was refused: in words, or else by the name of the error.
fn complaint(message: &Message) -> String {
    let words = message.body("s").and_then(|mut body| body.string());
    let words = words.unwrap_or_else(|_| message.error.clone());
    words.chars().take(LINE_MAX).collect()
}

/// The call of `StartTransientUnit` (org.freedesktop.systemd1(5)).
fn call(name: &str, pid: u32) -> Vec<u8> {
    let mut body = Writer::default();
    body.string(name);
    body.string("fail");
    body.array(8, |properties| {
        properties.align(8);
        properties.string("Description");
        properties.signature("s");
        properties.string("A container of Coracle");
        properties.align(8);
        properties.string("PIDs");
        properties.signature("au");
        properties.array(4, |pids| pids.number(pid));
        properties.align(8);
        properties.string("Delegate");
        properties.signature("b");
        properties.number(1);
        properties.align(8);
        properties.string("CollectMode");
        properties.signature("s");
        properties.string("inactive-or-failed");
    });
    body.array(8, |_| {});
    body.message(dbus::METHOD_CALL, SERIAL, "ssa(sv)a(sa(sv))", |fields| {
        fields.field(dbus::PATH, "o", "/org/freedesktop/systemd1");
        fields.field(dbus::INTERFACE, "s", INTERFACE);
        fields.field(dbus::MEMBER, "s", "StartTransientUnit");
        fields.field(dbus::DESTINATION, "s", "org.freedesktop.systemd1");
    })
}

fn late() -> Error {
    Error::new(ErrorKind::TimedOut, "the service manager does not answer")
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_outside() {
        let ranges = "         0       1000          1\n         1     100000      65536\n";
        for (table, own, expected) in [
            (ranges, 0, Some(1000)),
            (ranges, 1, Some(100_000)),
            (ranges, 65_537, None),
            ("0 0 4294967295\n", 1000, Some(1000)),
            ("0 4294967295 2\n", 1, None),
            ("nonsense", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(outside(table, own), expected, "{table}");
        }
    }

    #[test]
    fn the_call_says_what_is_wanted() {
        let bytes = call("one.scope", 77);
        let (start, rest) = bytes.split_first_chunk().unwrap();
        let start = Start::parse(*start).unwrap();
        assert_eq!(start.rest(), rest.len());
        let message = start.message(rest).unwrap();
        assert_eq!(
            (message.kind, message.member.as_str()),
            (dbus::METHOD_CALL, "StartTransientUnit")
        );
        let mut body = message.body("ssa(sv)a(sa(sv))").unwrap();
        assert_eq!(body.string().unwrap(), "one.scope");
        assert_eq!(body.string().unwrap(), "fail");
        assert!(body.number().unwrap() > 0);
        body.align(8);
        assert_eq!(body.string().unwrap(), "Description");
        assert_eq!(body.signature().unwrap(), b"s");
        body.string().unwrap();
        body.align(8);
        assert_eq!(body.string().unwrap(), "PIDs");
        assert_eq!(body.signature().unwrap(), b"au");
        assert_eq!(body.number().unwrap(), 4);
        assert_eq!(body.number().unwrap(), 77);
    }

    /// A service manager that gives one answer after the other.
    fn answered(answers: &[Vec<u8>]) -> Result<()> {
        let (stream, mut other) = UnixStream::pair()?;
        for answer in answers {
            other.write_all(answer)?;
        }
        other.shutdown(std::net::Shutdown::Write)?;
        let deadline = Instant::now() + PATIENCE;
        Manager { stream, deadline }.start_scope("one.scope", 77)
    }

    fn message(kind: u8, to: u32, member: &str, signature: &str, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut body = Writer::default();
        fill(&mut body);
        body.message(kind, 9, signature, |fields| {
            if kind == dbus::SIGNAL {
                fields.field(dbus::INTERFACE, "s", INTERFACE);
                fields.field(dbus::MEMBER, "s", member);
            } else {
                fields.reply_serial(to);
            }
        })
    }

    fn accepted(to: u32) -> Vec<u8> {
        message(dbus::METHOD_RETURN, to, "", "o", |body| body.string("/job/1"))
    }

    fn removed(job: &str, unit: &str, result: &str) -> Vec<u8> {
        message(dbus::SIGNAL, 0, "JobRemoved", "uoss", |body| {
            body.number(5);
            body.string(job);
            body.string(unit);
            body.string(result);
        })
    }

    #[test]
    fn the_end_of_the_job_is_awaited() {
        let done = || removed("/job/1", "one.scope", "done");
        let other = || message(dbus::SIGNAL, 0, "UnitNew", "s", |body| body.string("x"));
        let failed_before = || removed("/job/0", "one.scope", "failed");
        let ends = |answers: &[Vec<u8>]| answered(answers).map_err(|error| error.to_string());
        ends(&[other(), accepted(SERIAL), failed_before(), done()]).unwrap();
        ends(&[
            failed_before(),
            done(),
            removed("/job/2", "two.scope", "failed"),
            accepted(SERIAL),
        ])
        .unwrap();
        let hung_up = "the service manager has hung up";
        for (answers, expected) in [
            (vec![accepted(SERIAL)], hung_up),
            (vec![done()], hung_up),
            // The answer to nothing that we have asked.
            (vec![accepted(SERIAL + 1), done()], hung_up),
            (
                vec![accepted(SERIAL), removed("/job/1", "two.scope", "done")],
                hung_up,
            ),
            (
                vec![accepted(SERIAL), removed("/job/1", "one.scope", "canceled")],
                "the job of making one.scope ended with \"canceled\"",
            ),
            (
                vec![message(dbus::ERROR, SERIAL, "", "s", |body| {
                    body.string("no such thing")
                })],
                "no such thing",
            ),
            // An answer of another type than the call's.
            (
                vec![message(dbus::METHOD_RETURN, SERIAL, "", "u", |body| {
                    body.number(1)
                })],
                "the service manager's answer is malformed",
            ),
        ] {
            assert_eq!(ends(&answers).unwrap_err(), expected);
        }
        let long = message(dbus::ERROR, SERIAL, "", "s", |body| {
            body.string(&"x".repeat(100_000))
        });
        assert_eq!(ends(&[long]).unwrap_err().len(), LINE_MAX);
    }

    /// What becomes of a greeting when the service manager says this.
    fn greeted(text: &str) -> std::result::Result<(), String> {
        let (stream, mut other) = UnixStream::pair().unwrap();
        other.write_all(text.as_bytes()).unwrap();
        other.shutdown(std::net::Shutdown::Write).unwrap();
        let deadline = Instant::now() + PATIENCE;
        Manager { stream, deadline }
            .greet()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn greetings() {
        greeted("DATA\r\nOK 0123\r\n").unwrap();
        for (text, expected) in [
            ("REJECTED EXTERNAL\r\n", "answered \"REJECTED EXTERNAL\""),
            ("DATA\r\nOKAY\r\n", "answered \"OKAY\""),
            ("DATA\r\n", "hung up"),
            ("", "hung up"),
            (&"x".repeat(10_000), "malformed"),
        ] {
            let error = greeted(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_service_manager_that_is_not_there_or_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("private");
        let connect = || Manager::connect(path.to_str().unwrap(), Duration::from_millis(50));
        let kind = |result: Result<Manager>| result.map(drop).unwrap_err().kind();
        assert_eq!(kind(connect()), ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).unwrap();
        // No more than one may wait to be accepted.
        rustix::net::listen(&listener, 0).unwrap();
        let mut first = connect().unwrap();
        assert_eq!(first.greet().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(kind(connect()), ErrorKind::TimedOut);
        drop(listener);
        assert_eq!(kind(connect()), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_service_manager_that_never_comes_to_an_end_is_left() {
        let (stream, mut other) = UnixStream::pair().unwrap();
        let deadline = Instant::now() + Duration::from_millis(100);
        std::thread::scope(|scope| {
            // One byte after the other, each well in time, until nobody listens.
            scope.spawn(move || while other.write_all(b"l\x04\x00\x01\x10").is_ok() {});
            let mut manager = Manager { stream, deadline };
            let result = loop {
                match manager.read(&mut [0]) {
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(result.kind(), ErrorKind::TimedOut);
        });
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut start = vec![b'l', 2, 0, 1, 40, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0, 0];
            start.extend(bytes);
            let _ = answered(&[start]);
        }
    }
}
