//! Where an archive's members come from: a directory, a tar file that can be read at any place, or a stream that is
//! read once.
//!
//! In a stream nothing says in advance what is a layer and in which order things come. Small documents are therefore
//! kept in memory, and whatever looks like a layer is handed on at once, to be unpacked on suspicion.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use tar::EntryType;

use super::entries::{self, BLOCK, Entry, Input, Once, Place};
use super::members::{Member, MemberError, Members, link};
use crate::image::compression::{self, Compression};
use crate::oci::image::CONFIG_LIMIT;

/// Bytes of documents kept from one stream.
const KEPT_LIMIT: u64 = 64 << 20;

/// An opened archive. `L` is what a layer found in a stream has become.
pub enum Source<L> {
    Directory(OwnedFd),
    File { file: File, members: Members<Range> },
    Stream(Members<Streamed<L>>),
}

/// A member's place in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    offset: u64,
    size: u64,
}

/// What has become of a member of a stream.
pub enum Streamed<L> {
    Document(Vec<u8>),
    Layer(L),
}

/// What is done with a layer met in a stream, given its name and size.
pub type Sink<'a, L> = dyn FnMut(&[u8], u64, &mut (dyn Read + Send)) -> Result<L> + 'a;

impl<L> Source<L> {
    /// Opens `path`, which may be a directory, a tar file, or a compressed one.
    pub fn open(path: &Path, sink: &mut Sink<'_, L>) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        if file.metadata()?.is_dir() {
            return Ok(Self::Directory(file.into()));
        }
        Self::read(file, sink).with_context(|| path.display().to_string())
    }

    /// Reads an archive from an open file, which may as well be a pipe.
    pub fn read(mut file: File, sink: &mut Sink<'_, L>) -> Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(Self::Directory(file.into()));
        }
        if !metadata.is_file() {
            return Self::stream(file, sink);
        }
        let mut magic = [0; 6];
        let start = file.stream_position()?;
        let length = file.read_at(&mut magic, start)?;
        if start != 0 || Compression::detect(&magic[..length]) != Compression::None {
            return Self::stream(file, sink);
        }
        let members = index(&file)?;
        Ok(Self::File { file, members })
    }

    /// Reads an archive that comes once, compressed or not.
    pub fn stream(reader: impl Read + Send, sink: &mut Sink<'_, L>) -> Result<Self> {
        let (_, decoded) = compression::decoder(reader)?;
        let mut members = Members::default();
        let mut kept = 0;
        let mut input = Once(decoded);
        while let Some(entry) = entries::next(&mut input)? {
            let mut payload = input.by_ref().take(entry.size);
            if let Some(member) = streamed(&entry, &members, &mut kept, &mut payload, sink)? {
                members.add(&entry.name, member)?;
            }
            let rest = payload.limit();
            input.skip(rest + entry.padding())?;
        }
        // Whoever writes the stream is not to find it closed before its last padding; what that holds is no matter.
        let _ = io::copy(&mut input, &mut io::sink());
        Ok(Self::Stream(members))
    }

    /// Whether there is a member of this name.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Directory(directory) => rustix::fs::openat2(
                directory,
                name,
                OFlags::PATH | OFlags::CLOEXEC,
                Mode::empty(),
                INSIDE,
            )
            .is_ok(),
            Self::File { members, .. } => members.contains(name),
            Self::Stream(members) => members.contains(name),
        }
    }

    /// Fails unless there is a file of this name.
    pub fn require(&self, name: &str) -> Result<()> {
        match self {
            Self::Stream(members) => members.file(name).map(drop).map_err(Into::into),
            Self::Directory(_) | Self::File { .. } => self.reader(name).map(drop),
        }
    }

    /// The whole of a small member.
    pub fn document(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let too_long = || format!("{name} is longer than {limit} bytes");
        if let Self::Stream(members) = self {
            return match members.file(name)?.1 {
                Streamed::Document(content) if content.len() as u64 <= limit => Ok(content.clone()),
                Streamed::Document(_) => bail!(too_long()),
                Streamed::Layer(_) => bail!("{name} is not a JSON document of at most {limit} bytes"),
            };
        }
        let (reader, size) = self.reader(name)?;
        if size > limit {
            bail!(too_long());
        }
        let mut content = Vec::with_capacity(size as usize);
        reader
            .take(size)
            .read_to_end(&mut content)
            .with_context(|| name.to_owned())?;
        if content.len() as u64 != size {
            bail!("{name} is cut short");
        }
        Ok(content)
    }

    /// Reads a member of a directory or a file, and how long it is.
    pub fn reader(&self, name: &str) -> Result<(Box<dyn Read + Send + '_>, u64)> {
        match self {
            Self::Directory(directory) => {
                // Not blocking, in case it is a FIFO.
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                let file = rustix::fs::openat2(directory.as_fd(), name, flags, Mode::empty(), INSIDE)
                    .with_context(|| name.to_owned())?;
                let file = File::from(file);
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Err(MemberError::NotAFile(name.into()).into());
                }
                Ok((Box::new(file), metadata.len()))
            }
            Self::File { file, members } => {
                let (_, range) = members.file(name)?;
                let place = Place {
                    file,
                    offset: range.offset,
                    end: range.offset + range.size,
                };
                Ok((Box::new(place), range.size))
            }
            Self::Stream(_) => bail!("{name} was read already"),
        }
    }

    /// What a layer of a stream has become; `None` where this is no stream.
    pub fn streamed(&self, name: &str) -> Result<Option<&L>> {
        let Self::Stream(members) = self else {
            return Ok(None);
        };
        match members.file(name)?.1 {
            Streamed::Layer(layer) => Ok(Some(layer)),
            Streamed::Document(_) => bail!("{name} is not the archive of a layer"),
        }
    }
}

