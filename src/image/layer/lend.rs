//! Layers that others read (`store::shared`), and what stands for them in a store of one's own.
//!
//! A layer that is shared has no owners, modes and attributes but in its split. Beside `tree/` it has the directory
//! `data-<seed>/` with each file that has content once more, named by the seed and the file's number in the tar.
//!
//! Who uses such layers makes a *stand-in* once: one tree of all layers together, with all their attributes and without
//! content. Overlayfs takes the content from *data-only* lowers, where `user.overlay.redirect` names it; in a user
//! namespace, and so with `userxattr`, it does that since Linux 6.16, and only for files of the undermost of the other
//! lowers. All data-only lowers are searched for a name, so seeds are random and names of one layer alone. They are short
//! because both attributes then fit into an inode of ext4, so that a file without content takes no block.

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::fs::{AtFlags, Dir, FileType, Mode, XattrFlags};
use rustix::io::Errno;

use super::attributes::{apply_attributes, is_opaque, open_readable, read_attributes};
use super::name::Escaped;
use super::parents::{Parents, open_directory};
use super::split::{Part, SplitReader};
use super::{Content, TREE, UnpackError, UnpackOptions, VERSION, extract, read_record, write_record};
use crate::base::digest::Digest;
use crate::store::layer::{Attributes, LayerRecord, LowerLink, Owners, Skipped};
use crate::store::staging::make_directory;

const REDIRECT: &str = "user.overlay.redirect";
const METACOPY: &str = "user.overlay.metacopy";
/// Of directories of content.
const DATA_MODE: Mode = Mode::from_raw_mode(0o755);
/// Where what is replaced goes, in the scratch directory.
const REPLACED: &str = "replaced";

/// Why what stands for layers cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LendError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("cannot read the shared layer: {0}")]
    Read(#[source] io::Error),
    #[error("cannot write the record: {0}")]
    Record(#[source] io::Error),
    #[error("it is not a layer for sharing")]
    NotShared,
    #[error("cannot lay {name} over the layers below: {source}")]
    Merge { name: Escaped, source: io::Error },
}

/// A seed for names of contents.
pub(super) fn new_seed() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("getrandom(2) works on every kernel we support");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The directory of content in a shared layer with this record.
pub fn data_directory(record: &LayerRecord) -> Result<String, LendError> {
    let seed = record.seed.as_ref().filter(|_| record.owners == Owners::Shared);
    // It becomes part of paths.
    let is_plain = |seed: &&String| {
        let bytes = seed.bytes();
        seed.len() == 11 && { bytes }.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    seed.filter(is_plain)
        .map(|seed| data_name(seed))
        .ok_or(LendError::NotShared)
}

fn data_name(seed: &str) -> String {
    format!("data-{seed}")
}

/// Where the content of a layer's files goes while it is unpacked.
pub(super) struct Place<'c> {
    content: &'c Content,
    /// What is offered to others gets its second name here.
    offered: Option<OwnedFd>,
    /// Files so far.
    files: u64,
}

impl<'c> Place<'c> {
    pub(super) fn new(layer: BorrowedFd<'_>, content: &'c Content) -> io::Result<Self> {
        let offered = match content {
            Content::Offered(seed) => {
                let data = make_directory(layer, &data_name(seed), Mode::RWXU)?;
                rustix::fs::fchmod(&data, DATA_MODE)?;
                Some(data)
            }
            Content::Kept | Content::Lent(_) => None,
        };
        Ok(Self {
            content,
            offered,
            files: 0,
        })
    }

    /// Whether no content is to be written.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.content, Content::Lent(_))
    }

    /// Does what the next file of the tar, open as `file` and `base` in `directory`, needs for its content. Called for
    /// each file, as they are numbered.
    pub(super) fn settle(
        &mut self,
        file: BorrowedFd<'_>,
        directory: BorrowedFd<'_>,
        base: &[u8],
        length: u64,
    ) -> Result<(), Errno> {
        let number = self.files;
        self.files += 1;
        match (self.content, &self.offered) {
            _ if length == 0 => Ok(()),
            (Content::Offered(seed), Some(data)) => {
                let name = format!("{seed}{number:x}");
                rustix::fs::linkat(directory, base, data, name, AtFlags::empty())
            }
            (Content::Lent(seed), _) => {
                let name = format!("/{seed}{number:x}");
                rustix::fs::fsetxattr(file, REDIRECT, name.as_bytes(), XattrFlags::empty())?;
                rustix::fs::fsetxattr(file, METACOPY, b"", XattrFlags::empty())
            }
            (Content::Kept | Content::Offered(_), _) => Ok(()),
        }
    }
}

