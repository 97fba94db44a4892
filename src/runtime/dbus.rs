//! D-Bus messages as bytes (D-Bus specification, "Message Format"): as much as one call and its answers need.
//!
//! What is read may be anything: its length is bounded before it is believed, and nothing outside a message is reached.
//! Only the little-endian form is read and written, which is that of every machine we run on, and so of whoever answers.

use std::io::{Error, ErrorKind, Result};

pub const METHOD_CALL: u8 = 1;
pub const METHOD_RETURN: u8 = 2;
pub const ERROR: u8 = 3;
pub const SIGNAL: u8 = 4;

const LITTLE_ENDIAN: u8 = b'l';
const PROTOCOL: u8 = 1;
/// The longest message that is read, without its fixed part; those that matter have a few hundred bytes.
pub const MESSAGE_MAX: usize = 1 << 20;

/// Header fields.
pub const PATH: u8 = 1;
pub const INTERFACE: u8 = 2;
pub const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
pub const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// The fixed part that every message begins with, and the length of the header fields.
pub struct Start {
    kind: u8,
    fields: usize,
    body: usize,
}

impl Start {
    pub const LENGTH: usize = 16;

    pub fn parse(bytes: [u8; Self::LENGTH]) -> Result<Self> {
        let [order, kind, _, protocol, ..] = bytes;
        let mut numbers = Reader::new(&bytes[4..]);
        let (body, serial, fields) = (numbers.number()?, numbers.number()?, numbers.number()?);
        if order != LITTLE_ENDIAN || protocol != PROTOCOL || kind == 0 || serial == 0 {
            return Err(malformed());
        }
        let start = Self {
            kind,
            fields: fields as usize,
            body: body as usize,
        };
        if start.fields > MESSAGE_MAX || start.body > MESSAGE_MAX || start.rest() > MESSAGE_MAX {
            return Err(malformed());
        }
        Ok(start)
    }

    /// How many bytes follow.
    pub fn rest(&self) -> usize {
        self.fields.next_multiple_of(8) + self.body
    }

    /// The message, given these bytes.
    pub fn message(&self, rest: &[u8]) -> Result<Message> {
        let mut parts = Reader::new(rest);
        let fields = parts.take(self.fields)?;
        parts.align(8);
        let mut message = Message {
            kind: self.kind,
            reply_to: None,
            interface: String::new(),
            member: String::new(),
            error: String::new(),
            signature: Vec::new(),
            body: parts.take(self.body)?.to_vec(),
        };
        message.read_fields(fields)?;
        Ok(message)
    }
}

/// A message that was received. What it does not have is empty.
#[derive(Debug)]
pub struct Message {
    pub kind: u8,
    pub reply_to: Option<u32>,
    pub interface: String,
    pub member: String,
    pub error: String,
    signature: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn read_fields(&mut self, bytes: &[u8]) -> Result<()> {
        let mut fields = Reader::new(bytes);
        while fields.at < bytes.len() {
            fields.align(8);
            let code = fields.byte()?;
            let kind = fields.signature()?;
            match (code, kind) {
                (INTERFACE, b"s") => self.interface = fields.string()?,
                (MEMBER, b"s") => self.member = fields.string()?,
                (ERROR_NAME, b"s") => self.error = fields.string()?,
                (REPLY_SERIAL, b"u") => self.reply_to = Some(fields.number()?),
                (SIGNATURE, b"g") => self.signature = fields.signature()?.to_vec(),
                (INTERFACE | MEMBER | ERROR_NAME | REPLY_SERIAL | SIGNATURE, _) => return Err(malformed()),
                // What nobody here asks for, and fields that are not known yet.
                _ => fields.skip(kind)?,
            }
        }
        Ok(())
    }

    /// The body, when its arguments are of these types.
    pub fn body(&self, signature: &str) -> Result<Reader<'_>> {
        if self.signature == signature.as_bytes() {
            Ok(Reader::new(&self.body))
        } else {
            Err(malformed())
        }
    }
}

