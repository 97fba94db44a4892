//! Variables: `--env`, `--env-file` and what a container's environment becomes. Labels use the same files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::{Result, ValueError, invalid};
use crate::base::bytes::ByteString;

/// One change to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(Vec<u8>, Vec<u8>),
    /// A variable to copy that the caller does not have is taken away, as Docker does.
    Unset(Vec<u8>),
}

/// The caller's environment.
pub type Host = [(OsString, OsString)];

/// What one `--env` asks for: `NAME=VALUE`, `NAME` to copy, `NAME*` to copy all that begin so.
pub fn changes(word: &OsStr, host: &Host) -> Result<Vec<Change>> {
    let bytes = word.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(0) => invalid("the name of the variable is missing"),
        Some(place) => Ok(vec![Change::Set(
            bytes[..place].to_vec(),
            bytes[place + 1..].to_vec(),
        )]),
        None if bytes.is_empty() => invalid("the name of the variable is missing"),
        None => Ok(copies(bytes, host)),
    }
}

fn copies(name: &[u8], host: &Host) -> Vec<Change> {
    let copy =
        |(name, value): &(OsString, OsString)| Change::Set(name.as_bytes().into(), value.as_bytes().into());
    if let Some(prefix) = name.strip_suffix(b"*") {
        return host
            .iter()
            .filter(|(name, _)| name.as_bytes().starts_with(prefix))
            .map(copy)
            .collect();
    }
    match host.iter().find(|(known, _)| known.as_bytes() == name) {
        Some(found) => vec![copy(found)],
        None => vec![Change::Unset(name.to_vec())],
    }
}

/// What one `--env-merge` asks for: `NAME=VALUE`, where `$NAME` and `${NAME}` are variables that there are already.
pub fn merged(word: &OsStr, environment: &[ByteString]) -> Result<Change> {
    let bytes = word.as_bytes();
    let place = bytes
        .iter()
        .position(|byte| *byte == b'=')
        .filter(|place| *place > 0);
    let Some(place) = place else {
        return invalid("expected NAME=VALUE");
    };
    let value = |name: &[u8]| {
        environment
            .iter()
            .find_map(|known| known.as_bytes().strip_prefix(name)?.strip_prefix(b"="))
    };
    let mut expanded = Vec::new();
    let mut rest = &bytes[place + 1..];
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        expanded.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let is_braced = rest.first() == Some(&b'{');
        let start = usize::from(is_braced);
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = start + rest[start..].iter().take_while(|byte| is_of_name(byte)).count();
        if is_braced && rest.get(end) != Some(&b'}') {
            return invalid("expected ${NAME}");
        }
        match end - start {
            0 => expanded.push(b'$'),
            _ => expanded.extend_from_slice(value(&rest[start..end]).unwrap_or_default()),
        }
        rest = &rest[end + start..];
    }
    expanded.extend_from_slice(rest);
    Ok(Change::Set(bytes[..place].to_vec(), expanded))
}

/// The assignments in an env file, by Docker's rules: a line is `NAME=VALUE`, everything after the first `=` being the
/// value as it stands, or `NAME` alone to copy; lines that are empty or begin with `#` are skipped. Nothing is quoted.
pub fn file_changes(content: &[u8], host: &Host) -> Result<Vec<Change>> {
    let mut result = Vec::new();
    for (name, value) in lines(content)? {
        match value {
            Some(value) => result.push(Change::Set(name, value)),
            None => result.extend(
                copies(&name, host)
                    .into_iter()
                    .filter(|copy| matches!(copy, Change::Set(..))),
            ),
        }
    }
    Ok(result)
}

/// A name, and what follows the `=` behind it.
type Line = (Vec<u8>, Option<Vec<u8>>);

/// The lines of an env file or a label file.
pub fn lines(content: &[u8]) -> Result<Vec<Line>> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut result = Vec::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = line
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t'))
            .unwrap_or(line.len());
        let line = &line[start..];
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        let complaint = |what: &str| ValueError(format!("line {}: {what}", number + 1));
        let (name, value) = match line.iter().position(|byte| *byte == b'=') {
            Some(place) => (&line[..place], Some(line[place + 1..].to_vec())),
            None => (line, None),
        };
        if name.is_empty() {
            return Err(complaint("the name is missing"));
        }
        if name.iter().any(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(complaint(&format!(
                "the name {:?} contains white space",
                String::from_utf8_lossy(name)
            )));
        }
        if line.contains(&0) {
            return Err(complaint("contains a NUL byte"));
        }
        result.push((name.to_vec(), value));
    }
    Ok(result)
}

