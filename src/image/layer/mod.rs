//! Layers: a tar becomes a directory that overlayfs takes as a lower, and becomes the identical tar again.
//!
//! [`unpack`] reads a tar once, from the network if need be, and makes in a staging directory
//!
//! ```text
//! tree/       the files; whiteouts are character devices 0:0, opaque directories carry user.overlay.opaque
//! split       with the tree, what writes the tar again (format: split.rs)
//! layer.json  the record (store/layer.rs)
//! ```
//!
//! It makes nothing outside that directory and follows no link, whatever the tar says: parents are opened by
//! `openat2` beneath the tree without links, and everything else works on last components. Nothing is synced; the
//! caller syncs once for a whole image and publishes by a rename.
//!
//! [`write_tar`] gives the tar back. [`build_fix_up`] makes what a layer cannot know without those below it.

mod attributes;
mod chain;
mod compare;
mod extract;
mod fixup;
pub(super) mod header;
mod lend;
mod limits;
pub(super) mod name;
mod pack;
pub(super) mod parents;
mod pax;
mod pipe;
pub(super) mod reader;
pub(super) mod recreate;
mod remove;
mod sparse;
pub(super) mod split;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use crate::base::file::{self, Durability};
use crate::store::layer::{LayerRecord, Owners, RECORD_LIMIT, VERSION};

pub use attributes::{apply_attributes, merged_root_attributes};
pub use compare::{Change, CompareError, Kind, View, compare};
pub use fixup::{FixUpError, build_fix_up};
pub use lend::{LendError, data_directory, stand_in};
pub use name::{BadName, Escaped};
pub use pack::{PackError, pack};
pub use reader::TarError;
pub use recreate::{RecreateError, Recreated, verify, write_tar};

/// Name of the files' directory in a layer.
pub const TREE: &str = "tree";
/// Name of the record in a layer.
pub const RECORD: &str = "layer.json";

/// How a layer is unpacked, and how much it may take.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    pub owners: Owners,
    /// Most bytes of the uncompressed tar.
    pub max_bytes: u64,
    /// Most entries, implied directories among them.
    pub max_entries: u64,
    /// The content of layers that are shared with us may stay where it is: the kernel can mount that.
    pub borrows: bool,
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self {
            owners: Owners::AsWritten,
            max_bytes: limits::LAYER_BYTES,
            max_entries: limits::ENTRIES,
            borrows: false,
        }
    }
}

/// Where the content of files goes.
#[derive(Debug, Clone)]
enum Content {
    /// Into the files.
    Kept,
    /// The same, and it is offered to others by names that begin so.
    Offered(String),
    /// Nowhere: it lies in a store of others, by names that begin so.
    Lent(String),
}

/// Why a layer was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error(transparent)]
    Tar(#[from] TarError),
    #[error("refused entry {name}: {reason}")]
    Refused { name: Escaped, reason: Refusal },
    #[error("the layer has more than {0} entries")]
    Entries(u64),
    #[error("the layer's directories and whiteouts take more than {0} bytes of memory")]
    Names(usize),
    #[error(
        "{name} belongs to {what} {id}, which is not mapped here: \
         give your user a larger range in /etc/sub{what} (or map more ids into this namespace)"
    )]
    Unmapped {
        name: Escaped,
        what: &'static str,
        id: u32,
    },
    #[error("cannot {action} {name}: {source}")]
    Entry {
        action: &'static str,
        name: Escaped,
        source: io::Error,
    },
    #[error("cannot write {what} of the layer: {source}")]
    Write { what: &'static str, source: io::Error },
}

/// Why an entry is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Name(#[from] BadName),
    #[error("\"/\" is not a directory")]
    Root,
    #[error("a directory of its path is another kind of file")]
    NotADirectory,
    #[error("its path goes through more than {} links", limits::LINKS)]
    Links,
    #[error("a whiteout is an empty file, not a link, a directory or a device")]
    WhiteoutKind,
    #[error("character device 0:0 means a whiteout to the kernel and is not content")]
    WhiteoutDevice,
    #[error("link without a target")]
    NoTarget,
    #[error("hard link to itself or to a path above or below it")]
    LinkToItself,
    #[error("hard link through a symbolic link")]
    LinkThroughLink,
    #[error("hard link to a directory")]
    LinkToDirectory,
    #[error("hard link to what is no content of a layer")]
    LinkToWhiteout,
    #[error("capabilities of another root user, or malformed ones")]
    Capability,
}

/// Unpacks the uncompressed `tar` into the directory `staging`, which has nothing of ours in it yet.
///
/// The whole of `tar` is read, so that its digest is that of the stream. On failure what was made stays, to be
/// removed with the staging directory.
pub fn unpack(
    tar: impl Read + Send,
    staging: BorrowedFd<'_>,
    options: &UnpackOptions,
) -> Result<LayerRecord, UnpackError> {
    let content = match options.owners {
        Owners::Shared => Content::Offered(lend::new_seed()),
        Owners::AsWritten | Owners::Single => Content::Kept,
    };
    let ahead = pipe::ahead(tar, options.max_bytes, |chunks| {
        extract::extract(chunks, staging, options, &content)
    });
    let (extracted, diff_id, size) = ahead.map_err(|source| UnpackError::Write {
        what: "files",
        source,
    })?;
    let extracted = extracted?;
    let record = LayerRecord {
        version: VERSION,
        diff_id,
        size,
        content: extracted.content,
        entries: extracted.entries,
        owners: options.owners,
        root: extracted.root,
        hides_lower: extracted.hides_lower,
        implied: extracted.implied,
        links_into_lower: extracted.links_into_lower,
        skipped: extracted.skipped,
        seed: match content {
            Content::Offered(seed) => Some(seed),
            Content::Kept | Content::Lent(_) => None,
        },
        blobs: Vec::new(),
        other: serde_json::Map::new(),
    };
    write_record(staging.as_fd(), &record).map_err(|source| UnpackError::Write {
        what: "the record",
        source,
    })?;
    Ok(record)
}

/// Writes the record of the layer in the directory `layer`.
pub fn write_record(layer: BorrowedFd<'_>, record: &LayerRecord) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    if json.len() as u64 > RECORD_LIMIT {
        let text = format!("it is longer than {RECORD_LIMIT} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    file::replace(layer, Path::new(RECORD), &json, Durability::Transient)
}

/// Reads the record of the layer in the directory `layer`.
pub fn read_record(layer: BorrowedFd<'_>) -> io::Result<LayerRecord> {
    let json = file::read_bounded(layer, Path::new(RECORD), RECORD_LIMIT)?;
    let record: LayerRecord = serde_json::from_slice(&json)?;
    if record.version > VERSION {
        let text = format!("version {} is newer than {VERSION}", record.version);
        return Err(io::Error::new(io::ErrorKind::Unsupported, text));
    }
    Ok(record)
}

/// How many of `layers` (directories of layers, bottom first) are hidden by one above them that marks `/` as opaque.
/// Overlayfs ignores that mark on the root of a lower, so whoever mounts leaves these out.
pub fn hidden_layers(layers: &[BorrowedFd<'_>]) -> io::Result<usize> {
    for (number, layer) in layers.iter().enumerate().rev() {
        if read_record(layer.as_fd())?.hides_lower {
            return Ok(number);
        }
    }
    Ok(0)
}
