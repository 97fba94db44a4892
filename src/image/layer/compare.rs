//! What differs between two stacks of layers: the core of `diff`.
//!
//! Both are walked together from `/`. A directory that the same layers make up on both sides is not entered, so two
//! images that share their lower layers cost no more than what lies above. Nothing is mounted, and links are followed
//! nowhere.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::{CAPABILITY, is_opaque, open_readable, read_attributes};
use super::chain::{Chain, Layer, alike};
use super::limits::PATH_BYTES;
use super::name::{self, Escaped};
use super::parents::open_beneath;
use crate::base::digest::Digest;

/// What has become of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Changed,
    Added,
    Deleted,
}

/// One path that differs, absolute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub kind: Kind,
    pub path: Vec<u8>,
}

/// Why two stacks could not be compared.
#[derive(Debug, thiserror::Error)]
#[error("cannot compare {path}: {source}")]
pub struct CompareError {
    path: Escaped,
    source: io::Error,
}

/// Layers over one another, with something to tell the same layer in two stacks by.
pub struct View {
    chain: Chain,
    identities: Vec<Digest>,
}

impl View {
    /// The files of the layers in these directories, bottom first.
    pub fn of_layers(layers: &[BorrowedFd<'_>]) -> io::Result<Self> {
        let mut view = Self {
            chain: Chain::open(layers)?,
            identities: Vec::new(),
        };
        for layer in &view.chain.layers {
            let identity = if layer.links.is_empty() {
                layer.diff_id
            } else {
                // What its links lead to depends on all layers below.
                let below: Vec<String> = view.identities.iter().map(Digest::hex).collect();
                Digest::of(format!("{} over {}", layer.diff_id, below.join(" ")).as_bytes())
            };
            view.identities.push(identity);
        }
        Ok(view)
    }

    /// Puts a tree on top that is no layer, such as what a container has written.
    pub fn cover(&mut self, tree: OwnedFd) -> io::Result<()> {
        let status = rustix::fs::fstat(&tree)?;
        let identity = Digest::of(format!("tree {}:{}", status.st_dev, status.st_ino).as_bytes());
        self.identities.push(identity);
        self.chain.layers.push(Layer {
            diff_id: identity,
            tree,
            implied: HashSet::new(),
            links: BTreeMap::new(),
        });
        Ok(())
    }

    /// All its layers, uppermost first.
    fn stack(&self) -> Vec<usize> {
        (0..self.chain.layers.len()).rev().collect()
    }

    /// What shows in the directory `path`, which these layers make up, uppermost first.
    fn children(&self, path: &[u8], stack: &[usize]) -> io::Result<BTreeMap<Vec<u8>, Node>> {
        let mut merged = Merged::default();
        for &number in stack {
            let layer = &self.chain.layers[number];
            let directory = match open_readable(layer.tree.as_fd(), path) {
                Ok(directory) => directory,
                // Removed meanwhile by the container whose files these are.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let linked = linked_names(layer, path);
            for name in &linked {
                merged.add(name, Entry::File, number);
            }
            for entry in Dir::read_from(&directory)? {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if !matches!(name, b"." | b"..") && !linked.contains(name) {
                    let kind = kind(directory.as_fd(), name, entry.file_type())?;
                    merged.add(name, kind, number);
                }
            }
            if is_opaque(directory.as_fd())? {
                break;
            }
        }
        Ok(merged.finish())
    }

    /// The layer that has the file's bytes, and the path there: a hard link into a lower layer is that file.
    fn place(&self, path: &[u8], number: usize) -> io::Result<Option<(usize, Vec<u8>)>> {
        match self.chain.layers[number].links.get(path) {
            Some(target) => self.chain.file(target, number),
            None => Ok(Some((number, path.to_vec()))),
        }
    }

    fn identities<'a>(&'a self, stack: &'a [usize]) -> impl Iterator<Item = Digest> + 'a {
        stack.iter().map(|number| self.identities[*number])
    }
}

/// Names in the directory `path` that are hard links into the layers below.
fn linked_names<'a>(layer: &'a Layer, path: &[u8]) -> HashSet<&'a [u8]> {
    let links = layer
        .links
        .range(path.to_vec()..)
        .map(|(link, _)| link.as_slice());
    links
        .take_while(|link| link.starts_with(path))
        .filter(|link| name::split(link).0 == path)
        .map(|link| name::split(link).1)
        .collect()
}

/// What one layer has under a name.
enum Entry {
    Directory,
    File,
    Whiteout,
}

fn kind(directory: BorrowedFd<'_>, name: &[u8], told: FileType) -> io::Result<Entry> {
    Ok(match told {
        FileType::Directory => Entry::Directory,
        FileType::CharacterDevice | FileType::Unknown => {
            match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => match FileType::from_raw_mode(status.st_mode) {
                    FileType::Directory => Entry::Directory,
                    FileType::CharacterDevice if status.st_rdev == 0 => Entry::Whiteout,
                    _ => Entry::File,
                },
                Err(Errno::NOENT) => Entry::File,
                Err(error) => return Err(error.into()),
            }
        }
        _ => Entry::File,
    })
}

