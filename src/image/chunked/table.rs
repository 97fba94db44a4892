//! Where the tables of a blob are, and what they say.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read};
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::present::Here;
use crate::base::digest::Digest;
use crate::oci::image::Descriptor;

pub const TABLE_DIGEST: &str = "io.github.containers.zstd-chunked.manifest-checksum";
pub const TABLE_PLACE: &str = "io.github.containers.zstd-chunked.manifest-position";
pub const SPLIT_PLACE: &str = "io.github.containers.zstd-chunked.tarsplit-position";
/// The only kind of table there is.
pub const TABLE_KIND: u64 = 1;

/// Most bytes of both tables as they come, and of the table of contents when it is decompressed.
const COMPRESSED_LIMIT: u64 = 32 << 20;
const TABLE_LIMIT: u64 = 64 << 20;
/// Most bytes of the tar split when it is decompressed, and of one piece of it: an extended header in base 64.
const SPLIT_LIMIT: u64 = 256 << 20;
const PIECE_LIMIT: u64 = 8 << 20;

/// Frames that lie closer together are fetched with what is between them, in bytes.
const NEAR: u64 = 64 << 10;
/// Most ranges of a blob that are asked for: each costs the way to the registry and back.
const RANGES: usize = 64;

/// Where the tables of a blob are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub table: Range<u64>,
    pub split: Range<u64>,
    /// Of the table's compressed bytes.
    pub digest: Digest,
}

impl Places {
    /// What the annotations of a layer say, if both tables are there and of a size that we take.
    pub fn of(layer: &Descriptor) -> Option<Self> {
        let numbers = |key: &str| -> Option<Vec<u64>> {
            let text = layer.annotations.get(key)?;
            text.split(':').map(|number| number.parse().ok()).collect()
        };
        let range = |begin: u64, length: u64| -> Option<Range<u64>> {
            let end = begin.checked_add(length)?;
            (begin > 0 && length > 0 && end <= layer.size).then_some(begin..end)
        };
        let table = match numbers(TABLE_PLACE)?[..] {
            [begin, length, _, TABLE_KIND] => range(begin, length)?,
            _ => return None,
        };
        let split = match numbers(SPLIT_PLACE)?[..] {
            [begin, length, _] => range(begin, length)?,
            _ => return None,
        };
        let digest = layer.annotations.get(TABLE_DIGEST)?.parse().ok()?;
        let places = Self { table, split, digest };
        (places.both().end - places.both().start <= COMPRESSED_LIMIT).then_some(places)
    }

    /// The bytes from the first of the tables to the end of the last.
    pub fn both(&self) -> Range<u64> {
        self.table.start.min(self.split.start)..self.table.end.max(self.split.end)
    }
}

/// A file with content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub size: u64,
    pub digest: Digest,
    /// Where its frames are in the blob.
    pub frames: Range<u64>,
}

/// The files of a layer that have content, by the names that the tar has for them.
pub type Files = HashMap<String, File>;

/// Both tables.
pub struct Tables {
    pub files: Files,
    pub pieces: Pieces,
}

impl Tables {
    /// Reads them from the bytes of [`Places::both`], of a blob of `size` bytes.
    pub fn read(places: &Places, bytes: &[u8], size: u64) -> io::Result<Self> {
        let cut = |range: &Range<u64>| {
            let begin = (range.start - places.both().start) as usize;
            &bytes[begin..begin + (range.end - range.start) as usize]
        };
        let table = cut(&places.table);
        if Digest::of(table) != places.digest {
            return Err(io::Error::other("the table of contents has another digest"));
        }
        Ok(Self {
            files: read(table, size)?,
            pieces: Pieces::new(cut(&places.split).to_vec())?,
        })
    }

    /// Which bytes of the blob are needed for files that are not here.
    pub fn missing(&self, here: &Here) -> Vec<Range<u64>> {
        let files = self.files.iter();
        ranges(
            files
                .filter(|(name, _)| !here.contains_key(*name))
                .map(|(_, file)| file),
        )
    }
}

