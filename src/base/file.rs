//! Replacing files whole: a reader sees the old content or the new, never half of it.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

/// Whether the new content must survive a loss of power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Synced before the rename, and the directory after it.
    Synced,
    /// Left to the kernel: what vanishes with its owner anyway, such as a `--rm` container.
    Transient,
}

/// Of files that nobody else is to read.
pub const PRIVATE: Mode = Mode::from_raw_mode(0o600);
/// Of files that everybody may read.
pub const PUBLIC: Mode = Mode::from_raw_mode(0o644);

/// Replaces the file `name` below `directory` (made with mode 0600) by one that holds `content`.
pub fn replace(directory: impl AsFd, name: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    replace_by(directory, name, content, durability, PRIVATE)
}

/// The same with a mode, which the file has before it gets its name.
pub fn replace_by(
    directory: impl AsFd,
    name: &Path,
    content: &[u8],
    durability: Durability,
    mode: Mode,
) -> io::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory = directory.as_fd();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut temporary = name.as_os_str().to_owned();
    temporary.push(format!(".new-{}-{number}", std::process::id()));
    let temporary = Path::new(&temporary);
    let written = write_by(directory, temporary, content, durability, mode)
        .and_then(|()| Ok(rustix::fs::renameat(directory, temporary, directory, name)?));
    if let Err(error) = written {
        let _ = rustix::fs::unlinkat(directory, temporary, AtFlags::empty());
        return Err(error);
    }
    if durability == Durability::Synced {
        sync_directory(directory)?;
    }
    Ok(())
}

/// Writes the file `name` below `directory` (made with mode 0600) in place, where nobody reads it before it is whole: in a
/// directory that is not published yet.
pub fn write(directory: impl AsFd, name: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    write_by(directory, name, content, durability, PRIVATE)
}

fn write_by(
    directory: impl AsFd,
    name: &Path,
    content: &[u8],
    durability: Durability,
    mode: Mode,
) -> io::Result<()> {
    // A pipe that somebody has put there keeps nobody waiting.
    let flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::TRUNC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::CLOEXEC;
    let mut file = std::fs::File::from(rustix::fs::openat(directory, name, flags, PRIVATE)?);
    file.write_all(content)?;
    set_mode(&file, mode)?;
    match durability {
        Durability::Synced => file.sync_data(),
        Durability::Transient => Ok(()),
    }
}

/// Sets what the process's mask may have taken away.
fn set_mode(file: &std::fs::File, mode: Mode) -> io::Result<()> {
    match mode {
        PRIVATE => Ok(()),
        mode => Ok(rustix::fs::fchmod(file, mode)?),
    }
}

/// Makes the file `name` below `directory` (mode 0600, synced) with `content`; `false` where it is there already. It has
/// no name before it is complete (`O_TMPFILE`), so that nothing is left when we are killed.
pub fn publish(directory: impl AsFd, name: &Path, content: &[u8]) -> io::Result<bool> {
    publish_by(directory, name, content, PRIVATE)
}

/// The same with a mode.
pub fn publish_by(directory: impl AsFd, name: &Path, content: &[u8], mode: Mode) -> io::Result<bool> {
    let directory = directory.as_fd();
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(directory, ".", flags, PRIVATE) {
        Ok(fd) => fd,
        // Not every file system has nameless files.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            let exists =
                rustix::fs::accessat(directory, name, rustix::fs::Access::EXISTS, AtFlags::empty()).is_ok();
            if !exists {
                replace_by(directory, name, content, Durability::Synced, mode)?;
            }
            return Ok(!exists);
        }
        Err(error) => return Err(error.into()),
    };
    let mut file = std::fs::File::from(fd);
    file.write_all(content)?;
    set_mode(&file, mode)?;
    file.sync_data()?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(rustix::fs::CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => sync_directory(directory).map(|()| true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn sync_directory(directory: BorrowedFd<'_>) -> io::Result<()> {
    // An O_PATH descriptor cannot be synced, so the directory is opened again.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = rustix::fs::openat(directory, ".", flags, Mode::empty())?;
    Ok(rustix::fs::fsync(readable)?)
}

/// The whole of the file `name` below `directory`, refused when it is longer than `limit` bytes
/// or not a regular file.
pub fn read_bounded(directory: impl AsFd, name: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_regular(directory, name, OFlags::NOFOLLOW, limit)
}

/// The same for a file of the user's or the machine's own, which may be a link.
pub fn read_trusted(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_regular(rustix::fs::CWD, path, OFlags::empty(), limit)
}

fn read_regular(directory: impl AsFd, name: &Path, more: OFlags, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
    let file = std::fs::File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    if metadata.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("longer than {limit} bytes"),
        ));
    }
    // What is appended meanwhile is not part of it.
    let length = match metadata.len() {
        // The kernel's own files seem empty.
        0 => limit.min(4096),
        length => length,
    };
    let mut content = vec![0; length as usize];
    let length = read_full(&file, &mut content)?;
    content.truncate(length);
    Ok(content)
}

/// A file of the kernel's, whose length is not known before, in as few reads as there can be. What is longer than any that
/// we know is cut.
pub fn read_proc(path: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let mut content = vec![0; 16 << 10];
    let length = read_full(&file, &mut content)?;
    content.truncate(length);
    Ok(content)
}

fn read_full(file: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match rustix::io::read(&file, &mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &tempfile::TempDir) -> std::fs::File {
        std::fs::File::open(directory.path()).unwrap()
    }

    #[test]
    fn replaces_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        for (content, durability) in [("one", Durability::Synced), ("two", Durability::Transient)] {
            replace(
                open(&directory),
                Path::new("file"),
                content.as_bytes(),
                durability,
            )
            .unwrap();
            assert_eq!(
                std::fs::read_to_string(directory.path().join("file")).unwrap(),
                content
            );
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn publishes_once_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let publish = |content: &[u8]| publish(open(&directory), Path::new("file"), content).unwrap();
        assert!(publish(b"one"));
        assert!(!publish(b"two"));
        assert_eq!(std::fs::read(directory.path().join("file")).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn reading_is_bounded_and_follows_nothing() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", directory.path().join("link")).unwrap();
        rustix::fs::mkfifoat(open(&directory), "fifo", Mode::RUSR).unwrap();
        assert_eq!(
            read_bounded(open(&directory), Path::new("file"), 5).unwrap(),
            b"12345"
        );
        assert!(read_bounded(open(&directory), Path::new("file"), 4).is_err());
        assert!(read_bounded(open(&directory), Path::new("link"), 9).is_err());
        assert!(read_bounded(open(&directory), Path::new("fifo"), 9).is_err());
    }
}
