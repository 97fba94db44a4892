//! Names in a tar: brought to one form, checked, told apart from whiteouts, and shown safely.
//!
//! A name in normal form is relative to the layer's root and has neither empty components nor `.` nor `..`;
//! the root itself is the empty name. Names are bytes in any encoding.

use std::fmt;

use super::limits;

/// Why a name cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("empty name")]
    Empty,
    #[error("name holds a zero byte")]
    Zero,
    #[error("name goes through \"..\"")]
    Parent,
    #[error("path is longer than {} bytes", limits::PATH_BYTES)]
    LongPath,
    #[error("name is longer than {} bytes", limits::NAME_BYTES)]
    LongName,
    #[error("path is deeper than {} directories", limits::DEPTH)]
    Deep,
    #[error("\".wh.\" stands where no whiteout can be")]
    Whiteout,
}

/// Writes the normal form of `raw` to `normal`, which is emptied first.
pub fn normalise(raw: &[u8], normal: &mut Vec<u8>) -> Result<(), BadName> {
    normal.clear();
    if raw.is_empty() {
        return Err(BadName::Empty);
    }
    if raw.contains(&0) {
        return Err(BadName::Zero);
    }
    let mut depth = 0;
    for component in raw.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(BadName::Parent),
            _ => {}
        }
        depth += 1;
        if component.len() > limits::NAME_BYTES {
            return Err(BadName::LongName);
        }
        if depth > limits::DEPTH {
            return Err(BadName::Deep);
        }
        if !normal.is_empty() {
            normal.push(b'/');
        }
        normal.extend_from_slice(component);
        if normal.len() > limits::PATH_BYTES {
            return Err(BadName::LongPath);
        }
    }
    Ok(())
}

/// Directory and last component of a path in normal form.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Whether `path` is `directory` or lies below it; both in normal form.
pub fn within(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The directories above `path`, nearest to the root first, without the root.
pub fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(slash, _)| &path[..slash])
}

/// What a name means to the layers below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// The path is content.
    Content,
    /// The file `name` of the entry's directory is hidden.
    Whiteout { directory: &'a [u8], name: &'a [u8] },
    /// Everything of this directory is hidden.
    Opaque { directory: &'a [u8] },
    /// Housekeeping of AUFS at the top of the oldest images; every engine leaves it out.
    Ignored,
}

/// Reads the whiteout conventions (OCI image-spec, layer.md, "Whiteouts") from a path in normal form.
pub fn meaning(path: &[u8]) -> Result<Meaning<'_>, BadName> {
    const PREFIX: &[u8] = b".wh.";
    const OPAQUE: &[u8] = b".wh..wh..opq";
    let top = path.split(|&byte| byte == b'/').next().unwrap_or(path);
    if top.starts_with(b".wh..wh.") && top != OPAQUE && path.len() > b".wh..wh.".len() {
        return Ok(Meaning::Ignored);
    }
    let (directory, base) = split(path);
    if directory
        .split(|&byte| byte == b'/')
        .any(|component| component.starts_with(PREFIX))
    {
        return Err(BadName::Whiteout);
    }
    if base == OPAQUE {
        return Ok(Meaning::Opaque { directory });
    }
    match base.strip_prefix(PREFIX) {
        None => Ok(Meaning::Content),
        Some(name) if name.is_empty() || name == b"." || name == b".." || name.starts_with(PREFIX) => {
            Err(BadName::Whiteout)
        }
        Some(name) => Ok(Meaning::Whiteout { directory, name }),
    }
}

/// A foreign name made fit for a terminal: control characters and bytes that are not UTF-8 escaped, long ones cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Escaped(String);

impl Escaped {
    pub fn new(bytes: &[u8]) -> Self {
        const SHOWN: usize = 256;
        let mut text = String::from("\"");
        for chunk in bytes[..bytes.len().min(SHOWN)].utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_invisible(character) || matches!(character, '"' | '\\') {
                    text.extend(character.escape_default());
                } else {
                    text.push(character);
                }
            }
            for byte in chunk.invalid() {
                text.push_str(&format!("\\x{byte:02x}"));
            }
        }
        text.push('"');
        if bytes.len() > SHOWN {
            text.push('…');
        }
        Self(text)
    }
}

