//! One file for one entry.
//!
//! Files get their owner before their mode (chown clears set-uid) and before their capabilities (writing and chown
//! clear them).

use std::io::{self, BufRead};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Absent, Extractor, Source, attributes_of, failed, own, refused};
use crate::image::layer::attributes::{change_mode, set_xattr, timestamps};
use crate::image::layer::name::{self, Meaning};
use crate::image::layer::parents::Parents;
use crate::image::layer::reader::{Entry, Kind, PayloadError};
use crate::image::layer::split::SplitWriter;
use crate::image::layer::{Refusal, UnpackError};
use crate::store::layer::Owners;

/// The mode of files in layers that are shared.
const SHARED_FILE: u32 = 0o444;

impl Extractor<'_> {
    pub(super) fn directory(
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

    pub(super) fn file<R: BufRead>(
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
            _ if self.place.is_elsewhere() => {
                rustix::fs::ftruncate(&file, entry.length).map_err(failed("make", &entry.name))?;
                source.payload(source.remaining(), false, |_| Ok(()))
            }
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
        if self.options.owners != Owners::Shared {
            self.set_xattrs(fd, &entry.xattrs, &entry.name)?;
        }
        let (directory, base) = self
            .tree
            .place(path)
            .map_err(failed("open the directory of", &entry.name))?;
        self.place
            .settle(fd, directory, base, entry.length)
            .map_err(failed("set the place of the content of", &entry.name))?;
        rustix::fs::fchmod(fd, self.mode(entry.mode, SHARED_FILE))
            .map_err(failed("set the mode of", &entry.name))?;
        rustix::fs::futimens(fd, &timestamps(entry.mtime)).map_err(failed("set the time of", &entry.name))
    }

    pub(super) fn symlink(
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
    pub(super) fn node(
        &mut self,
        path: &[u8],
        entry: &Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
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
        if self.options.owners == Owners::Shared {
            return self.leave_out(path, entry, split);
        }
        let made = self.replace(path, split, |directory, base| {
            rustix::fs::mknodat(directory, base, kind, Mode::RUSR | Mode::WUSR, device)
        });
        match made {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && entry.kind != Kind::Fifo => {
                return self.leave_out(path, entry, split);
            }
            made => made.map_err(failed("make special file", &entry.name))?,
        }
        self.finish_node(path, entry)?;
        self.change_mode(path, entry)
    }

    /// A special file that we may not make, or not here.
    fn leave_out(
        &mut self,
        path: &[u8],
        entry: &Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
        // A refusal may have come before the name was looked at.
        self.clear_if_there(path, split)
            .map_err(failed("replace", &entry.name))?;
        self.skipped.devices += 1;
        self.hold(path)?;
        self.absent.insert(path.to_vec(), Absent::Device);
        Ok(())
    }

    /// The mode that a file gets for the one it should have; `shared`: in a layer that is shared.
    pub(super) fn mode(&self, wanted: u32, shared: u32) -> Mode {
        Mode::from_raw_mode(match self.options.owners {
            Owners::Shared => shared,
            Owners::AsWritten | Owners::Single => wanted,
        })
    }

    fn change_mode(&mut self, path: &[u8], entry: &Entry) -> Result<(), UnpackError> {
        let changed = self
            .tree
            .place(path)
            .and_then(|(directory, base)| change_mode(directory, base, entry.mode));
        changed.map_err(failed("set the mode of", &entry.name))
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

    pub(super) fn hard_link(
        &mut self,
        path: &[u8],
        entry: &Entry,
        split: &mut SplitWriter<'_>,
    ) -> Result<(), UnpackError> {
        let target = link_target(path, entry)?;
        let (target_directory, target_base) = name::split(&target);
        let (directory, base) = name::split(path);
        let found = self
            .tree
            .get(target_directory)
            .and_then(|fd| rustix::fs::statat(fd, target_base, AtFlags::SYMLINK_NOFOLLOW));
        let stat = match found {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return self.lower_link(path, target, split, entry),
            Err(Errno::LOOP) => return Err(refused(&entry.name, Refusal::LinkThroughLink)),
            Err(Errno::NOTDIR) => return Err(refused(&entry.name, Refusal::NotADirectory)),
            Err(error) => return Err(failed("find the target of hard link", &entry.name)(error)),
        };
        if FileType::from_raw_mode(stat.st_mode).is_dir() {
            return Err(refused(&entry.name, Refusal::LinkToDirectory));
        }
        let link = |tree: &mut Parents| {
            let (from, to) = tree.pair(target_directory, directory)?;
            rustix::fs::linkat(from, target_base, to, base, AtFlags::empty())
        };
        self.absent.remove(path);
        let linked = match link(&mut self.tree) {
            Err(Errno::EXIST) => self.clear(path, split).and_then(|()| Ok(link(&mut self.tree)?)),
            done => done.map_err(Into::into),
        };
        linked.map_err(failed("make hard link", &entry.name))?;
        self.describe_again(path, entry, &stat)
    }

    /// Gives a file the attributes of a further entry for it. They are the same in sound archives; where they are
    /// not, the last entry counts, as in other engines.
    fn describe_again(&mut self, path: &[u8], entry: &Entry, stat: &Stat) -> Result<(), UnpackError> {
        if self.options.owners == Owners::Shared {
            return Ok(());
        }
        let is_owned =
            self.options.owners == Owners::Single || (stat.st_uid, stat.st_gid) == (entry.uid, entry.gid);
        let has_time = (stat.st_mtime, stat.st_mtime_nsec as u32) == entry.mtime;
        let is_link = FileType::from_raw_mode(stat.st_mode).is_symlink();
        let has_mode = is_link || stat.st_mode & 0o7777 == entry.mode;
        if is_owned && has_mode && has_time {
            return Ok(());
        }
        // The file is not new: it may belong to anybody.
        let was_root = std::mem::replace(&mut self.is_root, false);
        let finished = self.finish_node(path, entry);
        self.is_root = was_root;
        finished?;
        if is_link {
            return Ok(());
        }
        self.change_mode(path, entry)
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
}

/// The target of a hard link in normal form, if it can be one.
fn link_target(path: &[u8], entry: &Entry) -> Result<Vec<u8>, UnpackError> {
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
    Ok(target)
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