/// Makes in the directory `staging` what stands for the shared layers in the directories `shared`, bottom first, of which
/// all together `identity` is the digest. `scratch` is an empty directory on the same file system, whose content is worth
/// nothing afterwards.
pub fn stand_in(
    shared: &[BorrowedFd<'_>],
    identity: Digest,
    staging: BorrowedFd<'_>,
    scratch: BorrowedFd<'_>,
    options: &UnpackOptions,
) -> Result<(), LendError> {
    let made = make_directory(scratch, REPLACED, Mode::RWXU);
    let mut merge = Merge {
        staging,
        replaced: made.map_err(|error| merge_error(b"", error))?,
        count: 0,
        root: None,
    };
    for (number, shared) in shared.iter().enumerate() {
        let theirs = read_record(shared.as_fd()).map_err(LendError::Read)?;
        data_directory(&theirs)?;
        let content = Content::Lent(theirs.seed.clone().unwrap_or_default());
        let outline = Outline::open(shared.as_fd(), options.max_bytes).map_err(LendError::Read)?;
        let part = make_directory(scratch, &number.to_string(), Mode::RWXU)
            .map_err(|error| merge_error(b"", error))?;
        let extracted = extract::extract(outline, part.as_fd(), options, &content)?;
        if number == 0 || extracted.hides_lower {
            merge.root = extracted.root;
            merge.bottom(part.as_fd())?;
        } else {
            merge.root = extracted.root.or(merge.root.take());
            let implied = extracted.implied.into_iter().map(|path| path.0).collect();
            merge.layer(part.as_fd(), &implied, &extracted.links_into_lower)?;
        }
    }
    let record = LayerRecord {
        version: VERSION,
        diff_id: identity,
        size: 0,
        content: 0,
        entries: 0,
        owners: options.owners,
        root: merge.root,
        hides_lower: false,
        implied: Vec::new(),
        links_into_lower: Vec::new(),
        skipped: Skipped::default(),
        seed: None,
        blobs: Vec::new(),
        other: serde_json::Map::new(),
    };
    write_record(staging, &record).map_err(LendError::Record)
}

/// One tree that becomes what overlayfs would show of several.
struct Merge<'a> {
    /// Holds the tree.
    staging: BorrowedFd<'a>,
    replaced: OwnedFd,
    count: u64,
    root: Option<Attributes>,
}

fn merge_error(path: &[u8], source: impl Into<io::Error>) -> LendError {
    LendError::Merge {
        name: Escaped::new(if path.is_empty() { b"/" } else { path }),
        source: source.into(),
    }
}

