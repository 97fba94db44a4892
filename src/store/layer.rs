//! The record of one unpacked layer, `layers/<diff id>/layer.json`.
//!
//! It holds what the tree alone cannot say: which directories the tar only implied, which hard links lead into
//! a lower layer, the attributes of `/`. The fix-up tree of a chain is built from these records.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::digest::Digest;

/// The version of the record written today; newer ones are refused.
pub const VERSION: u32 = 1;

/// Largest record that is written or read. Only the lists of implied directories and of links into lower
/// layers grow with the layer, and both are short in every image that was not made to hurt.
pub const RECORD_LIMIT: u64 = 64 << 20;

/// What is known of an unpacked layer beside its tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    pub version: u32,
    /// SHA-256 of the uncompressed tar.
    pub diff_id: Digest,
    /// Length of the uncompressed tar.
    pub size: u64,
    /// Bytes of file content in the tar, each payload counted once.
    pub content: u64,
    /// Entries in the tar.
    pub entries: u64,
    /// How owners were applied to the tree.
    pub owners: Owners,
    /// Whether the tar had an entry for `/`; its attributes are those of `tree/` itself then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Attributes>,
    /// Whether `/` was marked opaque: nothing below this layer shows through.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hides_lower: bool,
    /// Directories made because a path went through them, without an entry of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub implied: Vec<PathBytes>,
    /// Hard links to files of lower layers: not in `tree/`, made in the fix-up tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links_into_lower: Vec<LowerLink>,
    /// What the tar held and the tree does not.
    #[serde(default)]
    pub skipped: Skipped,
    /// What the names of a shared layer's contents begin with (`image::layer::lend`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Compressed blobs this layer was seen as.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<SeenBlob>,
    /// Fields of a newer writer, kept.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// How the owners written in a tar become owners of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owners {
    /// The ids in the tar are ids of the user namespace we run in.
    #[default]
    AsWritten,
    /// Only one id is mapped, so all files belong to it; the split remembers the real ones.
    Single,
    /// Everybody may read all files and nobody has a right by them: no owner, mode or attribute is applied. So the
    /// layer can be shared (`store::shared`), but not mounted as it is.
    Shared,
}

/// Mode, owner, time and extended attributes of a directory, as the tar wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xattrs: Vec<(PathBytes, PathBytes)>,
}

impl Default for Attributes {
    /// Those of a directory nobody described: 0755, owned by root, time zero so that it is reproducible.
    fn default() -> Self {
        Self {
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: (0, 0),
            xattrs: Vec::new(),
        }
    }
}

/// A hard link whose target lies in a lower layer. Both paths are relative to `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowerLink {
    pub path: PathBytes,
    pub target: PathBytes,
}

/// How many things of a tar are not in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Skipped {
    /// Device nodes, which a user namespace may not make.
    #[serde(default)]
    pub devices: u64,
    /// Extended attributes outside the allow list, or that the file system does not take.
    #[serde(default)]
    pub xattrs: u64,
}

/// A compressed form of a layer that was met in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenBlob {
    pub digest: Digest,
    pub size: u64,
    pub media_type: String,
    /// Of its descriptor, where they say how the blob is read in parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Bytes of a path or an attribute, in JSON as text in which a backslash and whatever is not UTF-8 stand as `\xNN`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathBytes(pub Vec<u8>);

impl From<&[u8]> for PathBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Display for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(position) = rest.find('\\') {
                write!(f, "{}\\x5c", &rest[..position])?;
                rest = &rest[position + 1..];
            }
            f.write_str(rest)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for PathBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PathBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        unescape(text.as_bytes())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a backslash stands for no byte"))
    }
}

fn unescape(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&first, rest)) = text.split_first() {
        if first != b'\\' {
            bytes.push(first);
            text = rest;
            continue;
        }
        let [b'x', high, low, rest @ ..] = rest else {
            return None;
        };
        let digit = |digit: u8| (digit as char).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        text = rest;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_survive_json(bytes: Vec<u8>) {
            let text = serde_json::to_string(&PathBytes(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<PathBytes>(&text).unwrap().0, bytes);
        }
    }

    #[test]
    fn paths_are_written_legibly() {
        for (bytes, text) in [
            (&b"usr/bin"[..], r#""usr/bin""#),
            ("é".as_bytes(), "\"é\""),
            (b"a\\b", r#""a\\x5cb""#),
            (b"\xff/\xc3", r#""\\xff/\\xc3""#),
        ] {
            assert_eq!(serde_json::to_string(&PathBytes::from(bytes)).unwrap(), text);
        }
        for text in [r#""\\""#, r#""\\n""#, r#""\\x1""#, r#""\\xzz""#] {
            assert!(serde_json::from_str::<PathBytes>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_of_a_newer_writer_are_kept() {
        let text = format!(
            r#"{{"version":1,"diff_id":"{}","size":1,"content":0,"entries":0,"owners":"single","later":[1]}}"#,
            Digest::of(b"")
        );
        let record: LayerRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(record.owners, Owners::Single);
        assert!(serde_json::to_string(&record).unwrap().contains(r#""later":[1]"#));
    }
}
