//! Writing results to standard output.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context as _;

use crate::base::digest::Digest;

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub struct Unwritten(pub io::Error);

/// Writes `text` whole; on a terminal without what could steer it.
pub fn print(text: &str) -> Result<(), Unwritten> {
    print_bytes(text.as_bytes())
}

/// The same of text that is not known to be UTF-8, such as names of files.
pub fn print_bytes(text: &[u8]) -> Result<(), Unwritten> {
    let mut output = io::stdout().lock();
    let text = if output.is_terminal() {
        clean(&String::from_utf8_lossy(text))
            .into_owned()
            .into_bytes()
            .into()
    } else {
        Cow::Borrowed(text)
    };
    output
        .write_all(&text)
        .and_then(|()| output.flush())
        .map_err(Unwritten)
}

/// Writes `text` and a new line.
pub fn print_line(text: &str) -> Result<(), Unwritten> {
    print(&format!("{text}\n"))
}

/// Writes a digest to the file of `--digestfile`, where one is asked for.
pub fn write_digest(path: Option<&Path>, digest: &Digest) -> anyhow::Result<()> {
    match path {
        Some(path) => std::fs::write(path, digest.to_string())
            .with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    }
}

/// `text` without what could steer a terminal: control characters other than line feed and tab are replaced, as are
/// those that change the direction of writing.
pub fn clean(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(harmful) {
        text.replace(harmful, "\u{FFFD}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, cleaned) in [
            ("plain é世\n\tx", "plain é世\n\tx"),
            ("\u{1b}[31mred\u{7}", "\u{FFFD}[31mred\u{FFFD}"),
            ("a\rb\u{9b}c\u{7f}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}"),
            ("\u{202e}txt.exe", "\u{FFFD}txt.exe"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
    }
}
