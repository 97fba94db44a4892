//! A tree as a tar archive: what `export` gives.
//!
//! Names are sorted, so that the same files give the same bytes. What ustar has no room for (long names, large numbers,
//! fractions of seconds, attributes) stands in pax headers before an entry. The tree may be changed by a container while
//! it is read: what vanishes is left out, and a file has as many bytes as its header says.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use tar::{Builder, EntryType, Header};

use super::attributes::{Xattrs, xattrs};
use super::name::Escaped;
use super::parents::open_beneath;

/// The longest name and link target that always fit into ustar's fields.
const SHORT: usize = 100;
/// The largest numbers of ustar: seven and eleven octal digits.
const LARGEST_ID: u32 = 0o7_777_777;
const LARGEST_SIZE: u64 = 0o77_777_777_777;

/// Why a tree cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{name}: {source}")]
    File { name: Escaped, source: io::Error },
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
}

/// Writes everything below the directory `root`, without itself.
pub fn pack(root: BorrowedFd<'_>, output: &mut dyn Write) -> Result<(), PackError> {
    let mut packer = Packer {
        root,
        builder: Builder::new(output),
        names: HashMap::new(),
    };
    // Uppermost is next: paths of directories.
    let mut pending = vec![Vec::new()];
    while let Some(path) = pending.pop() {
        packer.directory(&path, &mut pending)?;
    }
    packer.builder.finish().map_err(PackError::Write)
}

struct Packer<'r, W: Write> {
    root: BorrowedFd<'r>,
    builder: Builder<W>,
    /// The first names of files that have several, by device and inode.
    names: HashMap<(u64, u64), Vec<u8>>,
}