impl Merge<'_> {
    /// Begins with the tree of `part`; nothing shows of what is there already.
    fn bottom(&mut self, part: BorrowedFd<'_>) -> Result<(), LendError> {
        self.discard(self.staging, TREE.as_bytes())
            .and_then(|()| rustix::fs::renameat(part, TREE, self.staging, TREE))
            .map_err(|error| merge_error(b"", error))
    }

    /// Lays the tree of `part` over what is there.
    fn layer(
        &mut self,
        part: BorrowedFd<'_>,
        implied: &HashSet<Vec<u8>>,
        links: &[LowerLink],
    ) -> Result<(), LendError> {
        let open = |layer| open_directory(layer, TREE).map_err(|error| merge_error(b"", error));
        let mut below = Parents::new(open(self.staging)?);
        let mut above = Parents::new(open(part)?);
        for link in links {
            let (path, target) = (&link.path.0, &link.target.0);
            let (to, to_base) = above.place(path).map_err(|error| merge_error(path, error))?;
            let linked = below
                .place(target)
                .and_then(|(from, base)| rustix::fs::linkat(from, base, to, to_base, AtFlags::empty()));
            linked.map_err(|error| merge_error(path, error))?;
        }
        // Directories of both: what they get at the end, when nothing in them changes their times any more.
        let mut merged: Vec<(Vec<u8>, Attributes)> = Vec::new();
        let mut pending = vec![Vec::new()];
        while let Some(path) = pending.pop() {
            let in_error = |error: io::Error| merge_error(&path, error);
            let upper = open_readable(above.root(), &path).map_err(|error| merge_error(&path, error))?;
            let lower = open_readable(below.root(), &path).map_err(|error| merge_error(&path, error))?;
            let describes = match path.is_empty() {
                true => self.root.is_some(),
                false => !implied.contains(&path),
            };
            let attributes = match (describes, &self.root) {
                (true, Some(root)) if path.is_empty() => root.clone(),
                (true, _) => read_attributes(upper.as_fd()).map_err(in_error)?,
                (false, _) => read_attributes(lower.as_fd()).map_err(in_error)?,
            };
            if !path.is_empty() && is_opaque(upper.as_fd()).map_err(|error| merge_error(&path, error))? {
                let (to, base) = below.place(&path).map_err(|error| merge_error(&path, error))?;
                let (from, _) = above.place(&path).map_err(|error| merge_error(&path, error))?;
                self.discard(to, base)
                    .and_then(|()| rustix::fs::renameat(from, base, to, base))
                    .map_err(|error| merge_error(&path, error))?;
                below.forget(&path);
                above.forget(&path);
            } else {
                self.directory(upper.as_fd(), lower.as_fd(), &path, &mut pending)?;
                // Everything that was moved is reached by its new place.
                above.forget(&path);
                below.forget(&path);
            }
            merged.push((path, attributes));
        }
        // What is in a directory comes after it.
        for (path, attributes) in merged.iter().rev() {
            let applied = open_readable(below.root(), path)
                .map_err(io::Error::from)
                .and_then(|directory| apply_attributes(directory.as_fd(), attributes));
            applied.map_err(|error| merge_error(path, error))?;
        }
        Ok(())
    }

    /// Moves what is in the directory `upper` into `lower`; directories that both have are left to be done.
    fn directory(
        &mut self,
        upper: BorrowedFd<'_>,
        lower: BorrowedFd<'_>,
        path: &[u8],
        pending: &mut Vec<Vec<u8>>,
    ) -> Result<(), LendError> {
        let failed = |base: &[u8]| {
            let full = join(path, base);
            move |error: Errno| merge_error(&full, error)
        };
        // All of them first: a directory that changes while it is read may show an entry twice.
        let mut bases = Vec::new();
        for entry in Dir::read_from(upper).map_err(failed(b""))? {
            let base = entry.map_err(failed(b""))?.file_name().to_bytes().to_vec();
            if !matches!(base.as_slice(), b"." | b"..") {
                bases.push(base);
            }
        }
        for base in bases {
            let kind = kind_of(upper, &base).map_err(failed(&base))?;
            let there = match kind_of(lower, &base) {
                Ok(there) => Some(there),
                Err(Errno::NOENT) => None,
                Err(error) => return Err(failed(&base)(error)),
            };
            if (kind, there) == (Kind::Directory, Some(Kind::Directory)) {
                pending.push(join(path, &base));
                continue;
            }
            if there.is_some() {
                self.discard(lower, &base).map_err(failed(&base))?;
            }
            if kind != Kind::Whiteout {
                rustix::fs::renameat(upper, &base[..], lower, &base[..]).map_err(failed(&base))?;
            }
        }
        Ok(())
    }

    /// Takes something away, if it is there.
    fn discard(&mut self, directory: BorrowedFd<'_>, base: &[u8]) -> Result<(), Errno> {
        self.count += 1;
        let name = self.count.to_string();
        match rustix::fs::renameat(directory, base, &self.replaced, name) {
            Err(Errno::NOENT) => Ok(()),
            done => done,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    Whiteout,
    Other,
}

fn kind_of(directory: BorrowedFd<'_>, base: &[u8]) -> Result<Kind, Errno> {
    let status = rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => Kind::Directory,
        FileType::CharacterDevice if status.st_rdev == 0 => Kind::Whiteout,
        _ => Kind::Other,
    })
}

fn join(path: &[u8], base: &[u8]) -> Vec<u8> {
    match path {
        b"" => base.to_vec(),
        path => [path, b"/", base].concat(),
    }
}

/// The tar of a layer with zeros for all content that its split does not hold itself, so that no file is read.
struct Outline {
    split: SplitReader,
    raw: Vec<u8>,
    at: usize,
    zeros: u64,
    is_at_end: bool,
    /// So many bytes may still come.
    left: u64,
}

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

impl Outline {
    fn open(layer: BorrowedFd<'_>, limit: u64) -> io::Result<Self> {
        Ok(Self {
            split: SplitReader::open(layer)?,
            raw: Vec::new(),
            at: 0,
            zeros: 0,
            is_at_end: false,
            left: limit,
        })
    }

    /// Takes the next part.
    fn advance(&mut self) -> io::Result<()> {
        let size = match self.split.part()? {
            None => {
                self.is_at_end = true;
                return Ok(());
            }
            Some(Part::Raw(bytes)) => {
                self.raw.clear();
                self.raw.extend_from_slice(bytes);
                self.at = 0;
                bytes.len() as u64
            }
            Some(Part::File { size, .. } | Part::Displaced { size, .. }) => {
                self.zeros = size;
                size
            }
        };
        let left = self.left.checked_sub(size);
        self.left = left.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the layer is longer than layers may be",
            )
        })?;
        Ok(())
    }
}

impl BufRead for Outline {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.raw.len() && self.zeros == 0 && !self.is_at_end {
            self.advance()?;
        }
        if self.at < self.raw.len() {
            return Ok(&self.raw[self.at..]);
        }
        let length = usize::try_from(self.zeros).unwrap_or(usize::MAX);
        Ok(&ZEROS[..length.min(ZEROS.len())])
    }

    fn consume(&mut self, amount: usize) {
        if self.at < self.raw.len() {
            self.at += amount;
        } else {
            self.zeros -= amount as u64;
        }
    }
}

impl Read for Outline {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let slice = self.fill_buf()?;
        let length = slice.len().min(buffer.len());
        buffer[..length].copy_from_slice(&slice[..length]);
        self.consume(length);
        Ok(length)
    }
}
