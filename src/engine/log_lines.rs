//! One line of a log: Docker's json-file format, and the one of Kubernetes that Podman uses.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

/// How a log file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `{"log":"text\n","stream":"stdout","time":"…"}`
    Json,
    /// `2026-11-23T04:00:00.000000000Z stdout F text`, with `P` for what has no end of line.
    Kubernetes,
}

/// A line of a log, or the part of one that was too long.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without its end of line.
    pub text: Cow<'a, [u8]>,
    /// Whether it had one.
    pub is_whole: bool,
    pub is_error: bool,
    /// RFC 3339.
    pub time: Cow<'a, str>,
    /// What it says of its container.
    pub details: BTreeMap<String, String>,
}

impl Format {
    /// Adds one line to `entries`. `details`: [what it says](details) of its container.
    pub fn write(self, entries: &mut Vec<u8>, is_error: bool, text: &[u8], time: &str, details: &str) {
        let stream = if is_error { "stderr" } else { "stdout" };
        match self {
            Self::Json => write_json(entries, stream, text, time, details),
            Self::Kubernetes => {
                let (text, tag) = match text.strip_suffix(b"\n") {
                    Some(text) => (text, b" F "),
                    None => (text, b" P "),
                };
                for part in [time.as_bytes(), b" ", stream.as_bytes(), tag, text, b"\n"] {
                    entries.extend_from_slice(part);
                }
            }
        }
    }

    /// Reads one entry, which ends with an end of line. None: it is not one.
    pub fn parse(self, entry: &[u8]) -> Option<Line<'_>> {
        match self {
            _ if !entry.ends_with(b"\n") => None,
            Self::Json => quick_json(entry).or_else(|| {
                let entry: Entry<'_> = serde_json::from_slice(entry).ok()?;
                let mut text = entry.log.into_owned().into_bytes();
                let is_whole = text.pop_if(|byte| *byte == b'\n').is_some();
                Some(Line {
                    text: text.into(),
                    is_whole,
                    is_error: entry.stream == "stderr",
                    time: entry.time,
                    details: entry.attrs,
                })
            }),
            Self::Kubernetes => kubernetes(entry),
        }
    }
}

/// Bytes that are not UTF-8 are replaced, as by Docker: JSON cannot hold them.
fn write_json(entries: &mut Vec<u8>, stream: &str, text: &[u8], time: &str, details: &str) {
    let (body, end): (_, &[u8]) = match text.strip_suffix(b"\n") {
        Some(body) => (body, b"\\n"),
        None => (text, b""),
    };
    // Without a way out of the loop, so that it looks at many bytes at a time.
    let is_plain = body.iter().fold(true, |plain, byte| {
        plain & (*byte >= b' ') & (*byte != b'"') & (*byte != b'\\')
    });
    if is_plain && std::str::from_utf8(body).is_ok() {
        for part in [b"{\"log\":\"".as_slice(), body, end, b"\""] {
            entries.extend_from_slice(part);
        }
    } else {
        let text = String::from_utf8_lossy(text);
        entries.extend_from_slice(b"{\"log\":");
        serde_json::to_writer(&mut *entries, &text).expect("strings can be JSON, and memory can be written");
    }
    writeln!(entries, ",\"stream\":\"{stream}\"{details},\"time\":\"{time}\"}}")
        .expect("memory can be written");
}

/// What lines say of their container, as each of them has it.
pub fn details(details: &BTreeMap<String, String>) -> String {
    match details.is_empty() {
        true => String::new(),
        false => format!(",\"attrs\":{}", serde_json::json!(details)),
    }
}

#[derive(serde::Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(default)]
    attrs: BTreeMap<String, String>,
}

/// An entry as we write it, whose text holds nothing that JSON has to write otherwise but its end of line.
fn quick_json(entry: &[u8]) -> Option<Line<'_>> {
    let rest = entry.strip_prefix(b"{\"log\":\"")?.strip_suffix(b"\"}\n")?;
    // 9 digits of a second, and a year of 4.
    const TIME: usize = 30;
    const KEY: &[u8] = b",\"time\":\"";
    let (rest, time) = rest.split_at_checked(rest.len().checked_sub(TIME)?)?;
    let rest = rest.strip_suffix(KEY)?;
    let (rest, is_error) = match rest.strip_suffix(b"\",\"stream\":\"stdout\"") {
        Some(rest) => (rest, false),
        None => (rest.strip_suffix(b"\",\"stream\":\"stderr\"")?, true),
    };
    let (body, is_whole) = match rest.strip_suffix(b"\\n") {
        Some(body) => (body, true),
        None => (rest, false),
    };
    if find(b'\\', body).is_some() || find(b'"', body).is_some() || find(b'"', time).is_some() {
        return None;
    }
    Some(Line {
        text: Cow::Borrowed(body),
        is_whole,
        is_error,
        time: Cow::Borrowed(std::str::from_utf8(time).ok()?),
        details: BTreeMap::new(),
    })
}