/// Applies changes to an environment: what exists is replaced where it stands.
pub fn apply(environment: &mut Vec<ByteString>, changes: &[Change]) {
    for change in changes {
        let (Change::Set(name, _) | Change::Unset(name)) = change;
        let found = environment.iter().position(|known| {
            known
                .as_bytes()
                .strip_prefix(name.as_slice())
                .is_some_and(|rest| rest.first() == Some(&b'='))
        });
        match (change, found) {
            (Change::Set(name, value), _) => {
                let assignment: Vec<u8> = [name.as_slice(), b"=", value.as_slice()].concat();
                match found {
                    Some(place) => environment[place] = ByteString::from(assignment),
                    None => environment.push(ByteString::from(assignment)),
                }
            }
            (Change::Unset(_), Some(place)) => {
                environment.remove(place);
            }
            (Change::Unset(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Vec<(OsString, OsString)> {
        [("HOME", "/h"), ("APP_A", "1"), ("APP_B", "x=y"), ("EMPTY", "")]
            .map(|(name, value)| (name.into(), value.into()))
            .into()
    }

    fn text(changes: &[Change]) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        changes
            .iter()
            .map(|change| match change {
                Change::Set(name, value) => format!("{}={}", text(name), text(value)),
                Change::Unset(name) => format!("-{}", text(name)),
            })
            .collect()
    }

    #[test]
    fn words() {
        for (word, expected) in [
            ("A=b", Some(&["A=b"][..])),
            ("A=b=c", Some(&["A=b=c"])),
            ("A=", Some(&["A="])),
            ("A= b ", Some(&["A= b "])),
            ("HOME", Some(&["HOME=/h"])),
            ("EMPTY", Some(&["EMPTY="])),
            ("ABSENT", Some(&["-ABSENT"])),
            ("APP_*", Some(&["APP_A=1", "APP_B=x=y"])),
            ("NONE_*", Some(&[])),
            ("é=世", Some(&["é=世"])),
            ("=b", None),
            ("", None),
        ] {
            let result = changes(OsStr::new(word), &host()).ok();
            assert_eq!(
                result.map(|changes| text(&changes)),
                expected.map(|list| list.iter().map(|s| (*s).into()).collect()),
                "{word}"
            );
        }
    }

    #[test]
    fn files() {
        let content =
            b"\xef\xbb\xbf# comment\n\n  A=b \nHOME\r\nABSENT\nQ=\"q\"\n\tT=# no comment\nAPP_*\nE=\nX=\xff";
        let expected = [
            "A=b ",
            "HOME=/h",
            "Q=\"q\"",
            "T=# no comment",
            "APP_A=1",
            "APP_B=x=y",
            "E=",
            "X=\u{FFFD}",
        ];
        assert_eq!(text(&file_changes(content, &host()).unwrap()), expected);
        for (content, error) in [
            (
                &b"A=1\nB C=2"[..],
                "line 2: the name \"B C\" contains white space",
            ),
            (b"A =1", "line 1: the name \"A \" contains white space"),
            (b"=1", "line 1: the name is missing"),
            (b"A=\0", "line 1: contains a NUL byte"),
        ] {
            assert_eq!(file_changes(content, &host()).unwrap_err().0, error);
        }
    }

    #[test]
    fn values_of_others() {
        let environment: Vec<ByteString> = ["PATH=/bin", "A=1"].map(ByteString::from).into();
        for (word, expected) in [
            ("PATH=${PATH}:/x", Some("PATH=/bin:/x")),
            ("P=$PATH-$A$", Some("P=/bin-1$")),
            ("P=$NONE.${NONE}", Some("P=.")),
            ("P=$$A", Some("P=$1")),
            ("P=", Some("P=")),
            ("P=${A", None),
            ("P=${A-b}", None),
            ("P=${}", Some("P=$")),
            ("P", None),
            ("=x", None),
        ] {
            let merged = merged(OsStr::new(word), &environment).ok();
            let shown = merged.map(|change| text(&[change]).remove(0));
            assert_eq!(shown.as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn changes_replace_in_place() {
        let mut environment: Vec<ByteString> = ["PATH=/bin", "A=1", "AB=2"].map(ByteString::from).into();
        let set = |name: &str, value: &str| Change::Set(name.into(), value.into());
        apply(
            &mut environment,
            &[
                set("A", "3"),
                set("N", ""),
                Change::Unset("AB".into()),
                Change::Unset("B".into()),
            ],
        );
        assert_eq!(environment, ["PATH=/bin", "A=3", "N="].map(ByteString::from));
    }
}
