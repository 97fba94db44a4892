//! From entries to files.
//!
//! Order matters in three places. Files get their owner before their mode (chown clears set-uid) and before their
//! capabilities (writing and chown clear them). Directories get everything at the end, innermost first, because a
//! file made in them changes their time and their mode may forbid making one. Whiteouts come after all content,
//! because they speak of the layers below only: wherever they stand in the tar, content of the same tar stays.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::ops::Bound;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::attributes::{self, CAPABILITY, OPAQUE, change_mode, set_xattr, timestamps};
use super::name::{self, Escaped, Meaning};
use super::parents::{self, Parents};
use super::reader::{Entry, Kind, PayloadError, Reader};
use super::split::SplitWriter;
use super::{Refusal, TREE, UnpackError, UnpackOptions, limits, remove};
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
) -> Result<Extracted, UnpackError> {
    let failed = |what| move |source: io::Error| UnpackError::Write { what, source };
    let split = SplitWriter::new(layer).map_err(failed("the split"))?;
    let root = make_tree(layer).map_err(failed("the tree"))?;
    let mut reader = Reader::new(source, split);
    let mut extractor = Extractor::new(root, options);
    while let Some(entry) = reader.entry()? {
        extractor.entry(entry, &mut reader)?;
    }
    extractor.hide()?;
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
    fn new(root: OwnedFd, options: &'o UnpackOptions) -> Self {
        Self {
            tree: Parents::new(root),
            options,
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

    /// The path in the tree that `path` names, without links on the way, its directories made.
    ///
    /// A tar may go through a link that it made itself; it gets what a process in this root would, and stays in it.
    fn locate<'p>(&mut self, path: &'p [u8], written: &[u8]) -> Result<Cow<'p, [u8]>, UnpackError> {
        let (directory, base) = name::split(path);
        match self.tree.get(directory) {
            Ok(_) => Ok(Cow::Borrowed(path)),
            Err(Errno::NOENT) => {
                self.imply(directory, written)?;
                Ok(Cow::Borrowed(path))
            }
            Err(Errno::LOOP) => {
                let real = self.resolve(directory, written)?;
                self.imply(&real, written)?;
                let path = join(&real, base);
                let mut checked = Vec::new();
                name::normalise(&path, &mut checked).map_err(|bad| refused(written, bad))?;
                Ok(Cow::Owned(path))
            }
            Err(Errno::NOTDIR) => Err(refused(written, Refusal::NotADirectory)),
            Err(error) => Err(failed("open the directory of", written)(error)),
        }
    }

    /// Follows the links in `directory` within the tree. What does not exist yet stays as it is written.
    fn resolve(&mut self, directory: &[u8], written: &[u8]) -> Result<Vec<u8>, UnpackError> {
        let mut todo: Vec<Vec<u8>> = components(directory).rev().collect();
        let mut path = Vec::new();
        let mut links = 0;
        while let Some(component) = todo.pop() {
            if component == b".." {
                path.truncate(name::split(&path).0.len());
                continue;
            }
            let next = join(&path, &component);
            let target = self.tree.place(&next).and_then(|(parent, base)| {
                let stat = rustix::fs::statat(parent, base, AtFlags::SYMLINK_NOFOLLOW)?;
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Symlink => rustix::fs::readlinkat(parent, base, Vec::new()).map(Some),
                    _ => Ok(None),
                }
            });
            match target {
                Ok(None) | Err(Errno::NOENT) => path = next,
                Ok(Some(target)) => {
                    links += 1;
                    if links > limits::LINKS || todo.len() > limits::DEPTH * 4 {
                        return Err(refused(written, Refusal::Links));
                    }
                    let target = target.to_bytes();
                    if target.starts_with(b"/") {
                        path.clear();
                    }
                    todo.extend(components(target).rev());
                }
                Err(Errno::NOTDIR) => return Err(refused(written, Refusal::NotADirectory)),
                Err(error) => return Err(failed("follow the links of", written)(error)),
            }
        }
        let mut checked = Vec::new();
        if !path.is_empty() {
            name::normalise(&path, &mut checked).map_err(|bad| refused(written, bad))?;
        }
        Ok(path)
    }

    /// Makes `directory` and those above it where they are missing.
    fn imply(&mut self, directory: &[u8], written: &[u8]) -> Result<(), UnpackError> {
        for path in name::ancestors(directory).chain([directory]) {
            match self.tree.get(path) {
                Ok(_) => continue,
                Err(Errno::NOENT) => {}
                Err(Errno::NOTDIR) => return Err(refused(written, Refusal::NotADirectory)),
                Err(error) => return Err(failed("open the directory of", written)(error)),
            }
            self.count_entry()?;
            self.hold(path)?;
            let made = self
                .tree
                .place(path)
                .and_then(|(parent, base)| rustix::fs::mkdirat(parent, base, Mode::RWXU));
            made.map_err(failed("make the directory of", written))?;
            self.absent.remove(path);
            self.directories.insert(path.to_vec(), None);
        }
        Ok(())
    }

    /// Makes something at `path`, in place of what is there.
    fn replace<T>(
        &mut self,
        path: &[u8],
        split: &mut SplitWriter<'_>,
        mut make: impl FnMut(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> io::Result<T> {
        self.absent.remove(path);
        let (directory, base) = self.tree.place(path)?;
        match make(directory, base) {
            Err(Errno::EXIST) => {}
            done => return Ok(done?),
        }
        self.clear(path, split)?;
        let (directory, base) = self.tree.place(path)?;
        Ok(make(directory, base)?)
    }

    /// Removes `path` and all that is known of it.
    fn clear(&mut self, path: &[u8], split: &mut SplitWriter<'_>) -> io::Result<()> {
        remove::remove(&mut self.tree, split, path)?;
        if self.directories.remove(path).is_some() {
            remove_below(&mut self.directories, path);
            remove_below(&mut self.absent, path);
        }
        Ok(())
    }

    fn directory(
        &mut self,
        path: &[u8],
        entry: Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
        let exists = self.tree.place(path).and_then(|(directory, base)| {
            match rustix::fs::mkdirat(directory, base, Mode::RWXU) {
                Err(Errno::EXIST) => rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW).map(Some),
                done => done.map(|()| None),
            }
        });
        let is_file = |stat: &Stat| !FileType::from_raw_mode(stat.st_mode).is_dir();
        if exists
            .map_err(failed("make directory", &entry.name))?
            .as_ref()
            .is_some_and(is_file)
        {
            self.replace(path, split, |directory, base| {
                rustix::fs::mkdirat(directory, base, Mode::RWXU)
            })
            .map_err(failed("make directory", &entry.name))?;
        }
        self.absent.remove(path);
        if self
            .directories
            .insert(path.to_vec(), Some(attributes_of(entry)))
            .is_none()
        {
            self.hold(path)?;
        }
        Ok(())
    }

    fn file<R: BufRead>(
        &mut self,
        path: &[u8],
        entry: &Entry,
        source: &mut Source<'_, R>,
    ) -> Result<(), UnpackError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |directory: BorrowedFd<'_>, base: &[u8]| {
            rustix::fs::openat(directory, base, flags, Mode::RUSR | Mode::WUSR)
        };
        let file = self
            .replace(path, &mut source.recorder, open)
            .map_err(failed("make", &entry.name))?;
        self.content += source.remaining();
        let written = match &entry.segments {
            None => write_plain(&file, path, source),
            Some(segments) => {
                let inode = rustix::fs::fstat(&file)
                    .map_err(failed("make", &entry.name))?
                    .st_ino;
                source.recorder.not_recorded(inode);
                rustix::fs::ftruncate(&file, entry.length).map_err(failed("make", &entry.name))?;
                segments.iter().try_for_each(|segment| {
                    let mut offset = segment.offset;
                    source.payload(segment.length, true, |slice| {
                        write_all_at(&file, slice, offset)?;
                        offset += slice.len() as u64;
                        Ok(())
                    })
                })
            }
        };
        written.map_err(|error| match error {
            PayloadError::Tar(error) => error.into(),
            PayloadError::Sink(error) => failed("write", &entry.name)(error),
        })?;
        let fd = file.as_fd();
        own(
            self.options.owners,
            self.is_root,
            entry.uid,
            entry.gid,
            &entry.name,
            |uid, gid| rustix::fs::fchown(fd, uid, gid),
        )?;
        self.set_xattrs(fd, &entry.xattrs, &entry.name)?;
        rustix::fs::fchmod(fd, Mode::from_raw_mode(entry.mode))
            .map_err(failed("set the mode of", &entry.name))?;
        rustix::fs::futimens(fd, &timestamps(entry.mtime)).map_err(failed("set the time of", &entry.name))
    }

    fn symlink(
        &mut self,
        path: &[u8],
        entry: &Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
        if entry.link.is_empty() {
            return Err(refused(&entry.name, Refusal::NoTarget));
        }
        let target = entry.link.as_slice();
        self.replace(path, split, |directory, base| {
            rustix::fs::symlinkat(target, directory, base)
        })
        .map_err(failed("make symbolic link", &entry.name))?;
        self.skipped.xattrs += entry.xattrs.len() as u64;
        self.finish_node(path, entry)
    }

    /// Devices and pipes.
    fn node(&mut self, path: &[u8], entry: &Entry, split: &mut SplitWriter<'_>) -> Result<(), UnpackError> {
        let kind = match entry.kind {
            Kind::Character if entry.device == (0, 0) => {
                return Err(refused(&entry.name, Refusal::WhiteoutDevice));
            }
            Kind::Character => FileType::CharacterDevice,
            Kind::Block => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        let device = match entry.kind {
            Kind::Fifo => 0,
            _ => rustix::fs::makedev(entry.device.0, entry.device.1),
        };
        self.skipped.xattrs += entry.xattrs.len() as u64;
        let made = self.replace(path, split, |directory, base| {
            rustix::fs::mknodat(directory, base, kind, Mode::RUSR | Mode::WUSR, device)
        });
        match made {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && entry.kind != Kind::Fifo => {
                // The refusal may have come before the name was looked at.
                self.clear_if_there(path, split)
                    .map_err(failed("replace", &entry.name))?;
                self.skipped.devices += 1;
                self.hold(path)?;
                self.absent.insert(path.to_vec(), Absent::Device);
                return Ok(());
            }
            made => made.map_err(failed("make special file", &entry.name))?,
        }
        self.finish_node(path, entry)?;
        let (directory, base) = self
            .tree
            .place(path)
            .map_err(failed("set the mode of", &entry.name))?;
        change_mode(directory, base, entry.mode).map_err(failed("set the mode of", &entry.name))
    }

    fn clear_if_there(&mut self, path: &[u8], split: &mut SplitWriter<'_>) -> io::Result<()> {
        match self.clear(path, split) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Owner and time of what cannot be opened.
    fn finish_node(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let (owners, is_root) = (self.options.owners, self.is_root);
        let (fd, base) = self
            .tree
            .place(path)
            .map_err(failed("open the directory of", &entry.name))?;
        own(owners, is_root, entry.uid, entry.gid, &entry.name, |uid, gid| {
            rustix::fs::chownat(fd, base, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        })?;
        rustix::fs::utimensat(fd, base, &timestamps(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("set the time of", &entry.name))
    }

    fn hard_link(
        &mut self,
        path: &[u8],
        entry: &Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
        let mut target = Vec::new();
        name::normalise(&entry.link, &mut target).map_err(|bad| match bad {
            name::BadName::Empty => refused(&entry.name, Refusal::NoTarget),
            bad => refused(&entry.link, bad),
        })?;
        if target.is_empty() {
            return Err(refused(&entry.name, Refusal::LinkToDirectory));
        }
        if !matches!(name::meaning(&target), Ok(Meaning::Content)) {
            return Err(refused(&entry.name, Refusal::LinkToWhiteout));
        }
        if name::within(path, &target) || name::within(&target, path) {
            return Err(refused(&entry.name, Refusal::LinkToItself));
        }
        let (target_directory, target_base) = name::split(&target);
        let directory = name::split(path).0;
        let found = self
            .tree
            .get(target_directory)
            .and_then(|fd| rustix::fs::statat(fd, target_base, AtFlags::SYMLINK_NOFOLLOW));
        match found {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => {
                return Err(refused(&entry.name, Refusal::LinkToDirectory));
            }
            Ok(_) => {}
            Err(Errno::NOENT) => return self.lower_link(path, target, split, entry),
            Err(Errno::LOOP) => return Err(refused(&entry.name, Refusal::LinkThroughLink)),
            Err(Errno::NOTDIR) => return Err(refused(&entry.name, Refusal::NotADirectory)),
            Err(error) => return Err(failed("find the target of hard link", &entry.name)(error)),
        }
        let base = name::split(path).1;
        let link = |tree: &mut Parents| {
            let (from, to) = tree.pair(target_directory, directory)?;
            rustix::fs::linkat(from, target_base, to, base, AtFlags::empty())
        };
        self.absent.remove(path);
        let linked = match link(&mut self.tree) {
            Err(Errno::EXIST) => self.clear(path, split).and_then(|()| Ok(link(&mut self.tree)?)),
            done => done.map_err(Into::into),
        };
        linked.map_err(failed("make hard link", &entry.name))
    }

    /// A hard link whose target this layer does not have.
    fn lower_link(
        &mut self,
        path: &[u8],
        target: Vec<u8>,
        split: &mut SplitWriter<'_>,
        entry: &Entry,
    ) -> Result<(), UnpackError> {
        let absent = match self.absent.get(&target) {
            Some(Absent::Device) => {
                self.skipped.devices += 1;
                Absent::Device
            }
            Some(Absent::Link(target)) => Absent::Link(target.clone()),
            None => Absent::Link(target),
        };
        self.clear_if_there(path, split)
            .map_err(failed("replace", &entry.name))?;
        self.hold(path)?;
        self.hold(&entry.link)?;
        self.absent.insert(path.to_vec(), absent);
        Ok(())
    }

    fn set_xattrs(
        &mut self,
        fd: BorrowedFd<'_>,
        xattrs: &[(Vec<u8>, Vec<u8>)],
        name: &[u8],
    ) -> Result<(), UnpackError> {
        for (key, value) in xattrs {
            if !set_xattr(fd, key, value).map_err(failed("set an extended attribute of", name))? {
                self.skipped.xattrs += 1;
            }
        }
        Ok(())
    }

    /// Makes whiteouts and marks opaque directories.
    fn hide(&mut self) -> Result<(), UnpackError> {
        // In order of their names, so that a directory is hidden before what is in it.
        for path in std::mem::take(&mut self.whiteouts) {
            if name::ancestors(&path).any(|directory| self.opaque.contains(directory)) {
                continue;
            }
            self.whiteout(&path)?;
        }
        for path in std::mem::take(&mut self.opaque) {
            if path.is_empty() {
                // Overlayfs does not look for the mark on a root; whoever mounts leaves out what is below.
                self.hides_lower = true;
                continue;
            }
            match self.locate(&join(&path, b"."), &path) {
                Err(UnpackError::Refused {
                    reason: Refusal::NotADirectory,
                    ..
                }) => continue,
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            self.mark_opaque(&path)?;
        }
        Ok(())
    }

    fn whiteout(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        let path = match self.locate(path, path) {
            // What stands in the way hides all below it already.
            Err(UnpackError::Refused {
                reason: Refusal::NotADirectory,
                ..
            }) => return Ok(()),
            located => located?,
        };
        if self.absent.contains_key(&*path) {
            return Ok(());
        }
        let (directory, base) = self.tree.place(&path).map_err(failed("hide", &path))?;
        match rustix::fs::mknodat(directory, base, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => {
                let stat = rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW);
                let stat = stat.map_err(failed("hide", &path))?;
                if FileType::from_raw_mode(stat.st_mode).is_dir() {
                    self.opaque.insert(path.to_vec());
                    // It has nothing to do with the one below, even if no entry describes it.
                    if let Some(attributes) = self.directories.get_mut(&*path) {
                        attributes.get_or_insert_default();
                    }
                }
                Ok(())
            }
            Err(error) => Err(failed("hide", &path)(error)),
        }
    }

    fn mark_opaque(&self, path: &[u8]) -> Result<(), UnpackError> {
        let fd = attributes::open_readable(self.tree.root(), path).map_err(failed("open directory", path))?;
        match set_xattr(fd.as_fd(), OPAQUE.as_bytes(), b"y") {
            Ok(true) => Ok(()),
            // Content that should be hidden would show.
            Ok(false) => Err(failed("mark as opaque", path)(Errno::OPNOTSUPP)),
            Err(error) => Err(failed("mark as opaque", path)(error)),
        }
    }

    /// Sets owner, mode, time and attributes of all directories.
    fn finish_directories(&mut self) -> Result<(), UnpackError> {
        let directories = std::mem::take(&mut self.directories);
        let implied = Attributes::default();
        // Backwards is innermost first.
        for (path, attributes) in directories.iter().rev() {
            self.finish_directory(path, attributes.as_ref().unwrap_or(&implied))?;
        }
        self.directories = directories;
        let root = self.root.clone().unwrap_or(implied);
        self.finish_directory(b"", &root)
    }

    fn finish_directory(&mut self, path: &[u8], attributes: &Attributes) -> Result<(), UnpackError> {
        let shown: &[u8] = if path.is_empty() { b"/" } else { path };
        let fd = match self.tree.place(path) {
            Ok((parent, base)) if !base.is_empty() => attributes::open_readable(parent, base),
            _ => attributes::open_readable(self.tree.root(), path),
        };
        let fd = fd.map_err(failed("open directory", shown))?;
        let fd = fd.as_fd();
        own(
            self.options.owners,
            self.is_root,
            attributes.uid,
            attributes.gid,
            shown,
            |uid, gid| rustix::fs::fchown(fd, uid, gid),
        )?;
        for (key, value) in &attributes.xattrs {
            if !set_xattr(fd, &key.0, &value.0).map_err(failed("set an extended attribute of", shown))? {
                self.skipped.xattrs += 1;
            }
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(attributes.mode))
            .map_err(failed("set the mode of", shown))?;
        rustix::fs::futimens(fd, &timestamps(attributes.mtime)).map_err(failed("set the time of", shown))
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
    if owners == Owners::Single || is_root && uid == 0 && gid == 0 {
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

fn write_plain<R: BufRead>(
    file: &OwnedFd,
    path: &[u8],
    source: &mut Source<'_, R>,
) -> Result<(), PayloadError> {
    let length = source.remaining();
    if length == 0 {
        return Ok(());
    }
    source.recorder.file(path, length).map_err(PayloadError::Sink)?;
    source.payload(length, false, |mut slice| {
        while !slice.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(file, slice))?;
            slice = &slice[written..];
        }
        Ok(())
    })
}

fn write_all_at(file: &OwnedFd, mut slice: &[u8], mut offset: u64) -> io::Result<()> {
    while !slice.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, slice, offset))?;
        slice = &slice[written..];
        offset += written as u64;
    }
    Ok(())
}

fn join(directory: &[u8], base: &[u8]) -> Vec<u8> {
    match directory {
        b"" => base.to_vec(),
        _ => [directory, b"/", base].concat(),
    }
}

/// Components of a path or of a link's target, `..` among them.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
}

/// Takes all paths below `path` out of `map`.
fn remove_below<T>(map: &mut BTreeMap<Vec<u8>, T>, path: &[u8]) {
    let start = [path, b"/"].concat();
    let below = map.range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded));
    let below: Vec<Vec<u8>> = below
        .map(|(key, _)| key)
        .take_while(|key| key.starts_with(&start))
        .cloned()
        .collect();
    for key in below {
        map.remove(&key);
    }
}
