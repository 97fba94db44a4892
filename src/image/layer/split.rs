//! `split`, beside a layer's `tree`: what is needed, with the tree, to write the identical tar again.
//!
//! ```text
//! magic      16 bytes  "coracle split 1\n"
//! records    one zstd frame; numbers are little endian
//!              0x01 raw     length u32, bytes          copied as they are
//!              0x02 file    path length u16, path,     the content of this file of the tree,
//!                           size u64                   which must have this size
//!              0x00 end
//! displaced  zstd frames, one for each content that the tree lost to a later entry of the same tar
//! index      one zstd frame, for each displaced content
//!              path length u16, path, before u64, offset u64, length u64 (of its frame), size u64
//! foot       start of displaced u64, start of index u64, entries in the index u64, "end\n"
//! ```
//!
//! The n-th `file` record of a path means the displaced content with the smallest `before` above n, else the tree's.
//! Sparse files and whatever else is not whole in the tree are `raw`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Take, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::reader::Recorder;

/// Name of the file.
pub const NAME: &str = "split";
const DISPLACED_NAME: &str = "split.displaced";
const MAGIC: &[u8; 16] = b"coracle split 1\n";
const FOOT_MAGIC: &[u8; 4] = b"end\n";
const FOOT: usize = 3 * 8 + FOOT_MAGIC.len();
/// Raw bytes gathered into one record.
const RAW: usize = 64 << 10;
/// Headers repeat one another: the fastest level shrinks them twenty times.
const LEVEL: i32 = 1;

const END: u8 = 0;
const RAW_TAG: u8 = 1;
const FILE_TAG: u8 = 2;

/// A content the tree no longer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Displaced {
    before: u64,
    offset: u64,
    length: u64,
    size: u64,
}

/// Writes a split.
pub struct SplitWriter<'a> {
    layer: BorrowedFd<'a>,
    records: zstd::stream::write::Encoder<'static, BufWriter<File>>,
    raw: Vec<u8>,
    /// `file` records so far.
    files: u64,
    displaced: Option<File>,
    index: Vec<(Vec<u8>, Displaced)>,
    /// Files that have other names still, by inode: content displaced under one name is not written twice.
    kept: HashMap<u64, Displaced>,
    /// Inodes whose content no record names.
    without_record: HashSet<u64>,
}

impl<'a> SplitWriter<'a> {
    /// Starts a split in the directory of a layer.
    pub fn new(layer: BorrowedFd<'a>) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(128 << 10, create(layer, NAME)?);
        file.write_all(MAGIC)?;
        Ok(Self {
            layer,
            records: zstd::stream::write::Encoder::new(file, LEVEL)?,
            raw: Vec::with_capacity(RAW + 512),
            files: 0,
            displaced: None,
            index: Vec::new(),
            kept: HashMap::new(),
            without_record: HashSet::new(),
        })
    }

    /// The next payload is the content of the tree's file `path`.
    pub fn file(&mut self, path: &[u8], size: u64) -> io::Result<()> {
        self.flush_raw()?;
        self.records.write_all(&[FILE_TAG])?;
        write_path(&mut self.records, path)?;
        self.records.write_all(&size.to_le_bytes())?;
        self.files += 1;
        Ok(())
    }

    /// The content of this inode is never taken from the tree.
    pub fn not_recorded(&mut self, inode: u64) {
        self.without_record.insert(inode);
    }