const INSIDE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

/// What an entry of a stream becomes; `None` for what is no member.
fn streamed<L>(
    entry: &Entry,
    members: &Members<Streamed<L>>,
    kept: &mut u64,
    payload: &mut (impl Read + Send),
    sink: &mut Sink<'_, L>,
) -> Result<Option<Member<Streamed<L>>>> {
    match other_member(entry) {
        Kind::Regular => {}
        Kind::Nothing => return Ok(None),
        Kind::Other(member) => return Ok(Some(member)),
    }
    if members.is_taken(&entry.name) {
        return Ok(Some(Member::Other));
    }
    let mut beginning = Vec::with_capacity(BLOCK);
    payload.take(BLOCK as u64).read_to_end(&mut beginning)?;
    if is_document(&beginning, entry.size) {
        *kept += entry.size;
        if *kept > KEPT_LIMIT {
            bail!("the documents of the archive are longer than {KEPT_LIMIT} bytes");
        }
        let mut content = beginning;
        payload.read_to_end(&mut content)?;
        return Ok(Some(Member::File(Streamed::Document(content))));
    }
    if !is_layer(&beginning) {
        return Ok(Some(Member::Other));
    }
    let mut whole = io::Cursor::new(beginning).chain(payload);
    let layer = sink(&entry.name, entry.size, &mut whole)?;
    Ok(Some(Member::File(Streamed::Layer(layer))))
}

/// Notes where the members of a tar file lie, without reading them.
fn index(file: &File) -> Result<Members<Range>> {
    let mut members = Members::default();
    let mut place = Place {
        file,
        offset: 0,
        end: file.metadata()?.len(),
    };
    while let Some(entry) = entries::next(&mut place)? {
        let range = Range {
            offset: place.offset,
            size: entry.size,
        };
        match other_member(&entry) {
            Kind::Regular => members.add(&entry.name, Member::File(range))?,
            Kind::Other(member) => members.add(&entry.name, member)?,
            Kind::Nothing => {}
        }
        place.skip(entry.size)?;
        // The last padding may be missing.
        let _ = place.skip(entry.padding());
    }
    Ok(members)
}

/// What an entry is, apart from its content.
enum Kind<T> {
    Regular,
    Other(Member<T>),
    /// Directories and the like, which nothing names.
    Nothing,
}

