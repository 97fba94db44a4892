//! Extended headers (POSIX pax interchange format): records of the form `LENGTH KEY=VALUE\n`.
//!
//! Readers that disagree about these records see different files in one archive, so whatever is not exactly in form
//! is refused: lengths that do not meet the newline, keys without a name, zero bytes in names, sizes with a sign.

use super::header;
use super::limits;

/// What is wrong with an extended header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPax {
    #[error("extended header has a malformed record")]
    Record,
    #[error("extended header has a bad value for {0}")]
    Value(&'static str),
    #[error("global extended header sets {0}, which belongs to one entry")]
    Global(&'static str),
    #[error("more than {} extended attributes", limits::XATTRS)]
    Xattrs,
    #[error("extended attribute is longer than {} bytes", limits::XATTR_VALUE_BYTES)]
    XattrValue,
    #[error("sparse file of unknown form")]
    SparseForm,
}

/// What the records of one extended header say. `None` is "not said".
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mtime: Option<(i64, u32)>,
    /// Attributes of the allow list, in order.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many others there were.
    pub dropped_xattrs: u64,
    pub sparse: Sparse,
}

/// GNU's records of a sparse file, versions 0.0, 0.1 and 1.0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sparse {
    pub major: Option<u64>,
    pub minor: Option<u64>,
    pub name: Option<Vec<u8>>,
    /// Full length, by either of its two names.
    pub length: Option<u64>,
    /// Segments of 0.0 and 0.1: offset and length.
    pub map: Option<Vec<(u64, u64)>>,
    offset: Option<u64>,
    blocks: Option<u64>,
}

impl Sparse {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads the records of a header of type `x`.
pub fn parse(data: &[u8]) -> Result<Pax, BadPax> {
    let mut pax = Pax::default();
    for record in Records(data) {
        let (key, value) = record?;
        pax.set(key, value)?;
    }
    if let (Some(blocks), Some(map)) = (pax.sparse.blocks, &pax.sparse.map)
        && blocks != map.len() as u64
    {
        return Err(BadPax::Value("GNU.sparse.numblocks"));
    }
    if pax.sparse.offset.is_some() {
        return Err(BadPax::Value("GNU.sparse.offset"));
    }
    Ok(pax)
}

/// Reads a header of type `g` into `pax`, which holds what earlier ones said.
pub fn parse_global(data: &[u8], pax: &mut Pax) -> Result<(), BadPax> {
    let new = parse(data)?;
    for (said, key) in [
        (new.path.is_some(), "path"),
        (new.link.is_some(), "linkpath"),
        (new.size.is_some(), "size"),
        (!new.sparse.is_empty(), "GNU.sparse"),
    ] {
        if said {
            return Err(BadPax::Global(key));
        }
    }
    pax.uid = new.uid.or(pax.uid);
    pax.gid = new.gid.or(pax.gid);
    pax.mtime = new.mtime.or(pax.mtime);
    pax.dropped_xattrs = new.dropped_xattrs;
    for (name, value) in new.xattrs {
        pax.set_xattr(&name, value)?;
    }
    Ok(())
}

struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), BadPax>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = take_record(self.0).ok_or(BadPax::Record);
        self.0 = record.as_ref().map_or(&[], |(_, _, rest)| *rest);
        Some(record.map(|(key, value, _)| (key, value)))
    }
}

/// Key and value of the first record of `data`, and what comes after it.
fn take_record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(8).position(|&byte| byte == b' ')?;
    let length = decimal(&data[..space])?.try_into().ok()?;
    let (record, rest) = data.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    (!key.is_empty() && !key.contains(&0)).then_some((key, value, rest))
}

