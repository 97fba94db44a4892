//! Makes a blob with tables of an uncompressed tar.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufReader, Read, Write};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use zstd::stream::write::Encoder;

use super::crc::Crc;
use super::table::{self, Places};
use crate::base::digest::{Digest, Hashing};
use crate::base::time;
use crate::image::layer::header::{self, BLOCK, Dialect, Header};
use crate::image::layer::reader::{Entry, Kind, PayloadError, Reader, Recorder, TarError};

/// Marks a frame that decoders skip; its length follows in 32 bits (RFC 8878 section 3.1.2).
const SKIPPED: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// Ends the blob.
const MAGIC: [u8; 8] = *b"GNUlInUx";
/// Bytes of a skipped frame before its content.
const SKIPPED_HEADER: u64 = 8;
/// Largest skipped frame that we write.
const SKIPPED_LIMIT: usize = 1 << 30;

/// What has to be written before the next content.
#[derive(Default)]
struct Raw(Vec<u8>);

impl Recorder for Raw {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// An entry of the table of contents. Readers compare it with what Go's `archive/tar` makes of the header.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link_name: String,
    #[serde(skip_serializing_if = "is_zero")]
    mode: u64,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    uid: u64,
    #[serde(skip_serializing_if = "is_zero")]
    gid: u64,
    modtime: String,
    #[serde(skip_serializing_if = "is_zero")]
    dev_major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dev_minor: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    end_offset: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A line of the tar split.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    payload: Option<String>,
    position: u64,
}

/// Writes `tar` to `out` and gives the annotations for the layer's descriptor. There are none, and no tables, for a tar
/// that holds what the tables cannot say, or what programs read in different ways.
pub fn write(tar: impl Read, out: impl Write, level: i32) -> io::Result<Option<BTreeMap<String, String>>> {
    let mut reader = Reader::new(BufReader::with_capacity(256 << 10, tar), Raw::default());
    let mut blob = Blob {
        out: Some(Hashing::new(out)),
        level,
    };
    let mut tables = Tables::new(level)?;
    // What fills the last block of the content before.
    let mut padding = 0;
    while let Some(entry) = reader.entry().map_err(of_tar)? {
        let raw = std::mem::take(&mut reader.recorder.0);
        blob.frame(|frame| frame.write_all(&raw))?;
        tables.raw(&raw)?;
        let begin = blob.at();
        let mut content = Hashing::new(io::sink());
        let mut crc = Crc::new();
        let length = reader.remaining();
        if length > 0 {
            blob.frame(|frame| {
                let taken = reader.payload(length, false, |bytes| {
                    content.write_all(bytes)?;
                    crc.add(bytes);
                    frame.write_all(bytes)
                });
                taken.map_err(|error| match error {
                    PayloadError::Tar(error) => of_tar(error),
                    PayloadError::Sink(error) => error,
                })
            })?;
        }
        let (_, digest, _) = content.finish();
        let headers = raw.get(padding..).unwrap_or_default();
        tables.entry(&entry, headers, length, (digest, crc), begin..blob.at())?;
        padding = (length.next_multiple_of(BLOCK as u64) - length) as usize;
    }
    let raw = std::mem::take(&mut reader.recorder.0);
    blob.frame(|frame| frame.write_all(&raw))?;
    tables.raw(&raw)?;
    let annotations = match tables.finish()? {
        Some(tables) => Some(blob.tables(&tables)?),
        None => None,
    };
    blob.out.expect("put back after each frame").finish().0.flush()?;
    Ok(annotations)
}

fn of_tar(error: TarError) -> io::Error {
    match error {
        TarError::Io(error) | TarError::Record(error) => error,
        other => io::Error::other(other),
    }
}

/// The blob as far as it is written.
struct Blob<W: Write> {
    /// Taken while a frame is written.
    out: Option<Hashing<W>>,
    level: i32,
}

impl<W: Write> Blob<W> {
    fn at(&self) -> u64 {
        self.out.as_ref().expect("put back after each frame").count()
    }

    fn frame(
        &mut self,
        fill: impl FnOnce(&mut Encoder<'static, Hashing<W>>) -> io::Result<()>,
    ) -> io::Result<()> {
        let out = self.out.take().expect("put back after each frame");
        let mut encoder = Encoder::new(out, self.level)?;
        encoder.include_checksum(true)?;
        fill(&mut encoder)?;
        self.out = Some(encoder.finish()?);
        Ok(())
    }

    fn skipped(&mut self, content: &[u8]) -> io::Result<()> {
        let out = self.out.as_mut().expect("put back after each frame");
        out.write_all(&SKIPPED)?;
        out.write_all(&(content.len() as u32).to_le_bytes())?;
        out.write_all(content)
    }

    fn tables(&mut self, tables: &Finished) -> io::Result<BTreeMap<String, String>> {
        let begin = self.at() + SKIPPED_HEADER;
        let end = begin + tables.table.len() as u64;
        let split = end + SKIPPED_HEADER;
        let places = Places {
            table: begin..end,
            split: split..split + tables.split.len() as u64,
            digest: Digest::of(&tables.table),
        };
        self.skipped(&tables.table)?;
        self.skipped(&tables.split)?;
        let numbers = [
            begin,
            tables.table.len() as u64,
            tables.table_length,
            table::TABLE_KIND,
            split,
            tables.split.len() as u64,
            tables.split_length,
        ];
        let mut footer: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        footer.extend(MAGIC);
        self.skipped(&footer)?;
        Ok(table::annotations(
            &places,
            tables.table_length,
            tables.split_length,
        ))
    }
}

/// The tables as far as they are known.
struct Tables {
    level: i32,
    /// None: the tar holds what they cannot say.
    rows: Option<Vec<Row>>,
    names: HashSet<String>,
    split: Encoder<'static, Hashing<Vec<u8>>>,
    split_length: u64,
    lines: u64,
}

/// Both tables, compressed, and how long they were.
struct Finished {
    table: Vec<u8>,
    table_length: u64,
    split: Vec<u8>,
    split_length: u64,
}

impl Tables {
    fn new(level: i32) -> io::Result<Self> {
        Ok(Self {
            level,
            rows: Some(Vec::new()),
            names: HashSet::new(),
            split: Encoder::new(Hashing::new(Vec::new()), level)?,
            split_length: 0,
            lines: 0,
        })
    }