fn kubernetes(entry: &[u8]) -> Option<Line<'_>> {
    let entry = entry.strip_suffix(b"\n")?;
    let mut parts = entry.splitn(4, |byte| *byte == b' ');
    let (time, stream, tag, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_error = match stream {
        b"stdout" => false,
        b"stderr" => true,
        _ => return None,
    };
    let is_whole = match tag {
        b"P" => false,
        b"F" => true,
        _ => return None,
    };
    Some(Line {
        text: Cow::Borrowed(text),
        is_whole,
        is_error,
        time: Cow::Borrowed(std::str::from_utf8(time).ok()?),
        details: BTreeMap::new(),
    })
}

/// Where `byte` first is in `bytes`: the standard library's quick search, which it gives to readers only.
pub fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let length = rest.skip_until(byte).unwrap_or(0);
    let last = length.checked_sub(1)?;
    (bytes[last] == byte).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: &str = "2026-11-23T04:00:00.123456789Z";

    fn written(format: Format, text: &[u8]) -> Vec<u8> {
        let mut entries = Vec::new();
        format.write(&mut entries, true, text, TIME, "");
        entries
    }

    #[test]
    fn as_others_write_them() {
        let text = b"a \"b\"\n";
        assert_eq!(
            written(Format::Json, text),
            format!("{{\"log\":\"a \\\"b\\\"\\n\",\"stream\":\"stderr\",\"time\":\"{TIME}\"}}\n").as_bytes()
        );
        assert_eq!(
            written(Format::Kubernetes, text),
            format!("{TIME} stderr F a \"b\"\n").as_bytes()
        );
        assert_eq!(
            written(Format::Kubernetes, b"a"),
            format!("{TIME} stderr P a\n").as_bytes()
        );
        // Docker's own, and Podman's with an offset of time.
        let docker = b"{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"t\"},\"time\":\"2026-01-01T00:00:00.1Z\"}\n";
        let line = Format::Json.parse(docker).unwrap();
        assert_eq!(
            (&*line.text, line.is_whole, line.is_error),
            (b"x".as_slice(), true, false)
        );
        assert_eq!(line.details["tag"], "t");
        let podman = b"2026-01-01T00:00:00.000000001+01:00 stdout F  x\n";
        let line = Format::Kubernetes.parse(podman).unwrap();
        assert_eq!(
            (&*line.text, line.is_whole, line.is_error),
            (b" x".as_slice(), true, false)
        );
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for format in [Format::Json, Format::Kubernetes] {
            let entry = written(format, b"text\n");
            for cut in 0..entry.len() {
                assert_eq!(format.parse(&entry[..cut]), None, "{cut}");
            }
            for bad in [
                b"\n".as_slice(),
                b"null\n",
                b"a b c d\n",
                b"{}\n",
                b"\xff\xff\xff\n",
            ] {
                assert_eq!(format.parse(bad), None);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[^\n]{0,80}", end in any::<bool>()) {
            let whole = if end { format!("{text}\n") } else { text.clone() };
            for format in [Format::Json, Format::Kubernetes] {
                let entry = written(format, whole.as_bytes());
                prop_assert_eq!(find(b'\n', &entry), Some(entry.len() - 1));
                let line = format.parse(&entry).unwrap();
                prop_assert_eq!((&*line.text, line.is_whole), (text.as_bytes(), end));
                prop_assert_eq!((line.is_error, &*line.time), (true, TIME));
            }
        }

        #[test]
        fn nothing_breaks_the_parsers(entry in proptest::collection::vec(any::<u8>(), 0..200)) {
            for format in [Format::Json, Format::Kubernetes] {
                let _ = format.parse(&entry);
            }
        }
    }
}