impl Pax {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadPax> {
        match key {
            b"path" => self.path = name(value, "path")?,
            b"linkpath" => self.link = name(value, "linkpath")?,
            b"size" => self.size = count(value, "size")?,
            b"uid" => self.uid = id(value, "uid")?,
            b"gid" => self.gid = id(value, "gid")?,
            b"mtime" => {
                self.mtime = match value {
                    b"" => None,
                    _ => Some(time(value).ok_or(BadPax::Value("mtime"))?),
                }
            }
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.set(key, value)?;
                } else if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.set_xattr(name, value.to_vec())?;
                } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
                    let bad = || BadPax::Value("LIBARCHIVE.xattr");
                    let name = percent_decoded(name).ok_or_else(bad)?;
                    let value = base64_decoded(value).ok_or_else(bad)?;
                    // libarchive writes the plain form beside its own; the plain one counts.
                    if !self.xattrs.iter().any(|(known, _)| *known == name) {
                        self.set_xattr(&name, value)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn set_xattr(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), BadPax> {
        if !is_allowed(name) {
            self.dropped_xattrs += 1;
            return Ok(());
        }
        if value.len() > limits::XATTR_VALUE_BYTES {
            return Err(BadPax::XattrValue);
        }
        if let Some((_, known)) = self.xattrs.iter_mut().find(|(known, _)| known == name) {
            *known = value;
        } else if self.xattrs.len() == limits::XATTRS {
            return Err(BadPax::Xattrs);
        } else {
            self.xattrs.push((name.to_vec(), value));
        }
        Ok(())
    }
}

/// Attributes that a layer may set. Those of the overlay file system would let a layer reach into others; labels and
/// access lists belong to the machine.
fn is_allowed(name: &[u8]) -> bool {
    let is_name = name.len() <= limits::XATTR_NAME_BYTES && !name.contains(&0);
    let is_user = name.len() > b"user.".len() && name.starts_with(b"user.");
    is_name && (name == b"security.capability" || is_user && !name.starts_with(b"user.overlay."))
}

impl Sparse {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), BadPax> {
        match key {
            b"major" => self.major = count(value, "GNU.sparse.major")?,
            b"minor" => self.minor = count(value, "GNU.sparse.minor")?,
            b"name" => self.name = name(value, "GNU.sparse.name")?,
            b"size" | b"realsize" => self.length = count(value, "GNU.sparse.size")?,
            b"numblocks" => self.blocks = count(value, "GNU.sparse.numblocks")?,
            b"offset" => {
                if self.offset.is_some() {
                    return Err(BadPax::Value("GNU.sparse.offset"));
                }
                self.offset = count(value, "GNU.sparse.offset")?;
            }
            b"numbytes" => {
                let offset = self.offset.take();
                let segment = offset.zip(count(value, "GNU.sparse.numbytes")?);
                let segment = segment.ok_or(BadPax::Value("GNU.sparse.numbytes"))?;
                self.map.get_or_insert_default().push(segment);
            }
            b"map" => self.map = Some(map(value).ok_or(BadPax::Value("GNU.sparse.map"))?),
            _ => return Err(BadPax::SparseForm),
        }
        Ok(())
    }
}

fn map(value: &[u8]) -> Option<Vec<(u64, u64)>> {
    if value.is_empty() {
        return Some(Vec::new());
    }
    let mut numbers = value.split(|&byte| byte == b',').map(decimal);
    let mut map = Vec::new();
    while let Some(offset) = numbers.next() {
        map.push((offset?, numbers.next()??));
    }
    Some(map)
}

fn name(value: &[u8], key: &'static str) -> Result<Option<Vec<u8>>, BadPax> {
    if value.contains(&0) {
        return Err(BadPax::Value(key));
    }
    // An empty value takes back what a header before it said.
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

fn count(value: &[u8], key: &'static str) -> Result<Option<u64>, BadPax> {
    if value.is_empty() {
        return Ok(None);
    }
    let count = decimal(value).filter(|&count| i64::try_from(count).is_ok());
    count.map(Some).ok_or(BadPax::Value(key))
}

fn id(value: &[u8], key: &'static str) -> Result<Option<u32>, BadPax> {
    let Some(number) = count(value, key)? else {
        return Ok(None);
    };
    header::id(i64::try_from(number).ok())
        .map(Some)
        .ok_or(BadPax::Value(key))
}

/// A decimal number: digits only.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Seconds with an optional fraction, rounded down to nanoseconds.
fn time(value: &[u8]) -> Option<(i64, u32)> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(value) => (true, value),
        None => (false, value),
    };
    let (whole, fraction) = match value.iter().position(|&byte| byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &b""[..]),
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanoseconds = digits.fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    let beyond = fraction.iter().skip(9).any(|&digit| digit != b'0');
    if !negative {
        return Some((seconds, nanoseconds));
    }
    let down = nanoseconds + u32::from(beyond);
    match down {
        0 => Some((-seconds, 0)),
        _ => Some((-seconds - 1, 1_000_000_000 - down)),
    }
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        let digit = |digit: u8| (digit as char).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = after;
    }
    Some(bytes)
}