    fn line(&mut self, kind: u8, name: &str, size: u64, payload: Option<&[u8]>) -> io::Result<()> {
        let line = Line {
            kind,
            name,
            size,
            payload: payload.map(|bytes| BASE64.encode(bytes)),
            position: self.lines,
        };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        self.lines += 1;
        self.split_length += line.len() as u64;
        self.split.write_all(&line)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A long end of zeros is told in pieces, which readers bound.
        for piece in bytes.chunks(1 << 20) {
            self.line(table::RAW, "", 0, Some(piece))?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &Entry,
        headers: &[u8],
        size: u64,
        (digest, crc): (Digest, Crc),
        frame: std::ops::Range<u64>,
    ) -> io::Result<()> {
        let Some(row) = row(entry, headers, size).filter(|row| self.names.insert(row.name.clone())) else {
            self.rows = None;
            return Ok(());
        };
        let sum = crc.sum().to_be_bytes();
        let payload = (size > 0).then_some(&sum[..]);
        self.line(table::CONTENT, &row.name, size, payload)?;
        let row = match size {
            0 => row,
            _ => Row {
                digest: Some(digest),
                offset: frame.start,
                end_offset: frame.end,
                ..row
            },
        };
        if let Some(rows) = &mut self.rows {
            rows.push(row);
        }
        Ok(())
    }
}

impl Tables {
    fn finish(self) -> io::Result<Option<Finished>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Table<'a> {
            version: u32,
            entries: &'a [Row],
            tar_split_digest: Digest,
        }
        let (split, digest, _) = self.split.finish()?.finish();
        let Some(rows) = self.rows else { return Ok(None) };
        let plain = serde_json::to_vec(&Table {
            version: 1,
            entries: &rows,
            tar_split_digest: digest,
        })?;
        let table = zstd::stream::encode_all(&plain[..], self.level)?;
        if table.len() > SKIPPED_LIMIT || split.len() > SKIPPED_LIMIT {
            return Ok(None);
        }
        Ok(Some(Finished {
            table,
            table_length: plain.len() as u64,
            split,
            split_length: self.split_length,
        }))
    }
}

/// What the table says of an entry, if it can: readers refuse one that is not what they find in the headers.
fn row(entry: &Entry, headers: &[u8], size: u64) -> Option<Row> {
    let block = main_header(headers)?;
    let header = Header::new(block).ok()?;
    let is_known = match header.dialect() {
        Dialect::Ustar => true,
        // It may keep further times where others have the beginning of a name.
        Dialect::Gnu => block[345] == 0 && block[357] == 0,
        Dialect::Star | Dialect::V7 => false,
    };
    // Some hard links carry the size of their file.
    let has_odd_size = entry.kind != Kind::File && header.size().ok()? != 0;
    if !is_known || has_odd_size || entry.segments.is_some() || entry.dropped_xattrs > 0 {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut xattrs = BTreeMap::new();
    for (name, value) in &entry.xattrs {
        xattrs.insert(text(name)?, BASE64.encode(value));
    }
    Some(Row {
        kind: match entry.kind {
            Kind::File => "reg",
            Kind::Directory => "dir",
            Kind::Symlink => "symlink",
            Kind::HardLink => "hardlink",
            Kind::Character => "char",
            Kind::Block => "block",
            Kind::Fifo => "fifo",
        },
        name: text(&entry.name)?,
        link_name: text(&entry.link)?,
        // With all bits that are written there.
        mode: header::unsigned(&block[100..108])?,
        size,
        uid: u64::from(entry.uid),
        gid: u64::from(entry.gid),
        modtime: modified(entry.mtime)?,
        dev_major: u64::from(entry.device.0),
        dev_minor: u64::from(entry.device.1),
        xattrs,
        digest: None,
        offset: 0,
        end_offset: 0,
    })
}

/// A time as Go's JSON has it: of four digits for the year, and none before 1970 here.
fn modified((seconds, nanoseconds): (i64, u32)) -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds < YEAR_10000)?;
    Some(time::rfc3339(UNIX_EPOCH + Duration::new(seconds, nanoseconds)))
}

/// The header of an entry behind its extended ones, if those are of the kinds that all programs read alike.
fn main_header(mut headers: &[u8]) -> Option<&[u8; BLOCK]> {
    loop {
        let (block, rest) = headers.split_first_chunk::<BLOCK>()?;
        let header = Header::new(block).ok()?;
        let length = match header.typeflag() {
            b'x' | b'L' | b'K' => usize::try_from(header.size().ok()?).ok()?,
            0 | b'0'..=b'6' => return rest.is_empty().then_some(block),
            _ => return None,
        };
        let data = rest.get(..length)?;
        let says = |key: &[u8]| data.windows(key.len()).any(|bytes| bytes == key);
        // Further times are told, and attributes in a second way.
        if header.typeflag() == b'x' && (says(b" atime=") || says(b" ctime=") || says(b" LIBARCHIVE.")) {
            return None;
        }
        headers = rest.get(length.next_multiple_of(BLOCK)..)?;
    }
}