    /// Keeps the content of `path`, a regular file about to be removed from the tree; `is_last` when it has
    /// no other name there.
    pub fn displace(
        &mut self,
        path: &[u8],
        inode: u64,
        is_last: bool,
        file: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<()> {
        let no_record = match is_last {
            true => self.without_record.remove(&inode),
            false => self.without_record.contains(&inode),
        };
        if no_record {
            return Ok(());
        }
        let known = if is_last {
            self.kept.remove(&inode)
        } else {
            self.kept.get(&inode).copied()
        };
        let content = match known {
            Some(content) => content,
            None => self.keep(file()?)?,
        };
        if !is_last {
            self.kept.insert(inode, content);
        }
        self.index.push((
            path.to_vec(),
            Displaced {
                before: self.files,
                ..content
            },
        ));
        Ok(())
    }

    fn keep(&mut self, mut content: File) -> io::Result<Displaced> {
        let displaced = match &mut self.displaced {
            Some(file) => file,
            place => place.insert(create(self.layer, DISPLACED_NAME)?),
        };
        let offset = displaced.stream_position()?;
        let mut encoder = zstd::stream::write::Encoder::new(&mut *displaced, LEVEL)?;
        let size = io::copy(&mut content, &mut encoder)?;
        encoder.finish()?;
        let length = displaced.stream_position()? - offset;
        Ok(Displaced {
            before: 0,
            offset,
            length,
            size,
        })
    }

    fn flush_raw(&mut self) -> io::Result<()> {
        if self.raw.is_empty() {
            return Ok(());
        }
        self.records.write_all(&[RAW_TAG])?;
        self.records.write_all(&(self.raw.len() as u32).to_le_bytes())?;
        self.records.write_all(&self.raw)?;
        self.raw.clear();
        Ok(())
    }

    /// Writes the rest.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush_raw()?;
        self.records.write_all(&[END])?;
        let mut file = self
            .records
            .finish()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        let start = file.stream_position()?;
        if let Some(mut displaced) = self.displaced.take() {
            displaced.seek(SeekFrom::Start(0))?;
            io::copy(&mut displaced, &mut file)?;
            rustix::fs::unlinkat(self.layer, DISPLACED_NAME, AtFlags::empty())?;
        }
        let index = file.stream_position()?;
        let mut encoder = zstd::stream::write::Encoder::new(BufWriter::new(&mut file), LEVEL)?;
        for (path, content) in &self.index {
            write_path(&mut encoder, path)?;
            for number in [content.before, content.offset, content.length, content.size] {
                encoder.write_all(&number.to_le_bytes())?;
            }
        }
        encoder.finish()?.flush()?;
        for number in [start, index, self.index.len() as u64] {
            file.write_all(&number.to_le_bytes())?;
        }
        file.write_all(FOOT_MAGIC)
    }
}

impl Recorder for SplitWriter<'_> {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(RAW) {
            self.raw.extend_from_slice(part);
            if self.raw.len() >= RAW {
                self.flush_raw()?;
            }
        }
        Ok(())
    }
}

fn create(layer: BorrowedFd<'_>, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(layer, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

fn write_path(writer: &mut impl Write, path: &[u8]) -> io::Result<()> {
    let length = u16::try_from(path.len()).map_err(|_| damaged())?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(path)
}

/// What the next part of the tar is made of.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Raw(&'a [u8]),
    /// Content of a file of the tree.
    File {
        path: &'a [u8],
        size: u64,
    },
    /// Content the tree no longer holds: to be had from [`SplitReader::displaced`].
    Displaced {
        number: usize,
        size: u64,
    },
}

/// Reads a split.
pub struct SplitReader {
    records: zstd::stream::read::Decoder<'static, BufReader<Take<File>>>,
    file: File,
    start: u64,
    index: Vec<Displaced>,
    by_path: HashMap<Vec<u8>, Vec<usize>>,
    files: u64,
    buffer: Vec<u8>,
}

impl SplitReader {
    /// Opens the split in the directory of a layer.
    pub fn open(layer: BorrowedFd<'_>) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(layer, NAME, flags, Mode::empty())?);
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(damaged());
        }
        let end = file.seek(SeekFrom::End(-(FOOT as i64)))?;
        let mut foot = [0; FOOT];
        file.read_exact(&mut foot)?;
        let number = |at: usize| u64::from_le_bytes(foot[at..at + 8].try_into().expect("eight bytes"));
        let (start, index_start, count) = (number(0), number(8), number(16));
        if foot[24..] != *FOOT_MAGIC || start > index_start || index_start > end {
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(index_start))?;
        let part = file.try_clone()?.take(end - index_start);
        let (index, by_path) = read_index(part, count)?;
        // The two descriptors share one position, which the records need for themselves.
        let mut records = File::from(rustix::fs::openat(layer, NAME, flags, Mode::empty())?);
        records.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        let records =
            BufReader::with_capacity(128 << 10, records.take(start.saturating_sub(MAGIC.len() as u64)));
        Ok(Self {
            records: zstd::stream::read::Decoder::with_buffer(records)?,
            file,
            start,
            index,
            by_path,
            files: 0,
            buffer: Vec::new(),
        })
    }

    /// The next part; `None` after the last.
    pub fn part(&mut self) -> io::Result<Option<Part<'_>>> {
        match read_array::<1>(&mut self.records)?[0] {
            END => Ok(None),
            RAW_TAG => {
                let length = u32::from_le_bytes(read_array(&mut self.records)?) as usize;
                if length > RAW * 2 {
                    return Err(damaged());
                }
                self.buffer.resize(length, 0);
                self.records.read_exact(&mut self.buffer)?;
                Ok(Some(Part::Raw(&self.buffer)))
            }
            FILE_TAG => {
                read_path(&mut self.records, &mut self.buffer)?;
                let size = u64::from_le_bytes(read_array(&mut self.records)?);
                let number = self.files;
                self.files += 1;
                let places = self.by_path.get(&self.buffer).map_or(&[][..], Vec::as_slice);
                let later = places.partition_point(|&place| self.index[place].before <= number);
                Ok(Some(match places.get(later) {
                    Some(&number) => Part::Displaced { number, size },
                    None => Part::File {
                        path: &self.buffer,
                        size,
                    },
                }))
            }
            _ => Err(damaged()),
        }
    }

    /// The content of [`Part::Displaced`].
    pub fn displaced(&mut self, number: usize) -> io::Result<impl Read + '_> {
        let content = self.index[number];
        self.file.seek(SeekFrom::Start(self.start + content.offset))?;
        zstd::stream::read::Decoder::new((&self.file).take(content.length))
    }
}

