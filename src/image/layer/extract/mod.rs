//! From entries to files.
//!
//! Here: which entry means what. `locate` finds its place, `make` makes the file, `finish` does what has to wait for
//! the end of the tar.

mod finish;
mod locate;
mod make;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;

use super::attributes::{self, CAPABILITY};
use super::lend::Place;
use super::name::{self, Escaped, Meaning};
use super::parents::{self, Parents};
use super::reader::{Entry, Kind, Reader};
use super::split::SplitWriter;
use super::{Content, Refusal, TREE, UnpackError, UnpackOptions, limits};
use crate::store::layer::{Attributes, LowerLink, Owners, PathBytes, Skipped};

/// What unpacking found out.
pub struct Extracted {
    pub content: u64,
    pub entries: u64,
    pub root: Option<Attributes>,
    pub hides_lower: bool,
    pub implied: Vec<PathBytes>,
    pub links_into_lower: Vec<LowerLink>,
    pub skipped: Skipped,
}

/// Unpacks the tar `source` into `tree` and `split` in `layer`.
pub fn extract(
    source: impl BufRead,
    layer: BorrowedFd<'_>,
    options: &UnpackOptions,
    content: &Content,
) -> Result<Extracted, UnpackError> {
    let failed = |what| move |source: io::Error| UnpackError::Write { what, source };
    let split = SplitWriter::new(layer).map_err(failed("the split"))?;
    let root = make_tree(layer).map_err(failed("the tree"))?;
    let mut reader = Reader::new(source, split);
    let place = Place::new(layer, content).map_err(failed("the directory of content"))?;
    let mut extractor = Extractor::new(root, options, place);
    while let Some(entry) = reader.entry()? {
        extractor.entry(entry, &mut reader)?;
    }
    match options.owners {
        // It is not mounted, so that it hides nothing.
        Owners::Shared => extractor.hides_lower = extractor.opaque.contains(&b""[..]),
        Owners::AsWritten | Owners::Single => extractor.hide()?,
    }
    extractor.finish_directories()?;
    reader.recorder.finish().map_err(failed("the split"))?;
    Ok(extractor.extracted())
}

/// Makes `tree`, closed to others and without a group that would pass on to the files in it.
fn make_tree(layer: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    rustix::fs::mkdirat(layer, TREE, Mode::RWXU)?;
    let root = attributes::open_readable(layer, TREE.as_bytes())?;
    let gid = Gid::from_raw(rustix::process::getegid().as_raw());
    rustix::fs::fchown(&root, None, Some(gid))?;
    rustix::fs::fchmod(&root, Mode::RWXU)?;
    parents::open_directory(layer, TREE)
}

type Source<'a, R> = Reader<R, SplitWriter<'a>>;

/// What else stands in a tree that has no file for it.
enum Absent {
    /// A hard link to this path of a lower layer.
    Link(Vec<u8>),
    /// A device node we may not make.
    Device,
}

struct Extractor<'o> {
    tree: Parents,
    options: &'o UnpackOptions,
    place: Place<'o>,
    /// Whether files we make belong to 0:0 without being given.
    is_root: bool,
    /// Directories of the tree with their attributes, `None` when only implied.
    directories: BTreeMap<Vec<u8>, Option<Attributes>>,
    absent: BTreeMap<Vec<u8>, Absent>,
    whiteouts: BTreeSet<Vec<u8>>,
    opaque: BTreeSet<Vec<u8>>,
    root: Option<Attributes>,
    hides_lower: bool,
    /// Bytes of paths in the collections above.
    held: usize,
    entries: u64,
    content: u64,
    skipped: Skipped,
}

fn refused(name: &[u8], reason: impl Into<Refusal>) -> UnpackError {
    UnpackError::Refused {
        name: Escaped::new(name),
        reason: reason.into(),
    }
}

/// An error of the system while `action` was done to `name`.
fn failed<E: Into<io::Error>>(action: &'static str, name: &[u8]) -> impl FnOnce(E) -> UnpackError {
    let name = Escaped::new(name);
    move |error| UnpackError::Entry {
        action,
        name,
        source: error.into(),
    }
}

impl<'o> Extractor<'o> {
    fn new(root: OwnedFd, options: &'o UnpackOptions, place: Place<'o>) -> Self {
        Self {
            tree: Parents::new(root),
            options,
            place,
            is_root: rustix::process::geteuid().is_root() && rustix::process::getegid().is_root(),
            directories: BTreeMap::new(),
            absent: BTreeMap::new(),
            whiteouts: BTreeSet::new(),
            opaque: BTreeSet::new(),
            root: None,
            hides_lower: false,
            held: 0,
            entries: 0,
            content: 0,
            skipped: Skipped::default(),
        }
    }

