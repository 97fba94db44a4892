//! Reads a tar as a stream: entries with everything that describes them, then their payload in slices.
//!
//! Every byte that is not payload goes to a [`Recorder`], so that the identical archive can be written again.
//! Where tar programs disagree about what an archive holds (sizes on entries without content, two names for one
//! entry, one block of zeros) the archive is refused: nothing may hide from one reader and show to another.

use std::io::{self, BufRead};

use super::header::{BLOCK, BadHeader, Dialect, Header};
use super::limits;
use super::name::Escaped;
use super::pax::{self, BadPax, Pax};
use super::sparse::{self, BadSparse, Segment};

/// Takes what is needed, beside the payloads, to write the archive again.
pub trait Recorder {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// What an entry makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    Character,
    Block,
    Fifo,
}

/// One entry. Names are as written, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: (i64, u32),
    /// Length of the file; of a sparse one, with its holes.
    pub length: u64,
    /// Where the payload of a sparse file goes.
    pub segments: Option<Vec<Segment>>,
    pub device: (u32, u32),
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub dropped_xattrs: u64,
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    #[error("cannot read the layer: {0}")]
    Io(#[from] io::Error),
    #[error("cannot record the archive: {0}")]
    Record(#[source] io::Error),
    #[error("broken tar at byte {offset}: {reason}")]
    Broken { offset: u64, reason: Broken },
    #[error("entry {name} of the tar: {reason}")]
    Entry { name: Escaped, reason: Broken },
}

/// Why a payload was not taken: the archive is at fault, or where it goes.
#[derive(Debug)]
pub enum PayloadError {
    Tar(TarError),
    Sink(io::Error),
}

impl From<TarError> for PayloadError {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("ends in the middle")]
    Truncated,
    #[error("one block of zeros where two end the archive")]
    LoneZeroBlock,
    #[error("extended header without an entry")]
    Dangling,
    #[error("two extended headers of one kind for one entry")]
    Doubled,
    #[error("extended header is longer than {0} bytes")]
    LongHeader(u64),
    #[error("entry of unknown type {:?}", char::from(*.0))]
    UnknownType(u8),
    #[error("{0:?} with a size")]
    SizeWithoutContent(Kind),
    #[error("file whose name ends in a slash")]
    FileAsDirectory,
    #[error(transparent)]
    Header(#[from] BadHeader),
    #[error(transparent)]
    Pax(#[from] BadPax),
    #[error(transparent)]
    Sparse(#[from] BadSparse),
}

/// Reads one archive from `source`.
pub struct Reader<R, K> {
    source: R,
    pub recorder: K,
    global: Pax,
    block: [u8; BLOCK],
    /// Bytes of payload not yet taken, and of the padding after them.
    remaining: u64,
    padding: u64,
    offset: u64,
    at_end: bool,
}

/// Extended headers that wait for their entry.
#[derive(Default)]
struct Pending {
    pax: Option<Pax>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<R: BufRead, K: Recorder> Reader<R, K> {
    pub fn new(source: R, recorder: K) -> Self {
        Self {
            source,
            recorder,
            global: Pax::default(),
            block: [0; BLOCK],
            remaining: 0,
            padding: 0,
            offset: 0,
            at_end: false,
        }
    }

    /// The next entry. What was not taken of the payload before it is recorded. After the last one the source has been
    /// read to its end.
    pub fn entry(&mut self) -> Result<Option<Entry>, TarError> {
        self.pass(self.remaining)?;
        // Some writers (umoci insert) end right after the last payload: neither padding nor blocks of zeros follow.
        if self.padding > 0 && self.source.fill_buf()?.is_empty() {
            self.at_end = true;
        } else {
            self.pass(self.padding)?;
        }
        (self.remaining, self.padding) = (0, 0);
        let mut pending = Pending::default();
        while !self.at_end && self.header()? {
            let block = self.block;
            let header = Header::new(&block).map_err(|bad| self.broken_block(bad.into()))?;
            if let Some(entry) = self.member(&header, &mut pending)? {
                return Ok(Some(entry));
            }
        }
        self.at_end = true;
        if pending.pax.is_some() || pending.name.is_some() || pending.link.is_some() {
            return Err(self.broken(Broken::Dangling));
        }
        self.pass_all()?;
        Ok(None)
    }

    /// Bytes of payload not yet taken.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Hands the next `length` bytes of the payload to `sink`, slice by slice, and records them too when `record` is set.
    pub fn payload(
        &mut self,
        mut length: u64,
        record: bool,
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), PayloadError> {
        debug_assert!(length <= self.remaining);
        while length > 0 {
            let slice = self.source.fill_buf().map_err(TarError::from)?;
            if slice.is_empty() {
                return Err(self.broken(Broken::Truncated).into());
            }
            let part = length.min(slice.len() as u64) as usize;
            sink(&slice[..part]).map_err(PayloadError::Sink)?;
            if record {
                self.recorder.raw(&slice[..part]).map_err(TarError::Record)?;
            }
            self.source.consume(part);
            self.offset += part as u64;
            self.remaining -= part as u64;
            length -= part as u64;
        }
        Ok(())
    }

    fn broken(&self, reason: Broken) -> TarError {
        let offset = self.offset;
        TarError::Broken { offset, reason }
    }

    fn broken_block(&self, reason: Broken) -> TarError {
        let offset = self.offset - BLOCK as u64;
        TarError::Broken { offset, reason }
    }

    /// Reads and records one header into `self.block`; false at the end of the archive.
    fn header(&mut self) -> Result<bool, TarError> {
        if !self.read_block()? {
            return Ok(false);
        }
        if self.block.iter().any(|&byte| byte != 0) {
            return Ok(true);
        }
        // Two blocks of zeros end an archive. Some writers forget the second at the end of the file; but one with
        // more after it is read on by some programs and not by others.
        if self.read_block()? && self.block.iter().any(|&byte| byte != 0) {
            return Err(self.broken_block(Broken::LoneZeroBlock));
        }
        Ok(false)
    }

    fn read_block(&mut self) -> Result<bool, TarError> {
        let mut filled = 0;
        while filled < BLOCK {
            let slice = self.source.fill_buf()?;
            if slice.is_empty() {
                break;
            }
            let length = slice.len().min(BLOCK - filled);
            self.block[filled..filled + length].copy_from_slice(&slice[..length]);
            self.source.consume(length);
            filled += length;
        }
        self.offset += filled as u64;
        match filled {
            0 => Ok(false),
            BLOCK => {
                self.recorder.raw(&self.block).map_err(TarError::Record)?;
                Ok(true)
            }
            _ => Err(self.broken(Broken::Truncated)),
        }
    }

    /// Takes a header as an extended one, kept in `pending`, or as an entry.
    fn member(&mut self, header: &Header<'_>, pending: &mut Pending) -> Result<Option<Entry>, TarError> {
        let size = header.size().map_err(|bad| self.broken_block(bad.into()))?;
        match header.typeflag() {
            b'x' | b'X' => {
                let data = self.extended(size, limits::PAX_BYTES)?;
                let pax = pax::parse(&data).map_err(|bad| self.broken(bad.into()))?;
                self.set_once(&mut pending.pax, pax)?;
            }
            b'g' => {
                let data = self.extended(size, limits::PAX_BYTES)?;
                pax::parse_global(&data, &mut self.global).map_err(|bad| {
                    let offset = self.offset;
                    TarError::Broken {
                        offset,
                        reason: bad.into(),
                    }
                })?;
            }
            b'L' => {
                let name = self.extended(size, limits::LONG_NAME_BYTES)?;
                self.set_once(&mut pending.name, until_zero(name))?;
            }
            b'K' => {
                let link = self.extended(size, limits::LONG_NAME_BYTES)?;
                self.set_once(&mut pending.link, until_zero(link))?;
            }
            _ => return self.complete(header, size, std::mem::take(pending)).map(Some),
        }
        Ok(None)
    }

    fn set_once<T>(&self, place: &mut Option<T>, value: T) -> Result<(), TarError> {
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.broken(Broken::Doubled)),
        }
    }

    /// An entry from its header and the extended ones before it; its payload comes next.
    fn complete(&mut self, header: &Header<'_>, size: u64, pending: Pending) -> Result<Entry, TarError> {
        let Pending {
            pax,
            name: long_name,
            link: long_link,
        } = pending;
        let had_pax_size = pax.as_ref().is_some_and(|pax| pax.size.is_some());
        let mut entry = Entry {
            kind: Kind::File,
            name: Vec::new(),
            link: header.link().to_vec(),
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: (0, 0),
            length: 0,
            segments: None,
            device: (0, 0),
            xattrs: Vec::new(),
            dropped_xattrs: 0,
        };
        header.name(&mut entry.name);
        let mut pax = pax.unwrap_or_default();
        for (said, long, place) in [
            (pax.path.take(), long_name, &mut entry.name),
            (pax.link.take(), long_link, &mut entry.link),
        ] {
            if said.is_some() && long.is_some() && said != long {
                return Err(self.broken_block(Broken::Doubled));
            }
            if let Some(value) = said.or(long) {
                *place = value;
            }
        }
        let size = pax.size.unwrap_or(size);
        let offset = self.offset - BLOCK as u64;
        let broken = |reason| TarError::Broken { offset, reason };
        entry.mode = header.mode().map_err(|bad| broken(bad.into()))?;
        let header_mtime = header.mtime().map_err(|bad| broken(bad.into()))?;
        entry.mtime = pax.mtime.or(self.global.mtime).unwrap_or((header_mtime, 0));
        entry.uid = match pax.uid.or(self.global.uid) {
            Some(uid) => uid,
            None => header.uid().map_err(|bad| broken(bad.into()))?,
        };
        entry.gid = match pax.gid.or(self.global.gid) {
            Some(gid) => gid,
            None => header.gid().map_err(|bad| broken(bad.into()))?,
        };
        let is_sparse = !pax.sparse.is_empty();
        let sparse_name = pax.sparse.name.take();
        let of_entry = |name: &[u8], reason| TarError::Entry {
            name: Escaped::new(name),
            reason,
        };
        entry.kind = kind(header.typeflag()).map_err(|reason| of_entry(&entry.name, reason))?;
        let old_sparse = header.typeflag() == b'S';
        if old_sparse && header.dialect() != Dialect::Gnu {
            return Err(of_entry(&entry.name, Broken::UnknownType(b'S')));
        }
        if is_sparse && (old_sparse || entry.kind != Kind::File) {
            return Err(of_entry(&entry.name, BadPax::SparseForm.into()));
        }
        if header.typeflag() == 0 && entry.name.ends_with(b"/") {
            entry.kind = Kind::Directory;
        }
        if entry.kind == Kind::File {
            if entry.name.ends_with(b"/") {
                return Err(of_entry(&entry.name, Broken::FileAsDirectory));
            }
            self.remaining = size;
            self.padding = size.next_multiple_of(BLOCK as u64) - size;
            entry.length = size;
            self.sparse(header, &mut pax.sparse, is_sparse, &mut entry)
                .map_err(|error| match error {
                    TarError::Broken { reason, .. } => of_entry(&entry.name, reason),
                    other => other,
                })?;
            if let Some(name) = sparse_name {
                entry.name = name;
            }
        } else if size != 0 && (entry.kind != Kind::HardLink || had_pax_size) {
            // A hard link may carry the size of its file, without content: all programs read that alike.
            return Err(of_entry(&entry.name, Broken::SizeWithoutContent(entry.kind)));
        }
        if matches!(entry.kind, Kind::Character | Kind::Block) {
            entry.device = header.device().map_err(|bad| of_entry(&entry.name, bad.into()))?;
        }
        entry.dropped_xattrs = pax.dropped_xattrs + self.global.dropped_xattrs;
        entry.xattrs = pax.xattrs;
        for (name, value) in &self.global.xattrs {
            if !entry.xattrs.iter().any(|(known, _)| known == name) {
                entry.xattrs.push((name.clone(), value.clone()));
            }
        }
        Ok(entry)
    }

    /// Reads the map of a sparse file, from wherever its form keeps it.
    fn sparse(
        &mut self,
        header: &Header<'_>,
        said: &mut pax::Sparse,
        is_sparse: bool,
        entry: &mut Entry,
    ) -> Result<(), TarError> {
        let (segments, length) = if header.typeflag() == b'S' {
            let (first, mut more, length) = header.sparse().map_err(|bad| self.broken_block(bad.into()))?;
            let mut segments = Vec::new();
            sparse::read_old(first, &mut segments).map_err(|bad| self.broken(bad.into()))?;
            while more {
                if !self.read_block()? {
                    return Err(self.broken(Broken::Truncated));
                }
                sparse::read_old(&self.block[..504], &mut segments).map_err(|bad| self.broken(bad.into()))?;
                more = self.block[504] != 0;
            }
            (segments, length)
        } else if !is_sparse {
            return Ok(());
        } else {
            let said = std::mem::take(said);
            let length = said
                .length
                .ok_or(BadPax::SparseForm)
                .map_err(|bad| self.broken(bad.into()))?;
            let segments = match (said.major, said.minor, said.map) {
                (Some(1), Some(0), None) => self.sparse_map()?,
                (None | Some(0), None | Some(0 | 1), Some(map)) => map,
                _ => return Err(self.broken(BadPax::SparseForm.into())),
            };
            (segments, length)
        };
        entry.segments =
            Some(sparse::check(segments, length, self.remaining).map_err(|bad| self.broken(bad.into()))?);
        entry.length = length;
        Ok(())
    }

    /// The map of version 1.0, decimal lines in the first blocks of the payload.
    fn sparse_map(&mut self) -> Result<Vec<(u64, u64)>, TarError> {
        let mut map = sparse::MapReader::default();
        while !map.is_complete() {
            if self.remaining < BLOCK as u64 {
                return Err(self.broken(Broken::Truncated));
            }
            if !self.read_block()? {
                return Err(self.broken(Broken::Truncated));
            }
            self.remaining -= BLOCK as u64;
            map.take(&self.block).map_err(|bad| self.broken(bad.into()))?;
        }
        Ok(map.finish())
    }

    /// The content of an extended header, recorded with its padding.
    fn extended(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, TarError> {
        if size > limit {
            return Err(self.broken_block(Broken::LongHeader(limit)));
        }
        let mut data = Vec::with_capacity(size as usize);
        let mut remaining = size as usize;
        while remaining > 0 {
            if !self.read_block()? {
                return Err(self.broken(Broken::Truncated));
            }
            let length = remaining.min(BLOCK);
            data.extend_from_slice(&self.block[..length]);
            remaining -= length;
        }
        Ok(data)
    }

    /// Records the next `length` bytes.
    fn pass(&mut self, mut length: u64) -> Result<(), TarError> {
        while length > 0 {
            let slice = self.source.fill_buf()?;
            if slice.is_empty() {
                return Err(self.broken(Broken::Truncated));
            }
            let part = length.min(slice.len() as u64) as usize;
            self.recorder.raw(&slice[..part]).map_err(TarError::Record)?;
            self.source.consume(part);
            self.offset += part as u64;
            length -= part as u64;
        }
        Ok(())
    }

    /// Records what follows the end of the archive.
    fn pass_all(&mut self) -> Result<(), TarError> {
        loop {
            let slice = self.source.fill_buf()?;
            if slice.is_empty() {
                return Ok(());
            }
            let length = slice.len();
            self.recorder.raw(slice).map_err(TarError::Record)?;
            self.source.consume(length);
            self.offset += length as u64;
        }
    }
}

fn until_zero(mut text: Vec<u8>) -> Vec<u8> {
    if let Some(end) = text.iter().position(|&byte| byte == 0) {
        text.truncate(end);
    }
    text
}

fn kind(typeflag: u8) -> Result<Kind, Broken> {
    Ok(match typeflag {
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::Character,
        b'4' => Kind::Block,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => return Err(Broken::UnknownType(other)),
    })
}