type Index = (Vec<Displaced>, HashMap<Vec<u8>, Vec<usize>>);

fn read_index(file: impl Read, count: u64) -> io::Result<Index> {
    let mut reader = BufReader::new(zstd::stream::read::Decoder::new(file)?);
    let (mut index, mut by_path) = (Vec::new(), HashMap::<Vec<u8>, Vec<usize>>::new());
    for _ in 0..count {
        let mut path = Vec::new();
        read_path(&mut reader, &mut path)?;
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = u64::from_le_bytes(read_array(&mut reader)?);
        }
        let [before, offset, length, size] = numbers;
        by_path.entry(path).or_default().push(index.len());
        index.push(Displaced {
            before,
            offset,
            length,
            size,
        });
    }
    Ok((index, by_path))
}

fn read_array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_path(reader: &mut impl Read, path: &mut Vec<u8>) -> io::Result<()> {
    let length = u16::from_le_bytes(read_array(reader)?);
    path.resize(usize::from(length), 0);
    reader.read_exact(path)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the split is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn parts(layer: &File) -> Vec<String> {
        let mut reader = SplitReader::open(layer.as_fd()).unwrap();
        let mut parts = Vec::new();
        loop {
            let number = match reader.part().unwrap() {
                None => return parts,
                Some(Part::Displaced { number, .. }) => number,
                Some(part) => {
                    parts.push(format!("{part:?}"));
                    continue;
                }
            };
            let mut content = String::new();
            reader
                .displaced(number)
                .unwrap()
                .read_to_string(&mut content)
                .unwrap();
            parts.push(content);
        }
    }

    #[test]
    fn displaced_content_is_found_by_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let layer = File::open(directory.path()).unwrap();
        let content = |text: &str| {
            std::fs::write(directory.path().join("f"), text).unwrap();
            File::open(directory.path().join("f"))
        };
        let mut writer = SplitWriter::new(layer.as_fd()).unwrap();
        writer.raw(b"head").unwrap();
        writer.raw(b"er").unwrap();
        writer.file(b"a", 3).unwrap();
        writer.displace(b"a", 7, false, || content("one")).unwrap();
        writer.file(b"a", 3).unwrap();
        // The same inode by its last name: the content is not asked for again.
        writer
            .displace(b"b", 7, true, || panic!("written twice"))
            .unwrap();
        writer.displace(b"a", 7, true, || content("two")).unwrap();
        writer.file(b"a", 4).unwrap();
        writer.not_recorded(9);
        writer
            .displace(b"s", 9, true, || panic!("sparse file read"))
            .unwrap();
        writer.finish().unwrap();
        assert_eq!(
            parts(&layer),
            [
                format!("{:?}", Part::Raw(b"header")),
                "one".to_owned(),
                "two".to_owned(),
                format!("{:?}", Part::File { path: b"a", size: 4 }),
            ]
        );
        let names: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_damaged_split_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let layer = File::open(directory.path()).unwrap();
        let mut writer = SplitWriter::new(layer.as_fd()).unwrap();
        writer.raw(&[7; 100_000]).unwrap();
        writer.finish().unwrap();
        let path = directory.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 5, 16, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(SplitReader::open(layer.as_fd()).is_err(), "{length}");
        }
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x55;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(mut reader) = SplitReader::open(layer.as_fd()) {
                while let Ok(Some(_)) = reader.part() {}
            }
        }
    }
}