/// What shows under a name: a file of one layer, or a directory that several make up, uppermost first.
#[derive(Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Directory(Vec<usize>),
}

/// The entries of one directory, gathered from the uppermost layer down.
#[derive(Default)]
struct Merged(BTreeMap<Vec<u8>, Gathered>);

/// `node` is none for what a whiteout hides. Once it is closed, lower layers do not show.
struct Gathered {
    node: Option<Node>,
    closed: bool,
}

impl Merged {
    fn add(&mut self, name: &[u8], entry: Entry, number: usize) {
        if let Some(gathered) = self.0.get_mut(name) {
            match (entry, &mut gathered.node) {
                (Entry::Directory, Some(Node::Directory(stack))) if !gathered.closed => stack.push(number),
                _ => gathered.closed = true,
            }
            return;
        }
        let (node, closed) = match entry {
            Entry::Directory => (Some(Node::Directory(vec![number])), false),
            Entry::File => (Some(Node::File(number)), true),
            Entry::Whiteout => (None, true),
        };
        self.0.insert(name.to_vec(), Gathered { node, closed });
    }

    fn finish(self) -> BTreeMap<Vec<u8>, Node> {
        let nodes = self.0.into_iter();
        nodes
            .filter_map(|(name, gathered)| Some((name, gathered.node?)))
            .collect()
    }
}

/// What `to` has otherwise than `from`. The directories above a change are changed as well; below a directory that is
/// gone nothing is told. Directories come before what is in them. `/` itself is never told of, nor are times of
/// directories, which any change in them brings about. What `is_told` says no to is left out.
pub fn compare(from: &View, to: &View, is_told: &dyn Fn(&[u8]) -> bool) -> Result<Vec<Change>, CompareError> {
    let mut comparison = Comparison {
        from,
        to,
        is_told,
        found: BTreeMap::new(),
        pending: vec![(Vec::new(), from.stack(), to.stack())],
    };
    while let Some((path, one, other)) = comparison.pending.pop() {
        if let Err(source) = comparison.directory(&path, &one, &other) {
            let path = Escaped::new(&absolute(&path));
            return Err(CompareError { path, source });
        }
    }
    Ok(comparison.finish())
}

struct Comparison<'a> {
    from: &'a View,
    to: &'a View,
    is_told: &'a dyn Fn(&[u8]) -> bool,
    found: BTreeMap<Vec<u8>, Kind>,
    /// Directories to be looked into, with the layers that make them up on either side.
    pending: Vec<(Vec<u8>, Vec<usize>, Vec<usize>)>,
}

impl Comparison<'_> {
    fn directory(&mut self, path: &[u8], one: &[usize], other: &[usize]) -> io::Result<()> {
        if self.from.identities(one).eq(self.to.identities(other)) {
            return Ok(());
        }
        let mut before = self.from.children(path, one)?;
        for (name, after) in self.to.children(path, other)? {
            let child = join(path, &name)?;
            match (before.remove(&name), after) {
                (None, Node::File(_)) => self.note(child, Kind::Added),
                (None, Node::Directory(stack)) => {
                    self.note(child.clone(), Kind::Added);
                    self.pending.push((child, Vec::new(), stack));
                }
                (Some(Node::File(_)), Node::Directory(stack)) => {
                    self.note(child.clone(), Kind::Changed);
                    self.pending.push((child, Vec::new(), stack));
                }
                (Some(Node::Directory(_)), Node::File(_)) => self.note(child, Kind::Changed),
                (Some(Node::File(one)), Node::File(other)) => {
                    if !self.is_same_file(&child, one, other)? {
                        self.note(child, Kind::Changed);
                    }
                }
                (Some(Node::Directory(one)), Node::Directory(other)) => {
                    if !self.is_same_directory(&child, &one, &other)? {
                        self.note(child.clone(), Kind::Changed);
                    }
                    self.pending.push((child, one, other));
                }
            }
        }
        for name in before.into_keys() {
            self.note(join(path, &name)?, Kind::Deleted);
        }
        Ok(())
    }

    fn note(&mut self, path: Vec<u8>, kind: Kind) {
        if !(self.is_told)(&absolute(&path)) {
            return;
        }
        for directory in name::ancestors(&path) {
            if !self.found.contains_key(directory) {
                self.found.insert(directory.to_vec(), Kind::Changed);
            }
        }
        self.found.insert(path, kind);
    }

    fn is_same_directory(&self, path: &[u8], one: &[usize], other: &[usize]) -> io::Result<bool> {
        if self.from.identities(one).eq(self.to.identities(other)) {
            return Ok(true);
        }
        let (Some((one, _)), Some((other, _))) =
            (self.from.chain.describing(path)?, self.to.chain.describing(path)?)
        else {
            return Ok(true);
        };
        Ok(self.from.identities[one] == self.to.identities[other]
            || alike(
                &self.from.chain.layers[one].attributes(path)?,
                &self.to.chain.layers[other].attributes(path)?,
            ))
    }

    fn is_same_file(&self, path: &[u8], one: usize, other: usize) -> io::Result<bool> {
        if self.from.identities[one] == self.to.identities[other] {
            return Ok(true);
        }
        let (Some((one, from_path)), Some((other, to_path))) =
            (self.from.place(path, one)?, self.to.place(path, other)?)
        else {
            return Ok(false);
        };
        if self.from.identities[one] == self.to.identities[other] && from_path == to_path {
            return Ok(true);
        }
        let one = File::find(&self.from.chain.layers[one], &from_path);
        let other = File::find(&self.to.chain.layers[other], &to_path);
        match (one, other) {
            (Ok(one), Ok(other)) => one.is_same(&other),
            // Replaced or removed meanwhile.
            (Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP), _)
            | (_, Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => Ok(false),
            (Err(error), _) | (_, Err(error)) => Err(error.into()),
        }
    }

    /// In the order of a walk: a directory, what is in it, its next neighbour.
    fn finish(self) -> Vec<Change> {
        let mut changes: Vec<Change> = self
            .found
            .into_iter()
            .map(|(path, kind)| Change {
                kind,
                path: absolute(&path),
            })
            .collect();
        let slash = |byte: &u8| *byte == b'/';
        changes.sort_by(|one, other| one.path.split(slash).cmp(other.path.split(slash)));
        changes
    }
}