fn other_member<T>(entry: &Entry) -> Kind<T> {
    match entry.kind {
        EntryType::Regular | EntryType::Continuous => Kind::Regular,
        EntryType::Directory => Kind::Nothing,
        EntryType::Symlink => Kind::Other(link(&entry.name, &entry.link, true)),
        EntryType::Link => Kind::Other(link(&entry.name, &entry.link, false)),
        _ => Kind::Other(Member::Other),
    }
}

/// Whether a member is a JSON document that we may need, by its first bytes.
fn is_document(beginning: &[u8], size: u64) -> bool {
    let first = beginning.iter().find(|byte| !byte.is_ascii_whitespace());
    size <= CONFIG_LIMIT && matches!(first, Some(b'{' | b'[')) && !is_tar_header(beginning)
}

fn is_layer(beginning: &[u8]) -> bool {
    Compression::detect(beginning) != Compression::None || is_tar_header(beginning)
}

/// Whether these are the first bytes of a tar archive: a header, or the end of an empty one.
fn is_tar_header(block: &[u8]) -> bool {
    block.len() == BLOCK && (block.iter().all(|byte| *byte == 0) || entries::is_header(block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn sample() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content).unwrap();
        };
        add("manifest.json", b" [1]");
        add("layer.tar", &[0; 1024]);
        add("note", b"hello");
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, "d/link", "../layer.tar")
            .unwrap();
        builder.into_inner().unwrap()
    }

    fn sink(_: &[u8], size: u64, reader: &mut (dyn Read + Send)) -> Result<u64> {
        assert_eq!(io::copy(reader, &mut io::sink())?, size);
        Ok(size)
    }

    #[test]
    fn a_stream_keeps_documents_and_hands_on_layers() {
        let source = Source::stream(&sample()[..], &mut sink).unwrap();
        assert_eq!(source.document("manifest.json", 100).unwrap(), b" [1]");
        assert!(source.document("manifest.json", 1).is_err());
        assert!(source.document("layer.tar", 9999).is_err());
        assert_eq!(source.streamed("d/link").unwrap(), Some(&1024));
        assert!(source.streamed("manifest.json").is_err());
        assert!(source.document("note", 100).is_err());
        assert!(source.document("none", 100).is_err());
    }

    #[test]
    fn a_file_is_read_in_place_and_a_compressed_one_as_a_stream() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.tar");
        std::fs::write(&path, sample()).unwrap();
        let source = Source::open(&path, &mut sink).unwrap();
        assert!(matches!(source, Source::File { .. }));
        assert_eq!(source.document("manifest.json", 100).unwrap(), b" [1]");
        let (mut reader, size) = source.reader("d/link").unwrap();
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        assert_eq!((content.len(), size), (1024, 1024));

        std::fs::write(&path, &sample()[..1500]).unwrap();
        assert!(Source::open(&path, &mut sink).is_err());

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&sample()).unwrap();
        std::fs::write(&path, encoder.finish().unwrap()).unwrap();
        assert!(matches!(
            Source::open(&path, &mut sink).unwrap(),
            Source::Stream(_)
        ));

        std::fs::write(&path, "no archive at all, but long enough for one".repeat(100)).unwrap();
        assert!(Source::open(&path, &mut sink).is_err());
    }

    #[test]
    fn a_directory_lends_nothing_from_outside() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("d");
        std::fs::create_dir_all(directory.join("blobs")).unwrap();
        std::fs::write(parent.path().join("secret"), "secret").unwrap();
        std::fs::write(directory.join("inside"), "inside").unwrap();
        std::os::unix::fs::symlink("../secret", directory.join("out")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", directory.join("absolute")).unwrap();
        std::os::unix::fs::symlink("../inside", directory.join("blobs/in")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, directory.join("fifo"), Mode::RUSR).unwrap();
        let source = Source::open(&directory, &mut sink).unwrap();
        assert_eq!(source.document("blobs/in", 10).unwrap(), b"inside");
        for name in [
            "out",
            "absolute",
            "fifo",
            "blobs",
            "../secret",
            "/etc/passwd",
            "none",
        ] {
            assert!(source.document(name, 10_000).is_err(), "{name}");
        }
    }
}