/// Writes values one behind the other, each at a multiple of its size.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    pub fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    pub fn string(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).expect("our own words are short"));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    pub fn signature(&mut self, text: &str) {
        self.0
            .push(u8::try_from(text.len()).expect("our own signatures are short"));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    /// An array of elements that `alignment` applies to; its length counts from the first of them.
    pub fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Self)) {
        self.number(0);
        let length = self.0.len() - 4;
        self.align(alignment);
        let first = self.0.len();
        fill(self);
        let count = u32::try_from(self.0.len() - first).expect("a few hundred bytes");
        self.0[length..length + 4].copy_from_slice(&count.to_le_bytes());
    }

    /// A field of a header whose value is of a type with a string's form.
    pub fn field(&mut self, code: u8, kind: &str, value: &str) {
        self.align(8);
        self.0.push(code);
        self.signature(kind);
        self.string(value);
    }

    /// The field that tells which call a message answers.
    #[cfg(test)]
    pub fn reply_serial(&mut self, serial: u32) {
        self.align(8);
        self.0.push(REPLY_SERIAL);
        self.signature("u");
        self.number(serial);
    }

    /// A message with this as its body, whose types are `signature`; `fields` writes the others.
    pub fn message(self, kind: u8, serial: u32, signature: &str, fields: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut message = Self(vec![LITTLE_ENDIAN, kind, 0, PROTOCOL]);
        message.number(u32::try_from(self.0.len()).expect("a few hundred bytes"));
        message.number(serial);
        message.array(8, |array| {
            fields(array);
            array.align(8);
            array.0.push(SIGNATURE);
            array.signature("g");
            array.signature(signature);
        });
        message.align(8);
        message.0.extend(self.0);
        message.0
    }
}

/// Reads what a `Writer` of the other side has written.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// May lead behind the end, where nothing can be taken.
    pub fn align(&mut self, to: usize) {
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

    pub fn number(&mut self) -> Result<u32> {
        self.align(4);
        let bytes = self.take(4)?.try_into().expect("four were taken");
        Ok(u32::from_le_bytes(bytes))
    }

    pub fn string(&mut self) -> Result<String> {
        let length = self.number()? as usize;
        let text = self.terminated(length)?;
        String::from_utf8(text.to_vec()).map_err(|_| malformed())
    }

    pub fn signature(&mut self) -> Result<&'a [u8]> {
        let length = self.byte()?.into();
        self.terminated(length)
    }

    fn terminated(&mut self, length: usize) -> Result<&'a [u8]> {
        let text = self.take(length)?;
        match self.byte()? {
            0 => Ok(text),
            _ => Err(malformed()),
        }
    }

    /// Passes a value of a basic type by.
    fn skip(&mut self, kind: &[u8]) -> Result<()> {
        let size = match kind {
            b"s" | b"o" => return self.string().map(drop),
            b"g" => return self.signature().map(drop),
            b"y" => 1,
            b"n" | b"q" => 2,
            b"b" | b"i" | b"u" | b"h" => 4,
            b"x" | b"t" | b"d" => 8,
            _ => return Err(malformed()),
        };
        self.align(size);
        self.take(size).map(drop)
    }
}

/// What cannot be understood.
pub fn malformed() -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "the service manager's answer is malformed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &[u8]) -> Result<Message> {
        let (start, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let start = Start::parse(*start)?;
        assert!(start.rest() <= MESSAGE_MAX);
        start.message(rest)
    }

    fn signal() -> Vec<u8> {
        let mut body = Writer::default();
        body.number(7);
        body.string("text");
        body.message(SIGNAL, 3, "us", |fields| {
            fields.field(PATH, "o", "/a");
            fields.field(INTERFACE, "s", "a.b");
            fields.field(MEMBER, "s", "Changed");
            fields.reply_serial(9);
            // A field of the future.
            fields.align(8);
            fields.0.extend([77, 1, b't', 0]);
            fields.align(8);
            fields.0.extend([1; 8]);
        })
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = parse(&signal()).unwrap();
        assert_eq!(message.kind, SIGNAL);
        assert_eq!(
            (message.interface.as_str(), message.member.as_str()),
            ("a.b", "Changed")
        );
        assert_eq!((message.reply_to, message.error.as_str()), (Some(9), ""));
        assert!(message.body("uu").is_err());
        let mut body = message.body("us").unwrap();
        assert_eq!(body.number().unwrap(), 7);
        assert_eq!(body.string().unwrap(), "text");
        assert!(body.number().is_err());
    }

    #[test]
    fn what_is_not_as_it_has_to_be_is_refused() {
        let good = signal();
        for (at, byte) in [
            (0, b'B'),
            (1, 0),
            (3, 2),
            // Lengths over the limit, and longer than what follows.
            (6, 0x20),
            (7, 0xff),
            (12, 0xff),
            (15, 0xff),
            // No serial number.
            (8, 0),
            // Another type than the member's.
            (16, REPLY_SERIAL),
            // A string that does not end with its last byte, and one that is no text.
            (26, b'x'),
            (56, 0xff),
        ] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert!(parse(&bytes).is_err(), "{byte:#x} at {at}");
        }
        for end in 0..good.len() {
            assert!(parse(&good[..end]).is_err(), "{end} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_change_of_a_message_makes_it_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = signal();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(message) = parse(&bytes)
                && let Ok(mut body) = message.body("us")
            {
                let _ = body.number().and_then(|_| body.string());
            }
        }
    }
}
