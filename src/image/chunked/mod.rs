//! zstd:chunked: a compressed layer with an index, of which only what is missing needs to be fetched.
//!
//! Such a blob is an ordinary zstd stream in which the content of each file is a frame of its own. Behind it lie, in
//! frames that decoders skip, a table of contents (for each file its digest and where its frame is) and the *tar
//! split* (the bytes of the tar between the contents), both JSON in a zstd frame. Annotations of the layer's descriptor
//! tell where the two are (containers-storage(5), `enable_partial_images`; the format is that of
//! `containers/storage/pkg/chunked`).
//!
//! [`Assembled`] makes the uncompressed tar of files that the store has and frames that it fetches. Nothing of the
//! tables is believed: the tar has to have the diff id of the image's configuration. [`write`] makes such blobs.

mod assemble;
mod crc;
mod present;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use assemble::Assembled;
pub use present::Trees;
pub use table::{Places, TABLE_PLACE, Tables, kept};
pub use write::write;
