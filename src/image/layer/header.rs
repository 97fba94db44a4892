//! One 512-byte tar header: v7, ustar (POSIX), GNU and star.
//!
//! Numbers are octal text or GNU's base 256; both are refused when they do not fit, never cut.

/// Length of a header and of every block of a tar.
pub const BLOCK: usize = 512;

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    #[error("header checksum is wrong")]
    Checksum,
    #[error("header field {0} is not a number in range")]
    Number(&'static str),
}

/// Which dialect a header is written in; it decides what the bytes after 345 mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header whose checksum was right.
pub struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    /// Takes a block as a header when its checksum, over unsigned or (as some old writers did) signed bytes, is right.
    pub fn new(block: &'a [u8; BLOCK]) -> Result<Self, BadHeader> {
        let stored = number(&block[148..156]).ok_or(BadHeader::Checksum)?;
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (position, &byte) in block.iter().enumerate() {
            let byte = if (148..156).contains(&position) {
                b' '
            } else {
                byte
            };
            unsigned += i64::from(byte);
            signed += i64::from(byte as i8);
        }
        if stored != unsigned && stored != signed {
            return Err(BadHeader::Checksum);
        }
        Ok(Self(block))
    }

    pub fn dialect(&self) -> Dialect {
        match (&self.0[257..263], &self.0[508..512]) {
            (b"ustar\0", b"tar\0") => Dialect::Star,
            (b"ustar\0", _) => Dialect::Ustar,
            (b"ustar ", _) => Dialect::Gnu,
            _ => Dialect::V7,
        }
    }

    pub fn typeflag(&self) -> u8 {
        self.0[156]
    }

    /// Writes the name, with its prefix where the dialect has one, to `name`.
    pub fn name(&self, name: &mut Vec<u8>) {
        name.clear();
        let prefix = match self.dialect() {
            Dialect::Ustar => text(&self.0[345..500]),
            Dialect::Star => text(&self.0[345..476]),
            Dialect::Gnu | Dialect::V7 => b"",
        };
        if !prefix.is_empty() {
            name.extend_from_slice(prefix);
            name.push(b'/');
        }
        name.extend_from_slice(text(&self.0[..100]));
    }

    pub fn link(&self) -> &'a [u8] {
        text(&self.0[157..257])
    }

    pub fn mode(&self) -> Result<u32, BadHeader> {
        let mode = number(&self.0[100..108]).ok_or(BadHeader::Number("mode"))?;
        Ok((mode & 0o7777) as u32)
    }

    pub fn uid(&self) -> Result<u32, BadHeader> {
        id(number(&self.0[108..116])).ok_or(BadHeader::Number("uid"))
    }

    pub fn gid(&self) -> Result<u32, BadHeader> {
        id(number(&self.0[116..124])).ok_or(BadHeader::Number("gid"))
    }

    pub fn size(&self) -> Result<u64, BadHeader> {
        unsigned(&self.0[124..136]).ok_or(BadHeader::Number("size"))
    }

    pub fn mtime(&self) -> Result<i64, BadHeader> {
        number(&self.0[136..148]).ok_or(BadHeader::Number("mtime"))
    }

    /// Major and minor number of a device.
    pub fn device(&self) -> Result<(u32, u32), BadHeader> {
        if self.dialect() == Dialect::V7 {
            return Ok((0, 0));
        }
        let part =
            |range: std::ops::Range<usize>| number(&self.0[range]).and_then(|part| u32::try_from(part).ok());
        part(329..337)
            .zip(part(337..345))
            .ok_or(BadHeader::Number("device"))
    }

    /// The part of an old GNU sparse header that describes the file: segments, whether more follow, full length.
    pub fn sparse(&self) -> Result<(&'a [u8], bool, u64), BadHeader> {
        let length = unsigned(&self.0[483..495]).ok_or(BadHeader::Number("realsize"))?;
        Ok((&self.0[386..482], self.0[482] != 0, length))
    }
}

/// An id as chown takes it. The largest number means "leave as it is" there, so it is nobody's id.
pub fn id(number: Option<i64>) -> Option<u32> {
    number
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&id| id != u32::MAX)
}

/// A field up to its first zero byte.
fn text(field: &[u8]) -> &[u8] {
    match field.iter().position(|&byte| byte == 0) {
        Some(end) => &field[..end],
        None => field,
    }
}

/// A number that is not negative.
pub fn unsigned(field: &[u8]) -> Option<u64> {
    number(field).and_then(|number| u64::try_from(number).ok())
}

fn number(field: &[u8]) -> Option<i64> {
    if field[0] & 0x80 != 0 {
        return binary(field);
    }
    let digits = text(field.trim_ascii_start()).trim_ascii_end();
    // Some writers put zero bytes before the digits.
    let digits = if digits.is_empty() {
        let start = field
            .iter()
            .position(|byte| !matches!(byte, 0 | b' '))
            .unwrap_or(field.len());
        text(&field[start..]).trim_ascii_end()
    } else {
        digits
    };
    digits.iter().try_fold(0i64, |value, &digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// GNU's base 256: two's complement, big end first, the top bit of the first byte set as a mark.
fn binary(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let first = if negative { field[0] } else { field[0] & 0x7f };
    let mut value: i64 = if negative {
        i64::from(first as i8)
    } else {
        i64::from(first)
    };
    for &byte in &field[1..] {
        value = value.checked_mul(256)?.checked_add(i64::from(byte))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_every_writer() {
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"644\0junk", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"\0\0\x20644\0\0", Some(0o644)),
            (b"77777777", Some(0o77777777)),
            (b"\x80\0\0\0\0\0\x01\x00", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (
                b"\x80\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff",
                Some(0x7f_ffff_ffff_ffff),
            ),
            (b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"0000648\0", None),
            (b"-1\0\0\0\0\0\0", None),
            (b"0x1f\0\0\0\0", None),
            (b"1 2\0\0\0\0\0", None),
        ] {
            assert_eq!(number(field), expected, "{}", field.escape_ascii());
        }
        assert_eq!(unsigned(b"\xff\xff\xff\xff\xff\xff\xff\xfe"), None);
        assert_eq!(id(Some(i64::from(u32::MAX))), None);
        assert_eq!(id(Some(-1)), None);
    }

    proptest! {
        #[test]
        fn numbers_never_panic(field in proptest::collection::vec(any::<u8>(), 12)) {
            let _ = number(&field);
        }
    }
}
