//! Where what happens is recorded: in the store's own log, or where the user wants it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Where what happens is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// In the log of the store.
    #[default]
    Log,
    /// In a file of Podman's format, which is cut in half when it would be longer than that many bytes; 0: never.
    File {
        path: PathBuf,
        limit: u64,
    },
    /// In the journal of systemd.
    Journal,
    Nothing,
}

const JOURNAL: &str = "journal";
const NOTHING: &str = "silent";
const FILE: &str = "events-file=";

impl Recording {
    /// The word by which another process of ours is told of it; none for the usual.
    pub fn word(&self) -> Option<OsString> {
        match self {
            Self::Log => None,
            Self::Journal => Some(JOURNAL.into()),
            Self::Nothing => Some(NOTHING.into()),
            Self::File { path, limit } => {
                let mut word = format!("{FILE}{limit}:").into_bytes();
                word.extend_from_slice(path.as_os_str().as_bytes());
                Some(OsString::from_vec(word))
            }
        }
    }

    /// What the words say, among others.
    pub fn read(words: &[OsString]) -> Self {
        let read = |word: &OsString| match word.to_str() {
            Some(JOURNAL) => Some(Self::Journal),
            Some(NOTHING) => Some(Self::Nothing),
            _ => {
                let rest = word.as_bytes().strip_prefix(FILE.as_bytes())?;
                let colon = rest.iter().position(|byte| *byte == b':')?;
                let limit = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
                let path = OsStr::from_bytes(&rest[colon + 1..]).into();
                Some(Self::File { path, limit })
            }
        };
        words.iter().find_map(read).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let path = PathBuf::from(OsStr::from_bytes(b"/a:b/\xff"));
        for recording in [
            Recording::Log,
            Recording::Journal,
            Recording::Nothing,
            Recording::File { path, limit: 7 },
        ] {
            let mut words = vec![OsString::from("linger")];
            words.extend(recording.word());
            assert_eq!(Recording::read(&words), recording);
        }
        assert_eq!(Recording::read(&["events-file=x:/a".into()]), Recording::Log);
    }
}