/// Reads the table of contents from its frame. Files with one name, or with frames outside the first `limit` bytes of
/// the blob, are errors.
fn read(frame: &[u8], limit: u64) -> io::Result<Files> {
    #[derive(Deserialize)]
    struct Table {
        version: u32,
        entries: Entries,
    }
    let decoder = decoder(frame)?;
    let mut bytes = Vec::new();
    decoder.take(TABLE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TABLE_LIMIT {
        return Err(io::Error::other("the table of contents is too long"));
    }
    let table: Table = serde_json::from_slice(&bytes)?;
    if table.version != 1 {
        return Err(io::Error::other("the table of contents is of another version"));
    }
    let files = table.entries.0;
    match files.values().all(|file| file.frames.end <= limit) {
        true => Ok(files),
        false => Err(io::Error::other("a file lies outside the blob")),
    }
}

fn decoder(frame: &[u8]) -> io::Result<impl Read + use<'_>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?;
    decoder.window_log_max(crate::image::compression::ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// The entries that are files with content. The others only repeat what the tar split has.
struct Entries(Files);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry<'a> {
            #[serde(rename = "type", borrow)]
            kind: std::borrow::Cow<'a, str>,
            name: String,
            #[serde(default)]
            size: u64,
            #[serde(borrow, default)]
            digest: Option<std::borrow::Cow<'a, str>>,
            #[serde(default)]
            offset: u64,
            #[serde(default)]
            end_offset: u64,
        }
        struct Filter;
        impl<'de> Visitor<'de> for Filter {
            type Value = Entries;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a list of entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Entries, A::Error> {
                let mut files = Files::new();
                while let Some(entry) = entries.next_element::<Entry<'_>>()? {
                    if entry.kind != "reg" || entry.size == 0 {
                        continue;
                    }
                    let digest = entry.digest.as_deref().unwrap_or_default();
                    let digest = digest.parse().map_err(de::Error::custom)?;
                    if entry.offset >= entry.end_offset {
                        return Err(de::Error::custom("a file without a place"));
                    }
                    let file = File {
                        size: entry.size,
                        digest,
                        frames: entry.offset..entry.end_offset,
                    };
                    if files.insert(entry.name, file).is_some() {
                        return Err(de::Error::custom("two files of one name"));
                    }
                }
                Ok(Entries(files))
            }
        }
        deserializer.deserialize_seq(Filter)
    }
}

/// A piece of the tar, in its order.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Raw(Vec<u8>),
    /// The content of a file.
    Content { name: String, size: u64 },
}

pub const CONTENT: u8 = 1;
pub const RAW: u8 = 2;

/// Reads the pieces from the frame of the tar split, which is kept.
pub struct Pieces {
    lines: io::BufReader<Box<dyn Read + Send>>,
}

impl Pieces {
    pub fn new(frame: Vec<u8>) -> io::Result<Self> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(io::Cursor::new(frame))?;
        decoder.window_log_max(crate::image::compression::ZSTD_WINDOW_LOG)?;
        Ok(Self {
            lines: io::BufReader::with_capacity(64 << 10, Box::new(decoder.take(SPLIT_LIMIT))),
        })
    }

    /// The next piece that has any bytes.
    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(rename = "type")]
            kind: u8,
            #[serde(default)]
            name: Option<String>,
            #[serde(default)]
            size: u64,
            #[serde(borrow, default)]
            payload: Option<std::borrow::Cow<'a, str>>,
            #[serde(default)]
            #[expect(dead_code, reason = "the order of the lines says the same")]
            position: IgnoredAny,
        }
        loop {
            let mut line = Vec::new();
            (&mut self.lines).take(PIECE_LIMIT).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(None);
            }
            let line: Line<'_> = serde_json::from_slice(&line)?;
            match line.kind {
                CONTENT if line.size == 0 => {}
                CONTENT => {
                    return Ok(Some(Piece::Content {
                        name: line
                            .name
                            .ok_or_else(|| io::Error::other("content without a name"))?,
                        size: line.size,
                    }));
                }
                RAW => {
                    let payload = line.payload.unwrap_or_default();
                    let bytes = BASE64.decode(payload.as_bytes()).map_err(io::Error::other)?;
                    if !bytes.is_empty() {
                        return Ok(Some(Piece::Raw(bytes)));
                    }
                }
                other => {
                    return Err(io::Error::other(format!(
                        "piece of unknown kind {other} in the tar split"
                    )));
                }
            }
        }
    }
}

/// Which bytes of a blob are needed, if these of its files are not here: in order, and not too many.
fn ranges<'f>(missing: impl Iterator<Item = &'f File>) -> Vec<Range<u64>> {
    let mut frames: Vec<Range<u64>> = missing.map(|file| file.frames.clone()).collect();
    frames.sort_unstable_by_key(|range| range.start);
    let mut gaps: Vec<u64> = frames
        .windows(2)
        .map(|pair| pair[1].start.saturating_sub(pair[0].end))
        .collect();
    gaps.sort_unstable();
    // The largest gaps stay; all others are fetched.
    let near = match gaps.len().checked_sub(RANGES) {
        Some(place) => gaps[place].max(NEAR),
        None => NEAR,
    };
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for frame in frames {
        match ranges.last_mut() {
            Some(last) if frame.start.saturating_sub(last.end) <= near => last.end = last.end.max(frame.end),
            _ => ranges.push(frame),
        }
    }
    ranges
}

/// Those annotations of a layer that tell where its tables are.
pub fn kept(annotations: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    [TABLE_DIGEST, TABLE_PLACE, SPLIT_PLACE]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), annotations.get(*key)?.clone())))
        .collect()
}

/// The annotations of a blob with its tables at these places; lengths are before compression.
pub fn annotations(places: &Places, table_length: u64, split_length: u64) -> BTreeMap<String, String> {
    let Places { table, split, digest } = places;
    BTreeMap::from([
        (TABLE_DIGEST.to_owned(), digest.to_string()),
        (
            TABLE_PLACE.to_owned(),
            format!(
                "{}:{}:{table_length}:{TABLE_KIND}",
                table.start,
                table.end - table.start
            ),
        ),
        (
            SPLIT_PLACE.to_owned(),
            format!("{}:{}:{split_length}", split.start, split.end - split.start),
        ),
    ])
}
