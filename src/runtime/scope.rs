//! A control group from the user's service manager, for where none is ours: a login session.
//!
//! systemd moves us into a scope of our own, with delegation (systemd.io, "Control Group APIs and Delegation"). It is asked
//! over its private socket, where the D-Bus protocol is spoken without a bus: no bus needs to run and nothing of the
//! environment is used. The answers are bounded and read by their lengths; who gives them is the user himself.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long the service manager may take for each answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest message that is read; those that matter have a few hundred bytes.
const MESSAGE_MAX: u32 = 1 << 20;
/// How many messages about other things may come first.
const MESSAGES: usize = 10_000;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// Moves this process into a new scope `name` of its user's service manager.
pub fn enter(name: &str) -> Result<()> {
    let table = std::fs::read_to_string("/proc/self/uid_map")?;
    let own = rustix::process::geteuid().as_raw();
    let user = outside(&table, own).ok_or(ErrorKind::NotFound)?;
    let mut manager = Manager::connect(&format!("/run/user/{user}/systemd/private"))?;
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
}

impl Manager {
    fn connect(path: &str) -> Result<Self> {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // No user id is named: the socket tells, and ours has another value in the manager's user namespace.
        stream.write_all(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        for expected in ["DATA", "OK"] {
            let line = read_line(&mut stream)?;
            if !line.starts_with(expected) {
                return Err(refused(format!("the service manager answered {line:?}")));
            }
        }
        Ok(Self { stream })
    }

    /// Asks for the scope and waits until the job of making it has ended.
    fn start_scope(&mut self, name: &str, pid: u32) -> Result<()> {
        self.stream.write_all(&call(name, pid))?;
        let mut job = None;
        for _ in 0..MESSAGES {
            let message = self.receive()?;
            let mut body = Reader::new(&message.body);
            match (message.kind, job.as_deref()) {
                (ERROR, None) => return Err(refused(body.string()?)),
                (METHOD_RETURN, None) => job = Some(body.string()?),
                (_, Some(job)) if message.member == "JobRemoved" => {
                    body.number()?;
                    if body.string()? != job {
                        continue;
                    }
                    body.string()?;
                    return match body.string()?.as_str() {
                        "done" => Ok(()),
                        result => Err(refused(format!("the job of making {name} ended with {result:?}"))),
                    };
                }
                _ => {}
            }
        }
        Err(refused("the service manager talks of other things".into()))
    }

    fn receive(&mut self) -> Result<Message> {
        let mut start = [0; 16];
        self.stream.read_exact(&mut start)?;
        if start[0] != b'l' {
            return Err(malformed());
        }
        let number = |at: usize| u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
        let (body, fields) = (number(4), number(12));
        if body > MESSAGE_MAX || fields > MESSAGE_MAX {
            return Err(malformed());
        }
        let mut header = vec![0; fields.next_multiple_of(8) as usize];
        self.stream.read_exact(&mut header)?;
        header.truncate(fields as usize);
        let mut text = vec![0; body as usize];
        self.stream.read_exact(&mut text)?;
        Ok(Message {
            kind: start[1],
            member: member(&header)?,
            body: text,
        })
    }
}

fn read_line(stream: &mut UnixStream) -> Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    // Not a byte more: the messages begin behind the last line.
    while !line.ends_with(b"\r\n") {
        if line.len() > 512 {
            return Err(malformed());
        }
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
}

struct Message {
    kind: u8,
    member: String,
    body: Vec<u8>,
}

/// The member of an interface that a header speaks of.
fn member(header: &[u8]) -> Result<String> {
    const MEMBER: u8 = 3;
    let mut fields = Reader::new(header);
    while fields.at < header.len() {
        fields.align(8);
        let code = fields.byte()?;
        let value = match fields.signature()?.as_slice() {
            b"s" | b"o" => fields.string()?,
            b"g" => fields.signature().map(|_| String::new())?,
            b"u" => fields.number().map(|_| String::new())?,
            _ => return Err(malformed()),
        };
        if code == MEMBER {
            return Ok(value);
        }
    }
    Ok(String::new())
}

/// The call of `StartTransientUnit` (D-Bus specification, "Message Format"; org.freedesktop.systemd1(5)).
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