/// Characters that turn the direction of text or cannot be seen.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(raw: &[u8]) -> Result<Vec<u8>, BadName> {
        let mut name = Vec::new();
        normalise(raw, &mut name).map(|()| name)
    }

    #[test]
    fn names_come_to_one_form() {
        for (raw, expected) in [
            (&b"a"[..], Ok(&b"a"[..])),
            (b"./a", Ok(b"a")),
            (b"/a//b/./c/", Ok(b"a/b/c")),
            (b"./", Ok(b"")),
            (b"/", Ok(b"")),
            (b".", Ok(b"")),
            (b"a\\..\\b", Ok(b"a\\..\\b")),
            (b"\xff\x01", Ok(b"\xff\x01")),
            (b"...", Ok(b"...")),
            (b"", Err(BadName::Empty)),
            (b"..", Err(BadName::Parent)),
            (b"../x", Err(BadName::Parent)),
            (b"a/../../x", Err(BadName::Parent)),
            (b"a/..", Err(BadName::Parent)),
            (b"a\0b", Err(BadName::Zero)),
        ] {
            assert_eq!(
                normal(raw).as_deref(),
                expected.as_deref(),
                "{}",
                raw.escape_ascii()
            );
        }
    }

    #[test]
    fn long_and_deep_names_are_refused() {
        assert!(normal(&[b'a'; 255]).is_ok());
        assert_eq!(normal(&[b'a'; 256]), Err(BadName::LongName));
        assert_eq!(normal(&[b'a'; 5000]), Err(BadName::LongName));
        assert!(normal("a/".repeat(1024).as_bytes()).is_ok());
        assert_eq!(normal("a/".repeat(1025).as_bytes()), Err(BadName::Deep));
        let component = "b".repeat(200) + "/";
        assert!(normal(component.repeat(20).as_bytes()).is_ok());
        assert_eq!(normal(component.repeat(21).as_bytes()), Err(BadName::LongPath));
    }

    #[test]
    fn whiteouts_are_told_from_content() {
        let hidden = |directory, name| Ok(Meaning::Whiteout { directory, name });
        for (path, expected) in [
            (&b"a/b"[..], Ok(Meaning::Content)),
            (b"", Ok(Meaning::Content)),
            (b"a/x.wh.b", Ok(Meaning::Content)),
            (b".wh", Ok(Meaning::Content)),
            (b"a/.wh.b", hidden(&b"a"[..], &b"b"[..])),
            (b".wh.b", hidden(b"", b"b")),
            (b".wh.....", hidden(b"", b"....")),
            (b"a/.wh..wh..opq", Ok(Meaning::Opaque { directory: b"a" })),
            (b".wh..wh..opq", Ok(Meaning::Opaque { directory: b"" })),
            (b".wh..wh.plnk/1.2", Ok(Meaning::Ignored)),
            (b".wh..wh.aufs", Ok(Meaning::Ignored)),
            (b"a/.wh..wh.aufs", Err(BadName::Whiteout)),
            (b".wh.", Err(BadName::Whiteout)),
            (b".wh..", Err(BadName::Whiteout)),
            (b"a/.wh...", Err(BadName::Whiteout)),
            (b".wh.a/b", Err(BadName::Whiteout)),
            (b".wh..wh..opq/b", Err(BadName::Whiteout)),
            (b".wh..wh.", Err(BadName::Whiteout)),
            (b".wh..wh..opq/.wh.b", Err(BadName::Whiteout)),
        ] {
            assert_eq!(meaning(path), expected, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn paths_are_taken_apart() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
        assert_eq!(ancestors(b"a/b/c").collect::<Vec<_>>(), [&b"a"[..], b"a/b"]);
        assert!(within(b"a/b", b"a") && within(b"a", b"a") && within(b"a", b""));
        assert!(!within(b"ab", b"a") && !within(b"a", b"a/b"));
    }

    #[test]
    fn a_terminal_is_safe() {
        let shown = |bytes: &[u8]| Escaped::new(bytes).to_string();
        assert_eq!(shown(b"a\x1b[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(shown("é\u{202e}x".as_bytes()), r#""é\u{202e}x""#);
        assert_eq!(shown(b"\xff\"\\"), r#""\xff\"\\""#);
        assert!(shown(&[b'a'; 5000]).len() < 300);
    }

    proptest! {
        #[test]
        fn a_normal_name_is_its_own_normal_form(raw: Vec<u8>) {
            if let Ok(name) = normal(&raw) && !name.is_empty() {
                prop_assert_eq!(normal(&name), Ok(name.clone()));
                prop_assert!(name[0] != b'/' && !name.ends_with(b"/"));
            }
        }
    }
}