impl<W: Write> Packer<'_, W> {
    /// Writes what is right in a directory; those below are left to be done.
    fn directory(&mut self, path: &[u8], pending: &mut Vec<Vec<u8>>) -> Result<(), PackError> {
        let failed = |error: Errno| failed(path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = match path {
            b"" => rustix::fs::openat(self.root, ".", flags | OFlags::CLOEXEC, Mode::empty()),
            path => open_beneath(self.root, path, flags),
        };
        let directory = match opened {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        let mut bases = Vec::new();
        for entry in Dir::read_from(&directory).map_err(failed)? {
            let base = entry.map_err(failed)?.file_name().to_bytes().to_vec();
            if !matches!(base.as_slice(), b"." | b"..") {
                bases.push(base);
            }
        }
        bases.sort_unstable();
        let mut below = Vec::new();
        for base in bases {
            let full = if path.is_empty() {
                base.clone()
            } else {
                [path, b"/", &base].concat()
            };
            if self.entry(directory.as_fd(), &base, &full)? {
                below.push(full);
            }
        }
        pending.extend(below.into_iter().rev());
        Ok(())
    }

    /// Writes one entry; whether it is a directory.
    fn entry(&mut self, directory: BorrowedFd<'_>, base: &[u8], path: &[u8]) -> Result<bool, PackError> {
        let status = match rustix::fs::statat(directory, base, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            status => status.map_err(|error| failed(path, error))?,
        };
        let kind = FileType::from_raw_mode(status.st_mode);
        let mut entry = Entry::new(path, &status);
        let inode = (status.st_dev, status.st_ino);
        if status.st_nlink > 1
            && kind != FileType::Directory
            && let Some(first) = self.names.get(&inode)
        {
            entry.header.set_entry_type(EntryType::Link);
            entry.link(first);
            self.write(entry, io::empty())?;
            return Ok(false);
        }
        match kind {
            FileType::RegularFile | FileType::Directory => {
                let Some(opened) = open(directory, base, kind).map_err(|error| failed(path, error))? else {
                    return Ok(false);
                };
                // As it is now: the name may mean another file than before.
                let status = rustix::fs::fstat(&opened).map_err(|error| failed(path, error))?;
                let mut entry = Entry::new(path, &status);
                entry.xattrs = xattrs(opened.as_fd()).map_err(|error| failed(path, error))?;
                if kind == FileType::Directory {
                    entry.header.set_entry_type(EntryType::Directory);
                    entry.name.push(b'/');
                    self.write(entry, io::empty())?;
                    return Ok(true);
                }
                entry.header.set_entry_type(EntryType::Regular);
                entry.size(status.st_size as u64);
                self.write(entry, std::fs::File::from(opened))?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(directory, base, Vec::new());
                entry.header.set_entry_type(EntryType::Symlink);
                entry.link(target.map_err(|error| failed(path, error))?.as_bytes());
                self.write(entry, io::empty())?;
            }
            FileType::CharacterDevice | FileType::BlockDevice => {
                let is_character = kind == FileType::CharacterDevice;
                entry.header.set_entry_type(if is_character {
                    EntryType::Char
                } else {
                    EntryType::Block
                });
                let (major, minor) = (
                    rustix::fs::major(status.st_rdev),
                    rustix::fs::minor(status.st_rdev),
                );
                let numbers = entry.header.set_device_major(major);
                numbers
                    .and_then(|()| entry.header.set_device_minor(minor))
                    .map_err(PackError::Write)?;
                self.write(entry, io::empty())?;
            }
            FileType::Fifo => {
                entry.header.set_entry_type(EntryType::Fifo);
                self.write(entry, io::empty())?;
            }
            // Sockets are of those who listen, and no archive holds them.
            _ => return Ok(false),
        }
        if status.st_nlink > 1 {
            self.names.insert(inode, path.to_vec());
        }
        Ok(false)
    }

    fn write(&mut self, mut entry: Entry, content: impl Read) -> Result<(), PackError> {
        let extensions = entry.extensions();
        let pairs = extensions
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        if !extensions.is_empty() {
            self.builder
                .append_pax_extensions(pairs)
                .map_err(PackError::Write)?;
        }
        entry.header.set_cksum();
        // Grown or cut meanwhile: the header is told already.
        let content = content.chain(io::repeat(0)).take(entry.length);
        self.builder
            .append(&entry.header, content)
            .map_err(PackError::Write)
    }
}

/// One header, and what does not fit into it.
struct Entry {
    header: Header,
    name: Vec<u8>,
    target: Option<Vec<u8>>,
    length: u64,
    ids: (u32, u32),
    mtime: (i64, u32),
    xattrs: Xattrs,
}

impl Entry {
    fn new(path: &[u8], status: &Stat) -> Self {
        let mut header = Header::new_ustar();
        header.set_mode(status.st_mode & 0o7777);
        header.set_size(0);
        Self {
            header,
            name: path.to_vec(),
            target: None,
            length: 0,
            ids: (status.st_uid, status.st_gid),
            mtime: (status.st_mtime, status.st_mtime_nsec as u32),
            xattrs: Vec::new(),
        }
    }

    fn link(&mut self, target: &[u8]) {
        self.target = Some(target.to_vec());
    }

    fn size(&mut self, size: u64) {
        self.length = size;
    }

    /// Puts what fits into the header, and gives the rest.
    fn extensions(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut more = Vec::new();
        let mut add = |name: &str, value: Vec<u8>| more.push((name.to_owned(), value));
        let ustar = self.header.as_ustar_mut().expect("made as ustar");
        let mut put = |field: &mut [u8; SHORT], name: &str, value: &[u8]| {
            let length = value.len().min(SHORT);
            field[..length].copy_from_slice(&value[..length]);
            if value.len() > SHORT {
                add(name, value.to_vec());
            }
        };
        put(&mut ustar.name, "path", &self.name);
        if let Some(target) = &self.target {
            put(&mut ustar.linkname, "linkpath", target);
        }
        let mut number = |name: &str, value: u64, largest: u64| {
            if value > largest {
                add(name, value.to_string().into_bytes());
            }
            if value > largest { 0 } else { value }
        };
        let uid = number("uid", self.ids.0.into(), LARGEST_ID.into());
        let gid = number("gid", self.ids.1.into(), LARGEST_ID.into());
        let size = number("size", self.length, LARGEST_SIZE);
        self.header.set_uid(uid);
        self.header.set_gid(gid);
        self.header.set_size(size);
        let (seconds, nanoseconds) = self.mtime;
        let fits = u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= LARGEST_SIZE);
        self.header.set_mtime(fits.unwrap_or(0));
        if nanoseconds != 0 || fits.is_none() {
            add("mtime", decimal(seconds, nanoseconds).into_bytes());
        }
        for (name, value) in self.xattrs.drain(..) {
            // A pax header cannot hold other names.
            if let Ok(name) = String::from_utf8(name)
                && !name.contains('=')
            {
                add(&format!("SCHILY.xattr.{name}"), value);
            }
        }
        more
    }
}

