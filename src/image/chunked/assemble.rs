//! The uncompressed tar of a layer, from its tables, files that are here and frames that are fetched.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::present::{Here, Trees};
use super::table::{Piece, Tables};
use crate::image::compression::ZSTD_WINDOW_LOG;

/// Bytes read of frames at once.
const BUFFER: usize = 128 << 10;

/// Reads the tar of a layer.
pub struct Assembled<'w> {
    tables: Tables,
    trees: Trees,
    /// Where files are.
    here: Here,
    wire: Wire<'w>,
    decoder: Decoder<'static>,
    now: Now,
}

/// What is read at the moment.
enum Now {
    Nothing,
    Raw(io::Cursor<Vec<u8>>),
    /// A file that is here, and how many bytes are left of it.
    Here(fs::File, u64),
    /// How many bytes are left of a file whose frames arrive, and where they end.
    Arriving(u64, u64),
}

/// The ranges of the blob one after the other, and where in the blob that is.
struct Wire<'w> {
    source: Box<dyn Read + Send + 'w>,
    ranges: std::vec::IntoIter<Range<u64>>,
    now: Range<u64>,
    input: Vec<u8>,
    used: usize,
}

impl<'w> Assembled<'w> {
    /// `wire` gives the bytes of `ranges` of the blob, one after the other: those of all files that are not `here`.
    pub fn new(
        tables: Tables,
        trees: Trees,
        here: Here,
        ranges: Vec<Range<u64>>,
        wire: Box<dyn Read + Send + 'w>,
    ) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
        Ok(Self {
            tables,
            trees,
            here,
            wire: Wire {
                source: wire,
                ranges: ranges.into_iter(),
                now: 0..0,
                input: Vec::new(),
                used: 0,
            },
            decoder,
            now: Now::Nothing,
        })
    }

    /// Goes on to the next piece; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let (name, size) = match self.tables.pieces.next()? {
            None => return Ok(false),
            Some(Piece::Raw(bytes)) => {
                self.now = Now::Raw(io::Cursor::new(bytes));
                return Ok(true);
            }
            Some(Piece::Content { name, size }) => (name, size),
        };
        let file = self.tables.files.get(&name).filter(|file| file.size == size);
        let file = file.ok_or_else(|| io::Error::other(format!("the tables disagree about {name:?}")))?;
        self.now = match self.here.get(&name) {
            Some(place) => Now::Here(self.trees.open(place)?, size),
            None => {
                self.wire.go_to(file.frames.start)?;
                self.decoder.reinit()?;
                Now::Arriving(size, file.frames.end)
            }
        };
        Ok(true)
    }
}

impl Read for Assembled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = match &mut self.now {
                Now::Nothing => 0,
                Now::Raw(bytes) => bytes.read(buffer)?,
                Now::Here(_, 0) | Now::Arriving(0, _) => 0,
                Now::Here(file, left) => {
                    let length = file.take(*left).read(buffer)?;
                    if length == 0 && !buffer.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    *left -= length as u64;
                    length
                }
                Now::Arriving(left, end) => {
                    let room = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let length = self.wire.decode(&mut self.decoder, *end, &mut buffer[..room])?;
                    *left -= length as u64;
                    length
                }
            };
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}

impl Wire<'_> {
    /// Where in the blob the next byte is.
    fn at(&self) -> u64 {
        self.now.start - (self.input.len() - self.used) as u64
    }

    /// Passes what lies before the byte `target`.
    fn go_to(&mut self, target: u64) -> io::Result<()> {
        let disorder = || io::Error::other("the tables disagree about the order of files");
        loop {
            let buffered = self.input.len() - self.used;
            if buffered == 0 && self.now.is_empty() {
                self.now = self.ranges.next().ok_or_else(disorder)?;
                self.input.clear();
                self.used = 0;
                continue;
            }
            let skipped = target.checked_sub(self.at()).ok_or_else(disorder)?;
            if skipped == 0 {
                return Ok(());
            }
            if buffered == 0 {
                self.fill()?;
            } else {
                self.used += buffered.min(usize::try_from(skipped).unwrap_or(usize::MAX));
            }
        }
    }

    /// Reads on in the range at hand.
    fn fill(&mut self) -> io::Result<()> {
        let length = usize::try_from(self.now.end - self.now.start).unwrap_or(usize::MAX);
        self.input.resize(length.min(BUFFER), 0);
        let read = self.source.read(&mut self.input);
        self.input.truncate(*read.as_ref().unwrap_or(&0));
        self.used = 0;
        self.now.start += read? as u64;
        match self.input.is_empty() {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(()),
        }
    }

    /// Decompresses frames that end at the byte `end` of the blob.
    fn decode(&mut self, decoder: &mut Decoder<'_>, end: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = usize::try_from(end.saturating_sub(self.at())).unwrap_or(usize::MAX);
            if self.used == self.input.len() && left > 0 && !self.now.is_empty() {
                self.fill()?;
                continue;
            }
            let stop = self.input.len().min(self.used.saturating_add(left));
            let mut input = InBuffer::around(&self.input[self.used..stop]);
            let mut output = OutBuffer::around(buffer);
            decoder.run(&mut input, &mut output)?;
            let (taken, given) = (input.pos(), output.pos());
            self.used += taken;
            if given > 0 {
                return Ok(given);
            }
            if taken == 0 {
                return Err(io::Error::other("the content of a file ends early"));
            }
        }
    }
}