    fn entry<R: BufRead>(&mut self, mut entry: Entry, source: &mut Source<'_, R>) -> Result<(), UnpackError> {
        self.count_entry()?;
        let mut path = Vec::with_capacity(entry.name.len());
        name::normalise(&entry.name, &mut path).map_err(|bad| refused(&entry.name, bad))?;
        let is_plain = matches!(entry.kind, Kind::File | Kind::HardLink);
        match name::meaning(&path).map_err(|bad| refused(&entry.name, bad))? {
            Meaning::Content => {}
            Meaning::Ignored => return Ok(()),
            // The oldest builders wrote whiteouts as hard links to one another.
            _ if !is_plain => return Err(refused(&entry.name, Refusal::WhiteoutKind)),
            Meaning::Opaque { directory } => {
                self.hold(directory)?;
                self.opaque.insert(directory.to_vec());
                return Ok(());
            }
            Meaning::Whiteout { directory, name } => {
                let hidden = join(directory, name);
                self.hold(&hidden)?;
                self.whiteouts.insert(hidden);
                return Ok(());
            }
        }
        self.skipped.xattrs += entry.dropped_xattrs;
        check_capability(&mut entry, &mut self.skipped)?;
        if path.is_empty() {
            if entry.kind != Kind::Directory {
                return Err(refused(&entry.name, Refusal::Root));
            }
            self.root = Some(attributes_of(entry));
            return Ok(());
        }
        let path = self.locate(&path, &entry.name)?;
        match entry.kind {
            Kind::Directory => self.directory(&path, entry, &mut source.recorder),
            Kind::File => self.file(&path, &entry, source),
            Kind::Symlink => self.symlink(&path, &entry, &mut source.recorder),
            Kind::HardLink => self.hard_link(&path, &entry, &mut source.recorder),
            Kind::Character | Kind::Block | Kind::Fifo => self.node(&path, &entry, &mut source.recorder),
        }
    }

    fn count_entry(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.options.max_entries {
            return Err(UnpackError::Entries(self.options.max_entries));
        }
        Ok(())
    }

    /// Accounts for a path that stays in memory.
    fn hold(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        // The path, and about what a node of a tree map takes beside it.
        self.held += path.len() + 64;
        if self.held > limits::HELD_BYTES {
            return Err(UnpackError::Names(limits::HELD_BYTES));
        }
        Ok(())
    }

    fn extracted(self) -> Extracted {
        let implied = self
            .directories
            .into_iter()
            .filter(|(_, attributes)| attributes.is_none());
        let links = self.absent.into_iter().filter_map(|(path, absent)| match absent {
            Absent::Link(target) => Some(LowerLink {
                path: PathBytes(path),
                target: PathBytes(target),
            }),
            Absent::Device => None,
        });
        Extracted {
            content: self.content,
            entries: self.entries,
            root: self.root,
            hides_lower: self.hides_lower,
            implied: implied.map(|(path, _)| PathBytes(path)).collect(),
            links_into_lower: links.collect(),
            skipped: self.skipped,
        }
    }
}

/// Gives a file its owner by `chown`, as far as `owners` wants it.
fn own(
    owners: Owners,
    is_root: bool,
    uid: u32,
    gid: u32,
    name: &[u8],
    chown: impl Fn(Option<Uid>, Option<Gid>) -> Result<(), Errno>,
) -> Result<(), UnpackError> {
    if owners != Owners::AsWritten || is_root && uid == 0 && gid == 0 {
        return Ok(());
    }
    let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    match chown(user, group) {
        Err(Errno::INVAL) => {
            let what = if chown(user, None) == Err(Errno::INVAL) {
                ("uid", uid)
            } else {
                ("gid", gid)
            };
            Err(UnpackError::Unmapped {
                name: Escaped::new(name),
                what: what.0,
                id: what.1,
            })
        }
        done => done.map_err(failed("set the owner of", name)),
    }
}

/// File capabilities must be well formed and those of our own root user.
fn check_capability(entry: &mut Entry, skipped: &mut Skipped) -> Result<(), UnpackError> {
    let Some(position) = entry.xattrs.iter().position(|(name, _)| name == CAPABILITY) else {
        return Ok(());
    };
    let value = &entry.xattrs[position].1;
    let revision = value.get(3).copied();
    match (revision, value.len()) {
        (Some(1), 12) | (Some(2), 20) => {}
        (Some(3), 24) if value[20..] == [0; 4] => {}
        _ => return Err(refused(&entry.name, Refusal::Capability)),
    }
    if entry.kind != Kind::File {
        entry.xattrs.remove(position);
        skipped.xattrs += 1;
    }
    Ok(())
}

fn attributes_of(entry: Entry) -> Attributes {
    Attributes {
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        xattrs: entry
            .xattrs
            .into_iter()
            .map(|(name, value)| (PathBytes(name), PathBytes(value)))
            .collect(),
    }
}

fn join(directory: &[u8], base: &[u8]) -> Vec<u8> {
    match directory {
        b"" => base.to_vec(),
        _ => [directory, b"/", base].concat(),
    }
}