fn absolute(path: &[u8]) -> Vec<u8> {
    [b"/", path].concat()
}

fn join(path: &[u8], name: &[u8]) -> io::Result<Vec<u8>> {
    let mut joined = path.to_vec();
    if !path.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    // The kernel resolves no longer ones; a container can make them all the same.
    if joined.len() > PATH_BYTES {
        return Err(Errno::NAMETOOLONG.into());
    }
    Ok(joined)
}

/// A file that is no directory, in one layer.
struct File<'p> {
    directory: OwnedFd,
    base: &'p [u8],
    status: Stat,
}

impl<'p> File<'p> {
    fn find(layer: &Layer, path: &'p [u8]) -> Result<Self, Errno> {
        let (above, base) = name::split(path);
        let directory = open_beneath(layer.tree.as_fd(), above, OFlags::PATH | OFlags::DIRECTORY)?;
        let status = rustix::fs::statat(&directory, base, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Self {
            directory,
            base,
            status,
        })
    }

    fn is_same(&self, other: &Self) -> io::Result<bool> {
        let described = |status: &Stat| {
            (
                (status.st_mode, status.st_uid, status.st_gid, status.st_rdev),
                (status.st_size, status.st_mtime, status.st_mtime_nsec),
            )
        };
        if (self.status.st_dev, self.status.st_ino) == (other.status.st_dev, other.status.st_ino) {
            return Ok(true);
        }
        if described(&self.status) != described(&other.status) {
            return Ok(false);
        }
        match FileType::from_raw_mode(self.status.st_mode) {
            FileType::RegularFile => self.has_same_content(other),
            FileType::Symlink => Ok(self.target()? == other.target()?),
            _ => Ok(true),
        }
    }

    fn target(&self) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.directory, self.base, Vec::new())?.into_bytes())
    }

    /// Builds set times to one value, so that files of one size and time may well differ.
    fn has_same_content(&self, other: &Self) -> io::Result<bool> {
        let (one, other) = (self.open()?, other.open()?);
        if read_attributes(one.as_fd())?.xattrs != read_attributes(other.as_fd())?.xattrs
            || capability(one.as_fd())? != capability(other.as_fd())?
        {
            return Ok(false);
        }
        let (mut one_bytes, mut other_bytes) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut offset = 0;
        loop {
            let length = read_at(one.as_fd(), &mut one_bytes, offset)?;
            let other_length = read_at(other.as_fd(), &mut other_bytes, offset)?;
            if one_bytes[..length] != other_bytes[..other_length] {
                return Ok(false);
            }
            if length == 0 {
                return Ok(true);
            }
            offset += length as u64;
        }
    }

    /// Opening cannot block, whatever has taken the file's place meanwhile.
    fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        Ok(open_beneath(self.directory.as_fd(), self.base, flags)?)
    }
}

fn capability(file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut value = vec![0; 64];
    match rustix::fs::fgetxattr(file, CAPABILITY, &mut value[..]) {
        Ok(length) => value.truncate(length),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => value.clear(),
        Err(error) => return Err(error.into()),
    }
    Ok(value)
}

/// Fills `buffer`, but for the end of the file.
fn read_at(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}