/// Seconds with their fraction, which counts upwards before 1970 too.
fn decimal(seconds: i64, nanoseconds: u32) -> String {
    let (sign, whole, fraction) = match (seconds, nanoseconds) {
        (..0, 1..) => ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - nanoseconds),
        (..0, 0) => ("-", seconds.unsigned_abs(), 0),
        _ => ("", seconds.unsigned_abs(), nanoseconds),
    };
    let text = format!("{sign}{whole}.{fraction:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Opens a file or directory of which a container may make something else at any moment. `None`: it has.
fn open(directory: BorrowedFd<'_>, base: &[u8], kind: FileType) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::openat(directory, base, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        opened => opened?,
    };
    let is_same = FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) == kind;
    Ok(is_same.then_some(opened))
}

fn failed(path: &[u8], error: Errno) -> PackError {
    PackError::File {
        name: Escaped::new(if path.is_empty() { b"/" } else { path }),
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn packed(root: &std::path::Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(std::fs::File::open(root).unwrap().as_fd(), &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn everything_of_a_tree_is_read_again() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let long = "d".repeat(120);
        std::fs::create_dir_all(root.join(&long).join("e")).unwrap();
        std::fs::write(root.join(&long).join("file"), "content").unwrap();
        std::fs::hard_link(root.join(&long).join("file"), root.join("twin")).unwrap();
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"odd\xff")), "").unwrap();
        symlink("t".repeat(130), root.join("link")).unwrap();
        std::fs::set_permissions(root.join("twin"), PermissionsExt::from_mode(0o4751)).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let mtime = |seconds, nanoseconds| {
            std::fs::FileTimes::new()
                .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(seconds, nanoseconds))
        };
        std::fs::File::open(root.join("twin"))
            .unwrap()
            .set_times(mtime(5, 250_000_000))
            .unwrap();
        let bytes = packed(root);
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            let times = entry
                .pax_extensions()
                .unwrap()
                .map_or(String::new(), |extensions| {
                    let times = extensions
                        .map(Result::unwrap)
                        .filter(|one| one.key() == Ok("mtime"));
                    times.map(|one| one.value().unwrap().to_owned()).collect()
                });
            entry.read_to_string(&mut content).unwrap();
            let target = entry
                .link_name_bytes()
                .map(|name| name.escape_ascii().to_string());
            found.push((
                entry.path_bytes().escape_ascii().to_string(),
                entry.header().entry_type(),
                entry.header().mode().unwrap(),
                target,
                content,
                times,
            ));
        }
        let names: Vec<&str> = found.iter().map(|one| one.0.as_str()).collect();
        let directory = format!("{long}/");
        let (below, file) = (format!("{long}/e/"), format!("{long}/file"));
        assert_eq!(
            names,
            [
                directory.as_str(),
                "link",
                "odd\\xff",
                "pipe",
                "twin",
                below.as_str(),
                file.as_str()
            ]
        );
        assert_eq!(found[1].3, Some("t".repeat(130)));
        assert_eq!(found[3].1, EntryType::Fifo);
        assert_eq!(
            (found[4].2, found[4].4.as_str(), found[4].5.as_str()),
            (0o4751, "content", "5.25")
        );
        // The second name is a link to the first.
        assert_eq!(
            (found[6].1, found[6].3.as_deref()),
            (EntryType::Link, Some("twin"))
        );
        assert_eq!(packed(root), bytes);
    }

    #[test]
    fn numbers_that_do_not_fit_are_said_otherwise() {
        let status = rustix::fs::stat("/").unwrap();
        let mut entry = Entry::new(b"x", &status);
        entry.ids = (LARGEST_ID + 1, 7);
        entry.size(LARGEST_SIZE + 1);
        entry.mtime = (-2, 500_000_000);
        entry.xattrs = vec![
            (b"security.capability".to_vec(), vec![1, 0, 2]),
            (b"user.a=b".to_vec(), Vec::new()),
        ];
        let more = entry.extensions();
        let expected: [(&str, &[u8]); 4] = [
            ("uid", b"2097152"),
            ("size", b"8589934592"),
            ("mtime", b"-1.5"),
            ("SCHILY.xattr.security.capability", &[1, 0, 2]),
        ];
        let more: Vec<(&str, &[u8])> = more
            .iter()
            .map(|(name, value)| (name.as_str(), &value[..]))
            .collect();
        assert_eq!(more, expected);
        assert_eq!(entry.header.gid().unwrap(), 7);
    }

    #[test]
    fn times_before_1970() {
        for (seconds, nanoseconds, expected) in [
            (5, 0, "5"),
            (5, 1, "5.000000001"),
            (-1, 0, "-1"),
            (-1, 900_000_000, "-0.1"),
            (0, 0, "0"),
            (10, 0, "10"),
        ] {
            assert_eq!(decimal(seconds, nanoseconds), expected);
        }
    }
}
