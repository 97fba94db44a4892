//! The members of an archive by name.
//!
//! Names and links are followed inside this table only, so that no name in an archive ever reaches a file system.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// More members than this are refused: an image has at most 500 layers.
const LIMIT: usize = 20_000;
/// Longest name that is kept.
const NAME_LIMIT: usize = 4096;
/// Links that lead to links that lead to …
const HOPS: usize = 8;

/// What a member is.
#[derive(Debug, PartialEq)]
pub enum Member<T> {
    File(T),
    /// The normalised name of another member.
    Link(Vec<u8>),
    /// A device, a FIFO, or a link that leads out of the archive.
    Other,
}

/// Why a member is not to be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("the archive has no {0}")]
    Missing(String),
    #[error("the archive holds {0} more than once")]
    Twice(String),
    #[error("in the archive {0} is not a regular file")]
    NotAFile(String),
    #[error("the archive has more than {LIMIT} members")]
    TooMany,
}

/// All members of an archive.
#[derive(Debug)]
pub struct Members<T> {
    by_name: BTreeMap<Vec<u8>, Member<T>>,
    twice: BTreeSet<Vec<u8>>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            twice: BTreeSet::new(),
        }
    }
}

impl<T> Members<T> {
    /// Adds what the archive holds as `name`. Names that lead nowhere inside an archive are passed over, since no
    /// document can name them either.
    pub fn add(&mut self, name: &[u8], member: Member<T>) -> Result<(), MemberError> {
        let Some(name) = normalise(b"", name).filter(|name| !name.is_empty() && name.len() <= NAME_LIMIT)
        else {
            return Ok(());
        };
        if self.by_name.len() >= LIMIT {
            return Err(MemberError::TooMany);
        }
        match self.by_name.entry(name) {
            Entry::Vacant(place) => {
                place.insert(member);
            }
            // Which of the two counts differs between readers, so neither does.
            Entry::Occupied(place) => {
                self.twice.insert(place.key().clone());
            }
        }
        Ok(())
    }

    /// The file behind `name`, links followed, with the name it really has.
    pub fn file(&self, name: &str) -> Result<(&[u8], &T), MemberError> {
        let mut current = normalise(b"", name.as_bytes()).ok_or_else(|| MemberError::Missing(name.into()))?;
        for _ in 0..HOPS {
            if self.twice.contains(&current) {
                return Err(MemberError::Twice(name.into()));
            }
            match self.by_name.get_key_value(&current) {
                None => return Err(MemberError::Missing(name.into())),
                Some((real, Member::File(file))) => return Ok((real, file)),
                Some((_, Member::Link(target))) => current = target.clone(),
                Some((_, Member::Other)) => break,
            }
        }
        Err(MemberError::NotAFile(name.into()))
    }

    /// Whether there is something of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name.as_bytes())
    }

    /// Whether a member of this very name was added already.
    pub fn is_taken(&self, name: &[u8]) -> bool {
        normalise(b"", name).is_some_and(|name| self.by_name.contains_key(&name))
    }
}

/// A link's member: symbolic links count from the directory of the link, hard links from the top.
pub fn link<T>(name: &[u8], target: &[u8], symbolic: bool) -> Member<T> {
    let from = match name.iter().rposition(|byte| *byte == b'/') {
        Some(slash) if symbolic => &name[..slash],
        _ => &[][..],
    };
    if symbolic && target.starts_with(b"/") {
        return Member::Other;
    }
    normalise(from, target).map_or(Member::Other, Member::Link)
}

/// `name`, seen from the directory `from`, as components joined by single slashes. `None` if it leads out.
fn normalise(from: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut components: Vec<&[u8]> = Vec::new();
    let slash = |byte: &u8| *byte == b'/';
    for component in from.split(slash).chain(name.split(slash)) {
        match component {
            b"" | b"." => {}
            b".." => {
                components.pop()?;
            }
            component => components.push(component),
        }
    }
    Some(components.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Members<u32> {
        let mut members = Members::default();
        for (name, member) in [
            (&b"./a/layer.tar"[..], Member::File(1)),
            (b"b/layer.tar", link(b"b/layer.tar", b"../a/layer.tar", true)),
            (b"c", link(b"c", b"a/layer.tar", false)),
            (b"out", link(b"out", b"../../etc/shadow", true)),
            (b"absolute", link(b"absolute", b"/a/layer.tar", true)),
            (b"one", link(b"one", b"two", true)),
            (b"two", link(b"two", b"one", true)),
            (b"fifo", Member::Other),
            (b"twice", Member::File(2)),
            (b"./twice", Member::File(3)),
            (b"../escape", Member::File(4)),
            (b"dangling", link(b"dangling", b"none", true)),
        ] {
            members.add(name, member).unwrap();
        }
        members
    }

    #[test]
    fn names_and_links_stay_inside() {
        let members = members();
        for name in ["a/layer.tar", "b/layer.tar", "c", "./c", "x/../c"] {
            assert_eq!(members.file(name), Ok((&b"a/layer.tar"[..], &1)), "{name}");
        }
        for name in [
            "",
            "..",
            "../escape",
            "escape",
            "a",
            "none",
            "dangling",
            "a/../../c",
        ] {
            assert!(
                matches!(members.file(name), Err(MemberError::Missing(_))),
                "{name}"
            );
        }
        for name in ["out", "absolute", "one", "fifo"] {
            assert!(
                matches!(members.file(name), Err(MemberError::NotAFile(_))),
                "{name}"
            );
        }
        assert!(matches!(members.file("twice"), Err(MemberError::Twice(_))));
    }

    #[test]
    fn the_number_of_members_is_bounded() {
        let mut members = Members::default();
        for number in 0..LIMIT {
            members
                .add(number.to_string().as_bytes(), Member::File(()))
                .unwrap();
        }
        assert_eq!(members.add(b"x", Member::File(())), Err(MemberError::TooMany));
    }

    proptest::proptest! {
        #[test]
        fn normalised_names_hold_no_dots(name in "[a./]{0,20}", from in "[a./]{0,9}") {
            if let Some(name) = normalise(from.as_bytes(), name.as_bytes()) {
                let text = String::from_utf8(name).unwrap();
                let mut parts = text.split('/').filter(|_| !text.is_empty());
                proptest::prop_assert!(parts.all(|part| !matches!(part, "" | "." | "..")));
            }
        }
    }
}