/// Base 64 of the common alphabet, with or without padding.
fn base64_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let end = text
        .iter()
        .rposition(|&byte| byte != b'=')
        .map_or(0, |last| last + 1);
    let mut bytes = Vec::with_capacity(end / 4 * 3 + 2);
    let (mut held, mut bits) = (0u32, 0);
    for &letter in &text[..end] {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    (bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        crate::image::layer::testing::pax_record(key.as_bytes(), value)
    }

    fn one(key: &str, value: &[u8]) -> Result<Pax, BadPax> {
        parse(&record(key, value))
    }

    #[test]
    fn records_out_of_form_are_refused() {
        for data in [
            &b"x"[..],
            b"6 a=b",
            b"6 a=b ",
            b"7 a=b\n",
            b"5 a=b\n",
            b" a=b\n",
            b"0 a=b\n",
            b"-6 a=b\n",
            b"+6 a=b\n",
            b"6  =b\n7",
            b"5 =b\n",
            b"5 ab\n",
            b"8 a\0b=c\n",
            b"99999999999999999999 a=b\n",
            b"6 a=b\n\0",
        ] {
            assert_eq!(parse(data), Err(BadPax::Record), "{}", data.escape_ascii());
        }
        assert_eq!(parse(b"6 a=b\n"), Ok(Pax::default()));
        assert_eq!(parse(b""), Ok(Pax::default()));
    }

    #[test]
    fn later_records_win_and_empty_ones_take_back() {
        let both = [record("path", b"a"), record("path", b"b")].concat();
        assert_eq!(parse(&both).unwrap().path.as_deref(), Some(&b"b"[..]));
        let back = [record("path", b"a"), record("path", b"")].concat();
        assert_eq!(parse(&back).unwrap().path, None);
    }

    #[test]
    fn values_are_checked() {
        for (key, value) in [
            ("size", &b"-1"[..]),
            ("size", b"1e3"),
            ("size", b"9223372036854775808"),
            ("uid", b"4294967295"),
            ("uid", b"4294967296"),
            ("path", b"a\0b"),
            ("linkpath", b"a\0b"),
            ("mtime", b"1.2.3"),
            ("mtime", b"x"),
            ("mtime", b"-"),
            ("GNU.sparse.map", b"1,2,3"),
            ("GNU.sparse.map", b"1,-2"),
            ("GNU.sparse.offset", b"1"),
            ("GNU.sparse.numbytes", b"1"),
        ] {
            assert!(
                matches!(one(key, value), Err(BadPax::Value(_))),
                "{key}={}",
                value.escape_ascii()
            );
        }
    }

    #[test]
    fn times_keep_nanoseconds() {
        for (text, expected) in [
            (&b"1"[..], (1, 0)),
            (b"1.5", (1, 500_000_000)),
            (b"1.123456789", (1, 123_456_789)),
            (b"1.1234567899", (1, 123_456_789)),
            (b"-1", (-1, 0)),
            (b"-1.5", (-2, 500_000_000)),
            (b"-0.0000000001", (-1, 999_999_999)),
            (b"0.", (0, 0)),
        ] {
            assert_eq!(time(text), Some(expected), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn attributes_come_by_an_allow_list() {
        for (name, taken) in [
            ("user.a", true),
            ("security.capability", true),
            ("user.", false),
            ("user.overlay.opaque", false),
            ("user.overlay.redirect", false),
            ("trusted.overlay.opaque", false),
            ("trusted.x", false),
            ("security.selinux", false),
            ("security.ima", false),
            ("system.posix_acl_access", false),
        ] {
            let pax = one(&format!("SCHILY.xattr.{name}"), b"\0\xff=").unwrap();
            assert_eq!(pax.xattrs.len(), usize::from(taken), "{name}");
            assert_eq!(pax.dropped_xattrs, u64::from(!taken), "{name}");
        }
        let pax = one("LIBARCHIVE.xattr.user.a%3db", b"AP8").unwrap();
        assert_eq!(pax.xattrs, [(b"user.a=b".to_vec(), b"\0\xff".to_vec())]);
        let flood: Vec<u8> = (0..200)
            .flat_map(|n| record(&format!("SCHILY.xattr.user.{n}"), b""))
            .collect();
        assert_eq!(parse(&flood), Err(BadPax::Xattrs));
        assert_eq!(one("SCHILY.xattr.user.a", &[0; 65537]), Err(BadPax::XattrValue));
    }

    #[test]
    fn global_headers_set_no_names_and_no_sizes() {
        let mut global = Pax::default();
        parse_global(&record("uid", b"7"), &mut global).unwrap();
        parse_global(&record("comment", b"x"), &mut global).unwrap();
        assert_eq!(global.uid, Some(7));
        for key in ["path", "linkpath", "size", "GNU.sparse.size"] {
            assert!(
                matches!(
                    parse_global(&record(key, b"1"), &mut global),
                    Err(BadPax::Global(_))
                ),
                "{key}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(data: Vec<u8>) {
            let _ = parse(&data);
        }

        #[test]
        fn any_value_is_read_back(value: Vec<u8>) {
            let pax = one("SCHILY.xattr.user.a", &value).unwrap();
            prop_assert_eq!(&pax.xattrs[0].1, &value);
        }
    }
}