    let mut message = Writer(vec![b'l', METHOD_CALL, 0, 1]);
    message.number(u32::try_from(body.0.len()).expect("a few hundred bytes"));
    message.number(1);
    message.array(8, |fields| {
        for (code, signature, value) in [
            (1, "o", "/org/freedesktop/systemd1"),
            (2, "s", "org.freedesktop.systemd1.Manager"),
            (3, "s", "StartTransientUnit"),
            (6, "s", "org.freedesktop.systemd1"),
        ] {
            fields.align(8);
            fields.0.push(code);
            fields.signature(signature);
            fields.string(value);
        }
        fields.align(8);
        fields.0.push(8);
        fields.signature("g");
        fields.signature("ssa(sv)a(sa(sv))");
    });
    message.align(8);
    message.0.extend(body.0);
    message.0
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).expect("our own words are short"));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, text: &str) {
        self.0
            .push(u8::try_from(text.len()).expect("our own signatures are short"));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    /// An array of elements that `alignment` applies to; its length counts from the first of them.
    fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Self)) {
        self.number(0);
        let length = self.0.len() - 4;
        self.align(alignment);
        let first = self.0.len();
        fill(self);
        let count = u32::try_from(self.0.len() - first).expect("a few hundred bytes");
        self.0[length..length + 4].copy_from_slice(&count.to_le_bytes());
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or_else(malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = self.take(4)?.try_into().expect("four were taken");
        Ok(u32::from_le_bytes(bytes))
    }

    fn string(&mut self) -> Result<String> {
        let length = self.number()? as usize;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.byte()?;
        Ok(text)
    }

    fn signature(&mut self) -> Result<Vec<u8>> {
        let length = self.byte()?.into();
        let text = self.take(length)?.to_vec();
        self.byte()?;
        Ok(text)
    }
}

fn malformed() -> Error {
    refused("the service manager's answer is malformed".into())
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
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
    fn a_call_is_read_as_it_was_written() {
        let message = call("one.scope", 77);
        let number = |at: usize| u32::from_le_bytes(message[at..at + 4].try_into().unwrap()) as usize;
        let (body, fields) = (number(4), number(12));
        assert_eq!(16 + fields.next_multiple_of(8) + body, message.len());
        assert_eq!(member(&message[16..16 + fields]).unwrap(), "StartTransientUnit");
        let mut reader = Reader::new(&message[message.len() - body..]);
        assert_eq!(reader.string().unwrap(), "one.scope");
        assert_eq!(reader.string().unwrap(), "fail");
        assert!(reader.number().unwrap() > 0);
        reader.align(8);
        assert_eq!(reader.string().unwrap(), "Description");
        assert_eq!(reader.signature().unwrap(), b"s");
        reader.string().unwrap();
        reader.align(8);
        assert_eq!(reader.string().unwrap(), "PIDs");
        assert_eq!(reader.signature().unwrap(), b"au");
        assert_eq!(reader.number().unwrap(), 4);
        assert_eq!(reader.number().unwrap(), 77);
    }

    /// A service manager that gives one answer after the other.
    fn answered(answers: &[Vec<u8>]) -> Result<()> {
        let (stream, mut other) = UnixStream::pair()?;
        for answer in answers {
            other.write_all(answer)?;
        }
        other.shutdown(std::net::Shutdown::Write)?;
        Manager { stream }.start_scope("one.scope", 77)
    }

    fn message(kind: u8, name: &str, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut body = Writer::default();
        fill(&mut body);
        let mut message = Writer(vec![b'l', kind, 0, 1]);
        message.number(body.0.len() as u32);
        message.number(9);
        message.array(8, |fields| {
            fields.0.push(5);
            fields.signature("u");
            fields.number(1);
            fields.align(8);
            fields.0.push(3);
            fields.signature("s");
            fields.string(name);
        });
        message.align(8);
        message.0.extend(body.0);
        message.0
    }

    fn removed(job: &str, result: &str) -> Vec<u8> {
        message(4, "JobRemoved", |body| {
            body.number(5);
            body.string(job);
            body.string("one.scope");
            body.string(result);
        })
    }

    #[test]
    fn the_end_of_the_job_is_awaited() {
        let accepted = || message(METHOD_RETURN, "", |body| body.string("/job/1"));
        let other = || message(4, "UnitNew", |body| body.string("x"));
        answered(&[
            other(),
            accepted(),
            removed("/job/0", "failed"),
            removed("/job/1", "done"),
        ])
        .unwrap();
        let refusal = message(ERROR, "", |body| body.string("no such thing"));
        assert_eq!(answered(&[refusal]).unwrap_err().to_string(), "no such thing");
        let failed = answered(&[accepted(), removed("/job/1", "canceled")]).unwrap_err();
        assert!(failed.to_string().contains("canceled"), "{failed}");
        assert_eq!(
            answered(&[accepted()]).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
        let huge = [b'l', 2, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0].to_vec();
        assert!(answered(&[huge]).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = member(&bytes);
            let mut start = vec![b'l', 2, 0, 1, 40, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0, 0];
            start.extend(bytes);
            let _ = answered(&[start]);
        }
    }
}
